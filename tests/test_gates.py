"""What a guess scores, and what must hold before a contrast is tested; worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_contrasts import BETTER, COSTLY, row, study

from xlt.analysis import contrasts, gates
from xlt.analysis.arms import weighted
from xlt.analysis.records import Records
from xlt.evaluation import metrics
from xlt.evaluation.guess import guess
from xlt.lab.study import Study
from xlt.spec import tasks
from xlt.spec.recipe import Encoder, Recipe
from xlt.spec.stage import Stage
from xlt.spec.study import Contrast


def test_a_guess_at_labels_and_choices_is_the_most_frequent_right_answer():
    xnli, xcopa = tasks.get("xnli"), tasks.get("xcopa")
    assert guess({"label": [0, 1, 1, 2]}, xnli, xnli.labels, "en") == 0.5
    assert guess({"label": [0, 1, 1, 1], "choices": [["a", "b"]] * 4}, xcopa, (), "tr") == 0.75


def test_a_guess_at_labels_is_the_one_that_scores_most():
    """QQP counts accuracy and F1 of duplicates: 37 % of them make 63 / 2 of "no" alone, of "yes" (37 + 54) / 2."""
    qqp = tasks.get("qqp")
    assert guess({"label": [0] * 126 + [1] * 74}, qqp, qqp.labels, "en") == pytest.approx((0.37 + 0.74 / 1.37) / 2)


def test_a_guess_at_tags_is_one_tag_or_tags_as_often_as_they_occur():
    panx = tasks.get("panx")
    labels = ("O", "B-PER", "I-PER")
    assert guess({"tags": [[0, 0, 0], [0, 0]]}, panx, labels, "en") == 0  # without a name nothing can be found
    always = guess({"tags": [[1], [1], [1]]}, panx, labels, "en")
    assert always == metrics.entity_f1([["B-PER"]] * 3, [["B-PER"]] * 3, labels) == 1


def test_a_guess_at_answers_is_a_random_span_or_none():
    xquad, squad2 = tasks.get("xquad"), tasks.get("squad2")
    rows = {"context": ["a b c d e f g h i j"] * 40, "answers": [{"text": ["c"], "answer_start": [4]}] * 40}
    assert guess(rows, xquad, (), "de") == pytest.approx(0.1, abs=0.05)  # one word of ten
    assert guess(rows, xquad, (), "de") == guess(rows, xquad, (), "de")
    # "as long" is of characters where there are no spaces: the whole passage would hold every answer
    rows = {"context": ["甲乙丙丁戊己庚辛壬癸"] * 40, "answers": [{"text": ["丙丁"], "answer_start": [2]}] * 40}
    # of nine starts one is right and two are half so
    assert guess(rows, tasks.get("mlqa"), (), "zh") == pytest.approx(0.2, abs=0.05)
    empty = {"context": ["a b"] * 4, "answers": [{"text": [], "answer_start": []}] * 4}
    assert guess(empty, squad2, (), "en") == 1


def test_a_guess_among_sentences_is_one_of_them_and_mining_by_guessing_finds_nothing():
    assert guess({"text_a": ["x"] * 50, "text_b": ["y"] * 50}, tasks.get("tatoeba"), (), "de") == 0.02
    assert guess({"source_id": ["1"]}, tasks.get("bucc"), (), "de") == 0


# gates ----------------------------------------------------------------------------------------


def scored(english=0.8, german=0.6, guess=1 / 3, **fields):
    return pd.DataFrame(
        row(arm, "xnli", code, seed, value + 0.02 * (seed - 1) + 0.01 * (arm == "mnli") * seed, guess=guess, **fields)
        | {"source_language": code == "en", "trained_last": True}
        for arm in ("none", "mnli")
        for code, value in (("en", english), ("de", german))
        for seed in range(3)
    )


def test_a_target_that_was_learned_passes_and_one_at_its_guess_does_not():
    (good, _), (bad, _) = (gates.Gates(study(), scored(english, n=10_000)).checks for english in (0.8, 0.33))
    assert (good.gate, good.arm, good.task, good.failed) == ("target", "none", "xnli", "")
    assert (good.score, good.guess, good.error) == pytest.approx((0.8, 1 / 3, 0.02 / np.sqrt(3)))
    assert bad.failed == "xnli is not clearly learned after none (33.0, standard error 1.2; a guess 33.3)"


@pytest.mark.parametrize(("seeds", "english", "passes"), [(1, 0.3334, False), (2, 0.36, False), (1, 0.48, True)])
def test_without_outcomes_of_records_the_error_is_that_of_a_guess_at_least(seeds, english, passes):
    """Of 100 records sqrt(1/3 x 2/3 / 100) = 4.7 points, three of which are 14.1: seeds that agree by luck show no
    more."""
    scores = scored(english)
    scores["value"] = np.where(scores["language"] == "en", english + 0.001 * scores["seed"], scores["value"])
    gate = gates.Gates(study(), scores[scores["seed"] < seeds]).checks[0]
    assert gate.error == pytest.approx(np.sqrt(1 / 3 * 2 / 3 / 100)) and (gate.failed == "") == passes


def test_of_several_languages_the_error_of_a_guess_is_that_of_one():
    """Parallel test sets hold the same records; the mean of 100 and 400 records has (4.7² + 2.4²) / 2 of variance."""
    scores = scored().assign(source_language=False)
    scores.loc[scores["language"] == "de", "n"] = 400
    found = gates.Gates(study(), scores).checks[0].error
    assert found == pytest.approx(np.sqrt((2 / 9 / 100 + 2 / 9 / 400) / 2))


def test_where_records_are_known_their_error_counts():
    """One seed, 60 of 100 records right: sqrt(0.6 x 0.4 / 99)."""
    right = np.arange(100) < 60

    def read(*_):
        item = np.arange(100).astype(str)
        return SimpleNamespace(item=item, influence=lambda: (right - right.mean()) / 100, denominator=np.ones(100))

    scores = scored(0.6).query("seed == 1").assign(run="r", outcome="o")
    assert gates.Gates(study(), scores, Records(read)).checks[0].error == pytest.approx(np.sqrt(0.24 / 99))


def test_a_task_clearly_below_a_guess_is_said_to_be():
    """After records that a model gets wrong: 25 to 29 %, a standard error of 1.2 points, 3 of it below 33.3."""
    below, beside = (gates.Gates(study(), scored(english, n=10_000)).checks[0] for english in (0.27, 0.31))
    assert below.failed == "xnli is below a guess after none (27.0, standard error 1.2; a guess 33.3)"
    assert beside.failed == "xnli is not clearly learned after none (31.0, standard error 1.2; a guess 33.3)"


def test_a_seed_that_lacks_a_language_is_no_part_of_a_check():
    """A target that is tested in two languages, neither of which it was trained in; one seed has German alone."""
    scores = scored(german=0.6).assign(source_language=False)
    scores = scores[(scores["seed"] < 2) | (scores["language"] == "de")]
    assert gates.Gates(study(), scores).checks[0].score == pytest.approx(((0.78 + 0.58) / 2 + (0.8 + 0.6) / 2) / 2)


def test_three_standard_errors_are_needed():
    """English at 0.40, seeds 6 points apart: 6.7 points above a guess, of 3.5 points a standard error."""
    wide = scored(0.40)
    wide["value"] += 0.04 * (wide["seed"] - 1)
    assert [bool(gate.failed) for gate in gates.Gates(study(), wide).checks] == [True, True]


def test_a_contrast_is_not_tested_where_its_target_was_not_learned():
    lost = scored(0.33)
    found = gates.Gates(study(), lost)
    (answer,) = contrasts.answers(study(BETTER | {"targets": ["xnli"]}), lost, None, found)
    assert answer.verdict == "not testable" and answer.answer.startswith("xnli is not clearly learned after")
    assert np.isnan(answer.p)
    planted = BETTER | {"targets": ["xnli"], "expect": "higher"}
    assert contrasts.answers(study(planted), lost, None, found)[0].verdict != "not testable"


def test_what_a_family_is_made_of_comes_with_what_failed_before_each():
    """Of what is planned and of tables of power, too; a question without cells is nothing that could fail."""
    scores, asked = scored(english=0.34), Contrast(**BETTER)
    checks = gates.Gates(study(BETTER), scores)
    family, failed = gates.measured(checks, scores, [(asked, [("xnli", "clean")]), (asked, [])], None)
    assert failed[0] == checks.before(asked, [("xnli", "clean")], weighted(scores, asked, [("xnli", "clean")])) != ""
    assert failed[1] == "" and [parts.seeds for parts in family] == [3, 0]
    empty = pd.DataFrame()
    assert gates.measured(gates.Gates(study(), empty), empty, [], None) == ([], [])


def test_where_there_is_nothing_to_lose_no_drop_is_tested():
    def drops(german):
        clean = scored(german=german)
        typos = clean.assign(
            condition="typos", perturbation="typos", changed=0.9, value=clean["value"] - 0.01 * clean["seed"]
        )
        scores = pd.concat([clean, typos], ignore_index=True)
        asked = study(COSTLY | {"targets": ["xnli"]})
        return contrasts.answers(asked, scores, None, gates.Gates(asked, scores))[0]

    assert drops(0.6).verdict != "not testable"
    said = "36.0 less 35.0; xnli after none is 2.7 points above a guess on clean text: nothing to lose"
    assert drops(0.36).answer == said


def test_an_arm_that_guesses_has_nothing_to_lose_whatever_the_other_has():
    clean = scored()
    clean.loc[(clean["arm"] == "mnli") & (clean["language"] == "de"), "value"] = 0.34
    typos = clean.assign(condition="typos", perturbation="typos", changed=0.9)
    typos["value"] -= 0.2 * ((typos["arm"] == "none") & (typos["language"] == "de"))
    scores = pd.concat([clean, typos], ignore_index=True)
    asked = study(COSTLY | {"targets": ["xnli"], "of": ["mnli"], "against": ["none"]})
    (answer,) = contrasts.answers(asked, scores)
    assert answer.verdict == "not testable" and answer.effect == pytest.approx(-0.2)
    assert answer.answer.endswith("xnli after mnli is 0.7 points above a guess on clean text: nothing to lose")


def test_a_perturbation_that_changes_nothing_is_named():
    clean = scored()
    typos = clean.assign(condition="typos", perturbation="typos", changed=0.001)
    scores = pd.concat([clean, typos], ignore_index=True)
    asked = study(BETTER | {"targets": ["xnli"], "conditions": ["typos"]})
    (answer,) = contrasts.answers(asked, scores, None, gates.Gates(asked, scores))
    assert answer.answer == "typos changes 0.1 % of the records of xnli"


@pytest.mark.parametrize(
    ("german", "others", "verdict", "said"),
    [
        (0.0, 0.0, "not testable", "typos changes none of the records of xnli"),
        (0.001, 0.9, "not testable", "typos changes 0.1 % of the records of xnli"),
        (0.04, 0.001, "higher", ""),
    ],
)
def test_what_a_perturbation_changes_is_asked_in_the_languages_of_the_question(german, others, verdict, said):
    clean = scored()
    clean["value"] += 0.1 * (clean["arm"] == "mnli")
    typos = clean.assign(condition="typos", perturbation="typos")
    typos["changed"] = np.where(typos["language"] == "de", german, others)
    scores = pd.concat([clean, typos], ignore_index=True)
    asked = study(BETTER | {"targets": ["xnli"], "conditions": ["typos"], "languages": ["de"]})
    (answer,) = contrasts.answers(asked, scores)
    assert (answer.verdict, answer.answer) == (verdict, said)


def test_a_stage_that_taught_nothing_explains_nothing():
    start = Recipe(start=Encoder(text="text", languages=("en",)))
    after = {"after mnli": start.then(Stage(task="mnli", role="intermediate"))}
    asked = study(BETTER | {"targets": ["xnli"]})
    with_stage = Study(after, plan=asked.plan, conditions=asked.conditions, arms=asked.arms)
    dev = pd.DataFrame(
        row("after mnli", "mnli", "en", seed, 0.34 + 0.01 * seed, split="dev", guess=1 / 3)
        | {"recipe": "after mnli", "source_language": True, "trained_last": True}
        for seed in range(3)
    )
    scores = pd.concat([scored(), dev], ignore_index=True)
    found = gates.Gates(with_stage, scores)
    assert found.checks[0].failed == "mnli is not clearly learned after mnli (35.0, standard error 4.7; a guess 33.3)"
    (answer,) = contrasts.answers(with_stage, scores, None, found)
    assert (answer.verdict, answer.answer) == ("not testable", found.checks[0].failed)
    assert gates.table(found.checks)["passes"].tolist() == ["NO", "yes", "yes"]
    assert gates.table(found.checks)["languages"].tolist() == ["en", "en", "en"]


def test_scores_without_a_guess_have_no_gates():
    assert gates.Gates(study(), scored().drop(columns="guess")).checks == [] and gates.table([]).empty


def test_a_stage_that_learns_no_more_than_with_shuffled_labels_taught_nothing():
    """Above a guess by far, and yet so is the same stage with labels that say nothing."""
    start = Recipe(start=Encoder(text="text", languages=("en",)))
    stage = Stage(task="mnli", role="intermediate")
    other = stage.model_copy(update={"shuffle_labels": True})
    recipes = {"after mnli": start.then(stage), "after mnli, labels shuffled": start.then(other)}
    asked = study(BETTER | {"targets": ["xnli"]})
    of = Study(recipes, plan=asked.plan, conditions=asked.conditions, arms=asked.arms)

    def twins(shuffled):
        dev = pd.DataFrame(
            row(label, "mnli", "en", seed, value + step * seed, split="dev", guess=1 / 3, n=10_000)
            | {"recipe": label, "source_language": True, "trained_last": True}
            for label, value, step in (("after mnli", 0.5, 0.01), ("after mnli, labels shuffled", shuffled, 0.03))
            for seed in range(3)
        )
        return [gate for gate in gates.Gates(of, dev).checks if gate.gate == "shuffled labels"]

    (good,), (bad,) = twins(0.35), twins(0.48)
    assert (good.arm, good.task, good.failed) == ("mnli", "mnli", "")
    assert (good.score, good.guess, good.error) == pytest.approx((0.51, 0.38, 0.02 / np.sqrt(3)))
    said = "mnli is not clearly better learned after mnli than with shuffled labels "
    assert bad.failed == said + "(51.0 against 51.0, standard error 1.2)"


def test_shuffled_labels_are_held_against_with_other_records_in_mind():
    """Three seeds that answer alike: 3 points apart in each of them, on 200 records of which they share most."""
    start = Recipe(start=Encoder(text="text", languages=("en",)))
    stage = Stage(task="mnli", role="intermediate")
    labels = {"after mnli": stage, "after mnli, labels shuffled": stage.model_copy(update={"shuffle_labels": True})}
    asked = study(BETTER | {"targets": ["xnli"]})
    recipes = {label: start.then(one) for label, one in labels.items()}
    of = Study(recipes, plan=asked.plan, conditions=asked.conditions, arms=asked.arms)
    right = {"after mnli": np.arange(200) < 110, "after mnli, labels shuffled": np.arange(200)[::-1] < 104}
    dev = pd.DataFrame(
        row(label, "mnli", "en", seed, right[label].mean(), split="dev", guess=1 / 3, run=label, outcome="x", n=200)
        | {"recipe": label, "source_language": True, "trained_last": True}
        for label in labels
        for seed in range(3)
    )
    dev["value"] += 0.001 * dev["seed"] * (dev["recipe"] == "after mnli")

    def read(run, *_):
        item = np.arange(200).astype(str)
        influence = (right[run] - right[run].mean()) / 200
        return SimpleNamespace(item=item, influence=lambda: influence, denominator=np.ones(200))

    alone, crossed = (
        next(one for one in gates.Gates(of, dev, records).checks if one.gate == "shuffled labels")
        for records in (None, Records(read))
    )
    assert alone.error == pytest.approx(np.sqrt(0.52 * 0.48 / 200)) and alone.failed  # as of a guess: 3.5 points
    assert crossed.error > 0.03 and crossed.failed.startswith("mnli is not clearly better learned after mnli than with")


def test_a_task_that_a_stage_names_twice_is_checked_once():
    start = Recipe(start=Encoder(text="text", languages=("en",)))
    stage = Stage(task="mnli", role="intermediate", also=({"task": "mnli", "languages": ("de",)},))
    asked = study(BETTER | {"targets": ["xnli"]})
    of = Study({"after mnli": start.then(stage)}, plan=asked.plan, conditions=asked.conditions, arms=asked.arms)
    dev = scored(split="dev").query("arm == 'mnli'").assign(recipe="after mnli", task="mnli")
    assert [one.gate for one in gates.Gates(of, dev).checks] == ["intermediate"]


@pytest.mark.parametrize(("search", "found"), [("pgd", ["", "hardly", "hardly"]), ("random", [])])
def test_an_adversary_must_raise_the_loss(search, found):
    start = Recipe(start=Encoder(text="text", languages=("en",)))
    recipe = start.then(Stage(task="xnli", role="target", ball={"radius": 0.1, "search": search}))
    asked = study(BETTER | {"targets": ["xnli"]})
    of = Study({"mnli → xnli": recipe}, plan=asked.plan, conditions=asked.conditions, arms=asked.arms)
    said = []
    for loss, apart in ((0.55, 0.0), (0.503, 0.0), (0.55, 0.05)):
        scores = scored().assign(clean_loss=0.5, ball_loss=loss)
        scores["ball_loss"] += apart * (scores["seed"] - 1)
        scores.loc[scores["arm"] == "none", ["clean_loss", "ball_loss"]] = np.nan
        scores["recipe"] = "mnli → xnli"
        said += [gate for gate in gates.Gates(of, scores).checks if gate.gate == "adversary"]
    assert [found in gate.failed for gate, found in zip(said, found, strict=True)] == [True] * len(found)
    if said:
        assert said[1].failed == "the adversary of mnli hardly raises the loss on xnli (to 100.6 % of the clean one)"
        assert (said[0].score, said[0].guess, bool(said[0].failed)) == (pytest.approx(1.1), 1.0, False)
