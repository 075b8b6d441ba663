"""The measurement of speed: every way learns the same, what is counted is there, and ratios are right."""

from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch

from xlt.analysis import speeds
from xlt.analysis.stats import Interval
from xlt.core import device
from xlt.core.errors import UserError
from xlt.data.store import Store
from xlt.lab import profiles, selection
from xlt.lab.speed import measure, stopwatch
from xlt.lab.speed.measure import Measured
from xlt.lab.speed.records import Records, tokenizer, write_encoder
from xlt.lab.speed.stopwatch import Stopwatch, kind_of
from xlt.lab.speed.ways import WAYS, Setting
from xlt.report import speed_figures
from xlt.spec import tasks
from xlt.spec.profile import Resources
from xlt.spec.recipe import Encoder, Recipe
from xlt.spec.speed import DYNAMIC, OWN, PADDED, PLAIN, READING, TRAINING, XLT, Case, Drawn, Speed
from xlt.spec.stage import Stage

SHAPE = Encoder(layers=2, width=16, heads=2, vocabulary=400, positions=60, dropout=0.0)
PAIRS = Drawn(task="mnli", lengths=(6, 12, 40), first=0.6)
TAGGED = Drawn(task="udpos", lengths=(3, 10, 40))
QUESTIONS = Drawn(task="squad", lengths=(12, 20, 40), first=0.2)
FP32 = Resources(precision="fp32", eval_batch=4)
POOL = 8
SPLITS = ("train", "test")


@pytest.fixture(autouse=True)
def precision_as_before():
    yield
    device.prefer(None)


@pytest.fixture
def setting(tmp_path):
    """Make the setting of one case on a tiny encoder; an update learns from the whole pool."""

    def make(drawn: Drawn, shape: Encoder = SHAPE, **fields) -> Setting:
        device.prefer("fp32")
        start = write_encoder(shape, tmp_path / "encoder")
        stage = Stage(task=drawn.task, batch=POOL, lr=1e-3, max_length=40, warmup=0.0, seed=0, **fields)
        store = Store(tmp_path / "runs", Records(drawn, POOL, shape.vocabulary, zipf=1.3))
        return Setting(store, Recipe(start=start, stages=(stage,)), FP32)

    return make


# records ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawn", [PAIRS, TAGGED, QUESTIONS], ids=lambda drawn: drawn.task)
def test_records_are_as_long_as_declared_and_the_same_each_time(setting, drawn):
    one = setting(drawn)
    lengths = [len(feature["input_ids"]) for feature in one.features("train", 2000)]
    assert min(drawn.lengths) <= min(lengths) and max(lengths) <= max(drawn.lengths)
    assert abs(np.median(lengths) - drawn.lengths[1]) <= 3
    first, again, other = (list(features[0]["input_ids"]) for features in (one.pool, *map(one.features, SPLITS)))
    assert first == again != other


def test_every_word_is_one_subword_and_the_vocabulary_is_full():
    made = tokenizer(400)
    assert len(made) == 400
    assert made("aaaa aaab", "aaaz")["input_ids"] == [0, 5, 6, 2, 2, 30, 2]


def test_an_answer_lies_in_its_context(setting):
    rows = setting(QUESTIONS).store.source.load(tasks.get("squad"), "en", "train")
    for row in rows:
        start, text = row["answers"]["answer_start"][0], row["answers"]["text"][0]
        assert row["context"][start:].startswith(text)


# ways -------------------------------------------------------------------------------------------


def weights(model) -> torch.Tensor:
    """All weights, but for those that softmax takes no notice of: their gradients are rounding, of which Adam makes
    whole steps."""
    learned = {name: value for name, value in model.state_dict().items() if not name.endswith(UNNOTICED)}
    return torch.cat([value.detach().flatten() for _, value in sorted(learned.items())])


UNNOTICED = ("key.bias", "qa_outputs.bias")


@pytest.mark.parametrize("drawn", [PAIRS, TAGGED], ids=lambda drawn: drawn.task)
@pytest.mark.parametrize("name", [PADDED, DYNAMIC, XLT])
def test_every_way_learns_the_same_from_the_same_records_as_the_plain_loop(setting, drawn, name):
    """Each update learns from the whole pool, so that the order of records does not matter. The padded way reads its
    padding as no token, and a run keeps the weights that it has learned."""
    shared = setting(drawn)
    before = weights(shared.learner())
    plain = weights(WAYS[PLAIN].train(shared, 3).model)
    learned = weights(WAYS[name].train(shared, 3).model)
    assert (plain - before).abs().max() > 1e-3
    torch.testing.assert_close(learned, plain, atol=1e-4, rtol=0)


def test_windows_of_questions_are_learned_alike_too(setting):
    """Not by `transformers`: its loss counts padding among the places where an answer may begin."""
    shared = setting(QUESTIONS)
    learned, plain = (weights(WAYS[name].train(shared, 3).model) for name in (XLT, PLAIN))
    torch.testing.assert_close(learned, plain, atol=1e-4, rtol=0)


def test_the_second_recipe_leaves_the_embeddings_and_dropout_out(setting):
    shared = setting(PAIRS, SHAPE.model_copy(update={"dropout": 0.5}))
    learner = WAYS[OWN].train(shared, 3).model
    name = "roberta.embeddings.word_embeddings.weight"
    assert torch.equal(learner.state_dict()[name], shared.learner().state_dict()[name])
    assert learner.config.hidden_dropout_prob == 0 and shared.learner().config.hidden_dropout_prob == 0.5


@pytest.mark.parametrize("name", list(WAYS))
def test_useful_tokens_and_records_of_the_timed_updates_are_counted(setting, name):
    """Every update has the whole pool; the first is not timed; padding is no token."""
    shared = setting(PAIRS)
    trained = WAYS[name].train(shared, 3)
    tokens = sum(len(feature["input_ids"]) for feature in shared.pool)
    assert (trained.tokens, trained.records) == (2 * tokens, 2 * POOL)
    assert trained.watch.done == 3 and trained.watch.seconds > 0


@pytest.mark.parametrize("drawn", [PAIRS, TAGGED, QUESTIONS], ids=lambda drawn: drawn.task)
def test_every_way_reads_all_records(setting, drawn, monkeypatch):
    """Each record once, and none of its padding."""
    shared = setting(drawn)
    features = shared.features("test", 10)
    learner, seen = shared.learner().eval(), []

    def count(_, arguments, inputs):
        seen.append((len(inputs["input_ids"]), int(inputs["attention_mask"].sum())))

    learner.register_forward_pre_hook(count, with_kwargs=True)
    expected = (10, sum(len(feature["input_ids"]) for feature in features))
    for way in (WAYS[name] for name in (PADDED, DYNAMIC, PLAIN, XLT)):
        seen.clear()
        assert way.read(shared, learner, features) >= 0
        assert tuple(map(sum, zip(*seen, strict=True))) == expected


# the watch --------------------------------------------------------------------------------------


def test_the_first_update_is_left_out(monkeypatch):
    """Of three updates that end 5, 7 and 10 seconds after the beginning, the block 1 second later: 5 + 5 + 1."""
    weight = torch.nn.Parameter(torch.ones(1))
    optimiser, clock = torch.optim.SGD([weight]), iter([0, 5, 5, 10, 10, 11])
    monkeypatch.setattr(stopwatch, "now", lambda clock_=False, **_: next(clock))
    with Stopwatch(3) as watch:
        for _ in range(3):
            optimiser.step()
    assert (watch.before, watch.seconds, watch.after) == (5, 5, 1)


def test_operations_belong_to_the_part_that_they_are():
    parts = {
        "aten::addmm": "matrix products", "aten::_scaled_dot_product_flash_attention_for_cpu": "matrix products",
        "aten::bernoulli_": "dropout's random numbers", "aten::_to_copy": "casts and copies",
        "aten::_fused_adamw_": "optimiser", "aten::linalg_vector_norm": "optimiser",
        "aten::native_layer_norm_backward": "other kernels", "aten::gelu": "other kernels",
    }  # fmt: skip
    assert {operation: kind_of(operation) for operation in parts} == parts


# what is made of it -----------------------------------------------------------------------------


def rates(**ways_: list[float]) -> pd.DataFrame:
    """Records a second of each way in each repetition."""
    rows = [
        {"encoder": "small", "records_of": "pairs", "way": way, "what": what, "repetition": number, "records": value,
         "tokens": 40 * value, "flops": 1e9 * value, "precision": "bf16" if "xlt" in way else "fp32"}
        for what in (TRAINING, READING)
        for way, values in ways_.items()
        for number, value in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def found() -> Measured:
    table = rates(**{PADDED: [2.0, 4.0], DYNAMIC: [5.0, 5.0], PLAIN: [5.0, 6.0], XLT: [16.0, 32.0], OWN: [30.0, 40.0]})
    shares = dict.fromkeys(stopwatch.PARTS, 1 / len(stopwatch.PARTS))
    machine = {
        "kind": "CPU with AMX", "processor": "x", "precision": "y", "instructions": "z", "threads": 1, "packages": {},
        "measured": "2020-02-02",
    }  # fmt: skip
    costs = {"tokenising": 0.001, "start": 30.0, "end": 60.0}
    parts = pd.DataFrame([{"way": way, **shares} for way in (PADDED, OWN)])
    return Measured(table, parts, costs, {"fp32": 1e11, "bf16": 8e11}, machine)


SPEED = Speed(
    encoders={"small": SHAPE}, records={"pairs": PAIRS}, cases=(Case(encoder="small", records="pairs"),),
    run={"learned": 3600, "read": 7200},
    aims=[
        {"machine": "CPU with AMX", "what": TRAINING, "against": PADDED, "least": 8.5},
        {"machine": "CPU with AMX", "what": TRAINING, "against": DYNAMIC, "least": 7.0},
        {"machine": "GPU", "what": TRAINING, "against": PADDED, "least": 8},
    ],
)  # fmt: skip


def test_a_ratio_is_taken_within_each_repetition(found):
    """8 times in both repetitions, although the second was twice as fast: no spread."""
    assert speeds.ratio(found.rates, TRAINING, XLT, PADDED) == pytest.approx((8, 8, 8))
    times = speeds.ratio(found.rates, TRAINING, XLT, DYNAMIC)  # 3.2 and 6.4
    assert times.value == pytest.approx(20.48**0.5) and times.low < 3.2 and times.high > 6.4


def test_aims_pass_or_fail_by_the_ratio_and_others_machines_are_not_judged(found):
    judged = speeds.aims(SPEED, found)
    verdicts = {(row.of, row.against, row.machine): row.verdict for row in judged.itertuples()}
    assert verdicts[XLT, PADDED, "CPU with AMX"] == "fail"
    assert verdicts[OWN, PADDED, "CPU with AMX"].startswith("pass")  # 15 and 10 times
    assert verdicts[XLT, DYNAMIC, "CPU with AMX"] == "fail, within noise"
    assert verdicts["xlt, either recipe", PADDED, "GPU"] == "needs a GPU"
    assert "that are reached: 1 of 4" in speeds.answer(SPEED, found)
    asked = {answer.question: answer.answer for answer in speeds.answers(SPEED, found)}
    assert asked["Training: is xlt at least 8.5 times as fast as transformers, padded?"] == "fail: 8.0 [8.0, 8.0] times"


def test_the_share_of_the_matrix_rate_is_in_the_precision_of_the_way(found):
    table = speeds.summary(found).set_index(["what", "way"])
    assert table.loc[(TRAINING, PADDED), "share"] == pytest.approx(3e9 / 1e11)
    assert table.loc[(TRAINING, XLT), "share"] == pytest.approx(24e9 / 8e11)
    assert table.loc[(TRAINING, XLT), "floor"] == pytest.approx(800)


def test_the_table_has_a_row_for_each_way_with_training_and_reading_side_by_side(found):
    shown = speeds.shown(speeds.summary(found)).loc[("small", "pairs")]
    assert list(shown.index) == [PADDED, DYNAMIC, PLAIN, XLT, OWN]
    assert shown.loc[PADDED, "training: records (useful tokens) a second"] == "3.0 (120)"
    assert shown.loc[PADDED, "reading: xlt is so many times as fast"] == "8.0 [8.0, 8.0]"
    assert shown.loc[XLT, "training: xlt is so many times as fast"] == "–"


def test_a_whole_run_adds_up(found):
    """3,600 records at 3 a second, 7,200 read at 3, both tokenised, and the start and the end."""
    spent = speeds.whole_run(found, SPEED.run, SPEED.cases[0]).groupby("way")["minutes"].sum()
    assert spent[PADDED] == pytest.approx((3600 / 3 + 7200 / 3 + 10.8 + 90) / 60)


def test_what_was_measured_is_read_back_as_it_was(found, tmp_path):
    (tmp_path / "speed.json").write_text(found.written())
    again = Measured.read(tmp_path / "speed.json")
    pd.testing.assert_frame_equal(again.rates, found.rates)
    assert again[2:] == found[2:]


def test_the_figures_say_their_numbers(found):
    assert "training, small encoder, pairs, xlt: 8.0" in speed_figures.ratios(found.rates).get_label()
    spent = speeds.whole_run(found, SPEED.run, SPEED.cases[0])
    assert f"{PADDED}: 62 minutes" in speed_figures.stacked(spent, "title").get_label()
    table = speed_figures.minutes(spent)
    assert list(table.index) == list(dict.fromkeys(spent["way"]))
    assert list(table.columns) == list(dict.fromkeys(spent["part"]))
    assert table.loc[PADDED].sum() == pytest.approx((3600 / 3 + 7200 / 3 + 10.8 + 90) / 60)


def test_a_time_without_a_spread_has_no_bounds():
    assert speeds.times(Interval(7.39, float("nan"), float("nan"))) == "7.4"
    assert speeds.times(Interval(7.39, 0.04, 1234.5)) == "7.4 [0.0, 1,234]"


def test_flops_of_a_token_by_hand():
    """A layer of width 16: 12 x 16 x 16 weights, twice; attention to 10 tokens, two products, twice."""
    case = Case(encoder="small", records="pairs")
    assert measure.flops(SPEED, case, np.array([10, 10])) == 2 * (24 * 16**2 + 4 * 16 * 10)


# the profile ------------------------------------------------------------------------------------


def test_the_profile_of_speed_has_its_notebook_alone_and_others_go_without():
    speed, mini = profiles.load("speed"), profiles.load("mini")
    assert [path.stem for path in selection.of_profile(speed).chosen] == ["05_speed"]
    assert "05_speed" not in [path.stem for path in selection.of_profile(mini).chosen]
    with pytest.raises(UserError, match="notebook 05: the profile mini measures none: take --profile speed"):
        selection.of_profile(mini, "05")
    with pytest.raises(UserError, match="notebook 03: the profile speed measures speed alone"):
        selection.of_profile(speed, "03")


def test_a_case_of_an_unknown_encoder_is_said():
    with pytest.raises(ValueError, match="cases: large is not declared; there are small"):
        Speed(encoders={"small": SHAPE}, records={"pairs": PAIRS}, cases=[{"encoder": "large", "records": "pairs"}])


class KilledPool(Executor):
    """Processes that the system kills, as it does where memory runs out."""

    def __init__(self, *_, **__):
        pass

    def submit(self, *_, **__) -> Future:
        future = Future()
        future.set_exception(BrokenProcessPool())
        return future


def test_a_measuring_process_that_is_killed_is_said_in_a_line(monkeypatch, tmp_path):
    monkeypatch.setenv("XLT_CACHE", str(tmp_path))
    monkeypatch.setattr(measure, "ProcessPoolExecutor", KilledPool)
    with pytest.raises(UserError, match="for want of memory: free some, or measure one case at a time"):
        measure.measure(profiles.load("speed"))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_notebook_measures_and_its_page_answers(tmp_path, monkeypatch):
    from xlt.report.notebooks import run_notebooks

    shape = "{layers: 1, width: 16, heads: 2, vocabulary: 400, positions: 260}"
    case = "{encoder: small, records: sentence pairs, batch: 4, read: 4, repetitions: 2}"
    profile = tmp_path / "tiny.yaml"
    profile.write_text(
        f"extends: speed\nbenchmark:\n  encoders: {{small: {shape}, base: {shape}}}\n  pool: 40\n  cases: [{case}]\n"
    )
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    assert run_notebooks(str(profile), reports=tmp_path / "reports") == 0
    report = tmp_path / "reports" / "tiny"
    first = (report / "tables" / "5_speed.csv").read_bytes()
    page = nbformat.read(report / "notebooks" / "05_speed.ipynb", 4)
    assert any("xlt trains" in str(output) for cell in page.cells for output in cell.get("outputs", ()))
    assert (report / "index.html").is_file() and not list((tmp_path / "cache").glob(".speed-*"))
    monkeypatch.setenv("XLT_STORED_ONLY", "1")  # what was measured last, shown again
    assert run_notebooks(str(profile), reports=tmp_path / "reports") == 0
    assert (report / "tables" / "5_speed.csv").read_bytes() == first


def test_scores_in_two_precisions_are_paired_by_seed():
    """Of XNLI bf16 lies 1, 2 and 3 points below fp32; the seeds lie 5 points apart."""
    runs = pd.DataFrame(
        {"recipe": "xnli", "languages": "en", "seed": seed, "precision": precision, "value": value}
        for seed, fp32 in enumerate((0.50, 0.55, 0.60))
        for precision, value in (("fp32", fp32), ("bf16", fp32 - 0.01 * (seed + 1)))
    )
    (row,) = speeds.precisions(runs).to_dict("records")
    assert (row["seeds"], row["fp32"], row["bf16"]) == (3, pytest.approx(0.55), pytest.approx(0.53))
    half = 4.302653 * 0.01 / 3**0.5
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((-0.02, -0.02 - half, -0.02 + half))
    assert row["another seed"] == pytest.approx(0.05)
    assert speeds.precisions(pd.DataFrame({"what": ["not run"]})).columns.tolist() == ["what"]


def test_a_profile_that_measures_nothing_says_so_in_one_line(tmp_path):
    lab = SimpleNamespace(profile=profiles.load("smoke"), reports=tmp_path)
    with pytest.raises(UserError) as error:
        measure.measured(lab)
    assert str(error.value) == "the profile smoke measures no speed; run ./run_all.sh --profile speed"
