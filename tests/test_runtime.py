"""The time that a plan tells: terms of a run by hand, rates measured or stated, the schedule, and a smaller profile."""

import numpy as np
import pytest
from conftest import tiny

from xlt.core import device
from xlt.core.errors import UserError
from xlt.data.store import Store
from xlt.lab import budget, calibrate, estimate, rates, slots
from xlt.lab.jobs import Job
from xlt.lab.rates import Pass, Rates, Shape
from xlt.lab.runtime import Estimator
from xlt.lab.schedule import makespan
from xlt.lab.work import execute
from xlt.spec.profile import Resources
from xlt.spec.recipe import Evaluation
from xlt.spec.stage import Stage

# Powers of ten, so that each term shows in a digit of its own.
NOTHING = dict.fromkeys(("word", "update", "load", "save", "run", "evaluation", "learned", "tested", "query"), 0.0)
FREE = Pass(fixed=0, token=0, pair=0)
FULL = rates.Trained()


@pytest.fixture
def rated(store, monkeypatch):
    """An estimator with the given terms, all others zero."""

    def with_terms(resources=None, **terms):
        known = Rates(**({"training": FREE, "reading": FREE} | NOTHING | terms))
        monkeypatch.setattr(rates, "of", lambda *_: (known, True))
        return Estimator(store, tiny(resources=resources or Resources()))

    return with_terms


def stage(**fields):
    return Stage(**({"task": "mnli", "steps": 10, "batch": 4} | fields))


def test_an_update_is_passes_subwords_pairs_and_the_optimiser(rated, start):
    recipe = start.then(stage(accumulate=3))
    # 10 updates of 3 passes; 10 x 12 records of 22 subwords, each of which attends to 22
    assert rated(training=Pass(fixed=1, token=0, pair=0)).training(recipe) == pytest.approx(30)
    assert rated(training=Pass(fixed=0, token=1, pair=0)).training(recipe) == pytest.approx(120 * 22)
    assert rated(training=Pass(fixed=0, token=0, pair=1)).training(recipe) == pytest.approx(120 * 22 * 22)
    assert rated(update=1).training(recipe) == pytest.approx(10)
    assert rated(run=1, load=10, save=100).training(recipe) == pytest.approx(111)
    assert rated(learned=1).training(recipe) == pytest.approx(24 * 22), "all records are made features of"


def test_records_that_are_asked_for_and_not_there_take_no_time(rated, start):
    """Of the 24 records of MNLI in the tiny world one epoch learns 24, or its slice of 6, whatever `examples` says."""
    estimator = rated(learned=1)
    for cut, there in ((None, 24), (":25%", 6)):
        asked, all_of_it = (stage(epochs=1, steps=None, slice=cut, examples=wanted) for wanted in (1_000_000, None))
        assert estimate.records(estimator.store, asked) == estimate.records(estimator.store, all_of_it) == [there]
        assert estimator.training(start.then(asked)) == estimator.training(start.then(all_of_it))
    assert estimate.records(estimator.store, stage(examples=5)) == [5]


def test_a_budget_of_subwords_makes_fewer_passes(rated, start):
    recipe, one = start.then(stage(accumulate=3)), Pass(fixed=1, token=0, pair=0)
    assert rated(Resources(tokens=12 * 22), training=one).training(recipe) == pytest.approx(10)
    assert rated(Resources(tokens=12 * 22 - 1), training=one).training(recipe) == pytest.approx(20)


def test_robust_training_and_masked_words_cost_more(rated, start):
    plain = rated(training=Pass(fixed=0, token=1, pair=0))
    ball = start.then(stage(ball={"radius": 0.1, "steps": 3}))
    # each ascent is a pass forward and one back to the inputs, two thirds of a whole one
    assert plain.training(ball) == pytest.approx(3 * plain.training(start.then(stage())))
    random = start.then(stage(ball={"radius": 0.1, "search": "random"}))
    assert plain.training(random) == plain.training(start.then(stage()))
    text = start.then(stage(task="text", mask=0.5, mask_other=0.1))
    assert rated(word=1).training(text) == pytest.approx(10 * 4 * 26 * 0.3)


def test_development_checks_count(rated, start):
    checked = start.then(stage(select="dev", select_examples=3))
    assert rated(evaluation=1).training(checked) == 10
    assert rated(evaluation=1).training(start.then(stage(select="dev", check_every=4))) == 3
    assert rated(evaluation=1).training(start.then(stage())) == 0
    assert rated(tested=1).training(checked) == pytest.approx(10 * 3 * 22)


def test_an_attack_costs_its_queries_and_three_readings(rated, start):
    def cost(estimator, **fields):
        return estimator(Job(start, (Evaluation(task="xnli", **fields),)), trained=True)

    attack = {"name": "characters", "budget": 11}  # fewer than a search would take
    assert cost(rated(query=1), attack=attack) == pytest.approx(6 * (0.6 * 11 + 0.4))
    assert cost(rated(tested=1), attack=attack) == pytest.approx(3 * cost(rated(tested=1)))
    assert cost(rated(tested=1), examples=3) == pytest.approx(cost(rated(tested=1)) / 2)
    assert cost(rated(tested=1), examples=50) == cost(rated(tested=1)), "there are no more than six"
    pgd = {"radius": 0.1, "steps": 3}
    forward = rated(reading=Pass(fixed=0, token=1, pair=0))
    assert cost(forward, ball=pgd) == pytest.approx(10 * cost(forward))
    assert cost(rated(load=1, evaluation=10)) == pytest.approx(11)


# rates -----------------------------------------------------------------------------------------

SHAPE = Shape(12, 768, 250_002)


def test_a_plan_for_a_card_never_takes_the_speed_of_the_processor_here():
    here = rates.device(Resources(), 1)
    named = rates.device(Resources(card="h100"), 1)
    assert (here.threads, named.name, named.threads) == (1, "H100", 0)
    fast, slow = (rates.stated(at, SHAPE, FULL) for at in (named, here))
    assert slow.training.token > 100 * fast.training.token
    with pytest.raises(UserError, match="unknown device 'H1000' in --device; did you mean H100"):
        rates.device(Resources(), 1, "H1000")
    with pytest.raises(UserError, match="unknown device 'x' in resources.card"):
        rates.device(Resources(card="x"), 1)


def test_a_gpu_here_goes_before_the_card_of_the_profile(monkeypatch):
    monkeypatch.setattr(slots, "gpus", lambda: ("0",))
    monkeypatch.setattr(rates, "_gpu", lambda: "A100")
    assert rates.device(Resources(card="H100"), 8).name == "A100"
    assert rates.device(Resources(card="H100"), 8, "T4").name == "T4"


def test_stated_rates_count_the_operations():
    card = rates.CARDS["H100"]
    h100 = rates.Device("H100", "default", 0)
    ways = FULL, FULL._replace(method="lora"), FULL._replace(frozen="embeddings")
    full, lora, frozen = (rates.stated(h100, SHAPE, how) for how in ways)
    assert full.training.token == pytest.approx(6 * 12 * 12 * 768**2 / card.flops)  # 6 a weight: 2 forward, 4 backward
    assert lora.training.token == pytest.approx(full.training.token * 4 / 6)
    assert full.reading.token == pytest.approx(full.training.token / 3)
    trained = 12 * 12 * 768**2  # weights without the embeddings; 20,000 of those are counted where they are trained
    assert (full.update - 2e-3) / (frozen.update - 2e-3) == pytest.approx((trained + 20_000 * 768) / trained)
    one, two = (rates.stated(rates.Device("core", "fp32", count), SHAPE, FULL) for count in (1, 2))
    assert two.training.token == pytest.approx(one.training.token / 2)


def test_measured_rates_are_kept_by_device_precision_threads_shape_and_what_is_trained(tmp_path, monkeypatch):
    monkeypatch.setenv("XLT_CACHE", str(tmp_path))
    at, how = rates.Device("a processor", "fp32", 2), rates.trained(tiny())
    assert rates.of(tiny(), SHAPE, at) == (rates.stated(at, SHAPE, how), False)
    measured = rates.stated(at, SHAPE, how).model_copy(update={"run": 7.0})
    file = rates.keep(at, SHAPE, how, measured)
    assert rates.of(tiny(), SHAPE, at) == (measured, True)
    others = (at._replace(precision="bf16"), SHAPE), (at._replace(threads=1), SHAPE), (at, SHAPE._replace(layers=6))
    assert [rates.kept(*other, how) for other in others] == [None] * 3
    changed = {"method": "lora"}, {"frozen": "embeddings"}, {"dropout": 0.3}
    assert [rates.kept(at, SHAPE, how._replace(**fields)) for fields in changed] == [None] * 3
    file.write_text("{")
    assert rates.kept(at, SHAPE, how) is None


def test_a_calibration_measures_an_encoder_as_runs_read_it():
    """In the precision of a run, with the profile's dropout, and without gradients for what is frozen."""
    encoder = tiny().encoder.model_copy(update={"dropout": 0.25})
    settings = tiny(encoder=encoder, training={"frozen": "embeddings"}, resources=Resources(precision="bf16"))
    measured = calibrate._Measured(settings)
    assert measured.encoder.config.hidden_dropout_prob == 0.25
    assert "_in_its_precision" in measured.encoder.forward.__qualname__
    learner = measured._learner("mnli", ("a", "b", "c"))
    assert not any(weight.requires_grad for weight in learner.encoder.embeddings.parameters())


def test_a_calibration_of_lora_puts_one_adapter_around_the_encoder_that_pretraining_trains_whole():
    measured = calibrate._Measured(tiny(training={"method": "lora"}))
    pretrained = measured._learner("text", ())
    assert all(weight.requires_grad for weight in pretrained.encoder.parameters())
    tuned = measured._learner("mnli", ("a", "b", "c"))
    assert (
        sum("lora_A" in name for name, _ in tuned.encoder.named_parameters())
        == 2 * measured.encoder.config.num_hidden_layers
    )
    assert {"lora" in name for name, weight in tuned.encoder.named_parameters() if weight.requires_grad} == {True}


def test_the_terms_of_a_pass_are_found_again():
    true = Pass(fixed=0.003, token=2e-5, pair=1e-7)
    sizes = [(1, 16), (32, 16), (32, 48), (8, 128)]
    fitted = calibrate._fitted([(count, length, true.seconds(1, count * length, length)) for count, length in sizes])
    assert [fitted.fixed, fitted.token, fitted.pair] == pytest.approx([true.fixed, true.token, true.pair])


# schedule --------------------------------------------------------------------------------------


def test_more_workers_help_until_the_longest_chain_takes_all_the_time(start):
    chain = [start, start.then(stage()), start.then(stage(), stage(task="pos"))]
    single = [start.then(stage(seed=seed)) for seed in range(4)]
    seconds = dict.fromkeys([*chain, *single], 1.0) | {chain[2]: 5.0}
    width = dict.fromkeys(seconds, 1)
    assert makespan(seconds, width, 1) == sum(seconds.values()) == 11
    assert makespan(seconds, width, 2) == 7  # start, then the chain of 6 beside the four others
    assert makespan(seconds, width, 100) == 7
    # the first is as wide as both workers; after it the chain on one, and the four on the other
    assert makespan(seconds, width | {start: 2}, 2) == 7
    assert makespan(seconds, dict.fromkeys(seconds, 2), 2) == 11


def test_a_wide_run_waits_for_room(start):
    wide, narrow = start.then(stage(seed=0)), start.then(stage(seed=1))
    assert makespan({narrow: 3.0, wide: 2.0}, {narrow: 1, wide: 2}, 2) == 5


# a smaller profile -----------------------------------------------------------------------------


def test_a_budget_cuts_in_the_declared_order_until_it_fits(monkeypatch):
    taken = {"xlt.studies": 0}
    hours = {"attacks": 5, "examples": 4, "study": 2}

    def duration(file):
        from xlt.lab.profiles import load

        made = load(file)
        robust, mix = (made.studies.get(name) for name in ("robust_training", "data_mix"))
        taken["xlt.studies"] = len(made.studies)
        attacked = [plan.conditions["attack"].get("examples") for plan in (robust, mix) if plan]
        return (
            (hours["attacks"] if max(attacked, default=0) > 100 else 0)
            + (hours["examples"] if any((plan.examples or 1000) > 500 for plan in made.studies.values()) else 0)
            + hours["study"] * len(made.studies)
        )

    whole = 5 + 4 + 2 * 7
    none = budget.propose("paper", whole, duration)
    assert not none.lost and none.hours == whole and none.text == "extends: paper\n"
    first = budget.propose("paper", whole - 1, duration)
    assert len(first.lost) == 1 and "attacks on 100 records: a success rate is known within ±13 points" in first.lost[0]
    assert "saves 5.0 h" in first.lost[0] and first.hours == whole - 5
    deep = budget.propose("paper", 11, duration)
    assert [line.split(":")[0].split(" records")[0] for line in deep.lost] == [
        "attacks on 100", "studies test 500", "no answer to", "no answer to",
    ]  # fmt: skip
    assert deep.hours <= 11 and taken["xlt.studies"] == 5


def test_a_cut_that_saves_nothing_is_not_made():
    least = budget.propose("huang", 0, lambda file: 1.0)
    assert not least.lost and least.hours == 1.0


# against finished runs -------------------------------------------------------------------------


@pytest.mark.slow
def test_measured_rates_predict_runs_within_a_factor_of_two(tmp_path, monkeypatch, world):
    """Processor time of one thread, so that what else is at work on the machine adds little.

    What others do on the same host changes what a core reaches by a factor of three, for minutes (bf16 products of a
    virtual machine: 370 to 1,250 GFLOP/s). So rates and runs are measured together, and up to three times.
    """
    monkeypatch.setenv("XLT_CACHE", str(tmp_path))
    encoder = tiny().encoder.model_copy(update={"layers": 3, "width": 64, "heads": 4})
    settings = tiny(encoder=encoder, resources=Resources(pretraining_threads=1))
    monkeypatch.setattr(calibrate, "_ENOUGH", 0.3)
    store, start = Store(tmp_path / "runs", world), profiles_start(settings)
    execute(store, Job(start), settings.resources)
    measured = []
    for seed in range(3):
        assert len(list(calibrate.calibrate(settings))) == 1
        seconds = Estimator(store, settings)
        assert seconds.about.endswith("measured with xlt calibrate")
        measured.append(_expected_over_taken(store, settings, seconds, _jobs(start, seed)))
        if 0.5 < measured[-1] < 2:
            return
    pytest.fail(f"expected over taken: {measured}")


def _jobs(start, seed):
    read = tuple(Evaluation(task="xnli", language=code) for code in ("en", "de", "zh"))
    return [
        Job(start.then(stage(steps=150, batch=32, seed=seed)), read),
        Job(start.then(stage(task="pos", steps=150, batch=32, seed=seed))),
        Job(start.then(stage(task="text", languages=("en", "de"), steps=150, batch=32, seed=seed))),
    ]


def _expected_over_taken(store, settings, seconds, jobs):
    """The geometric mean over the jobs."""
    clock, ratios = device.clock(), []
    for job in jobs:
        expected, began = seconds(job), clock()
        execute(store, job, settings.resources)
        ratios.append(expected / (clock() - began))
    return np.exp(np.mean(np.log(ratios)))


def profiles_start(settings):
    from xlt.spec.recipe import Recipe

    return Recipe(start=settings.encoder)
