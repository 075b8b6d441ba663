"""The answers that open the pages of phases 2 and 4, and the warning on that of phase 3, by hand."""

import numpy as np
import pandas as pd
import pytest
from conftest import tiny
from scipy import stats as scipy_stats

from xlt.lab import plan, studies
from xlt.lab.lab import Lab
from xlt.lab.study import Study
from xlt.report import phase_answers, sentences
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.stage import Stage

LEARNED = pd.DataFrame(
    {
        "intermediate": ["mnli", "squad2", "several", "several", "several", "control"],
        "task": ["mnli", "squad2", "mnli", "qqp", "ccg", "mnli"],
        "seeds": 3,
        "collapsed": [0, 3, 0, 3, 1, 3],
    }
)
LOST = "squad2 in 3 of 3 seeds; of several: qqp in 3 of 3 seeds, ccg in 1 of 3 seeds"


def difference(intermediate, target, value, verdict, control=""):
    about = {"intermediate": intermediate, "target": target, "difference": value, "verdict": verdict}
    return about | {"diff_low": value - 0.02, "diff_high": value + 0.02, "control": control}


MATRIX = pd.DataFrame(
    [
        difference("none", "tatoeba", np.nan, None),
        difference("mnli", "tatoeba", -0.4, "lower"),
        difference("squad2", "tatoeba", -0.1, "undecided"),
        difference("control", "tatoeba", -0.3, "lower", "with shuffled labels"),
    ]
)


def test_what_stayed_at_chance_is_told_stage_by_stage_and_of_a_mixture_task_by_task():
    assert sentences.at_chance(LEARNED) == f"{LOST}; control in 3 of 3 seeds (mnli)"


def test_the_matrix_warns_of_stages_that_did_not_learn_but_not_of_controls():
    assert sentences.unlearned(LEARNED, MATRIX) == (
        f"At chance on what they trained on, so that their rows say little about these tasks: {LOST}."
    )
    assert sentences.unlearned(LEARNED[:1], MATRIX) == ""
    assert sentences.unlearned(pd.DataFrame({"intermediate": ["not run"]}), MATRIX) == ""


def test_the_answer_of_phase_2_has_what_was_learned_what_was_not_and_what_retrieval_lost():
    unknown = pd.DataFrame({"intermediate": ["translated"], "task": ["t"], "seeds": ["–"], "collapsed": ["–"]})
    said = phase_answers.intermediate("What?", pd.concat([LEARNED, unknown]), MATRIX)
    assert said.replace("\\", "") == (
        "**What?** Learned in every seed, all of its tasks: mnli. At chance, where a control with shuffled labels "
        f"belongs, stayed {LOST}; control in 3 of 3 seeds (mnli). Not known, without a development score or a guess: "
        "translated. Sentence retrieval against the encoder as it is, in points: tatoeba −40.0 [−42.0, −38.0] after "
        "mnli to −10.0 [−12.0, −8.0] after squad2 (2 lower, 1 undecided)."
    )
    said = phase_answers.intermediate("What?", pd.DataFrame({"intermediate": ["not run"]}), MATRIX[:1])
    assert said == "**What?** Not run. No sentence retrieval after a stage has run here."


def test_every_stage_has_its_row_also_without_development_records():
    recipes = {name: Recipe(start=Encoder(), stages=(Stage(task=name, lr=1e-4),)) for name in ("mnli", "qqp", "text")}
    study = Study(recipes, [Evaluation(task=name, split="dev") for name in ("mnli", "qqp")])
    table = phase_answers.every_stage(LEARNED[:1], study)
    assert table.to_numpy().tolist() == [
        ["mnli", "mnli", 3, 0], ["qqp", "qqp", "not run", "not run"], ["text", "text", "–", "–"]
    ]  # fmt: skip
    nothing = pd.DataFrame({"intermediate": ["not run"]})
    assert phase_answers.every_stage(nothing, study) is nothing


def sweep(**accuracies):
    """Accuracy by layer (0, 1) of each language, mean pooling; cls a tenth of it; centred all of it."""
    about = {"seed": 0, "direction": "en_to_xx"}
    return pd.DataFrame(
        [
            about | {"language": code, "layer": layer, "pooling": pooling, "centred": centred, "accuracy": value}
            for code, layers in accuracies.items()
            for layer, mean in enumerate(layers)
            for pooling, centred, value in (("mean", False, mean), ("cls", False, mean / 10), ("mean", True, 1.0))
        ]
    )


def bounds(values):
    low, high = scipy_stats.t.interval(0.95, len(values) - 1, np.mean(values), scipy_stats.sem(values))
    return f"{100 * np.mean(values):+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]".replace("-", "−")


def test_the_answer_of_phase_4_has_the_best_cells_and_the_loss_by_both_rules():
    tables = {
        "none": sweep(de=(0.2, 0.7), ru=(0.1, 0.6), zh=(0.1, 0.4)),
        "mnli": sweep(de=(0.4, 0.2), ru=(0.5, 0.1), zh=(0.2, 0.2)),
    }
    fixed, held_out = bounds([-0.5, -0.5, -0.2]), bounds([-0.3, -0.1, -0.2])  # mnli is best at layer 0 everywhere
    said = phase_answers.layer("Where?", tables, 1).replace("\\", "")
    assert said == (
        "**Where?** Best of all, chosen on the test set: none layer 1 with mean pooling, 56.7; mnli layer 0 with mean "
        f"pooling, 36.7. Against none, in points with 95 % intervals over languages: at the fixed layer {fixed} after "
        f"mnli; at the layer that is best on all other languages {held_out} after mnli."
    )
    assert (
        phase_answers.layer("Where?", {name: table[:0] for name, table in tables.items()}, 1) == "**Where?** Not run."
    )


@pytest.mark.parametrize("notebook", ["02_intermediate_training", "03_zero_shot_transfer"])
def test_what_a_page_shows_of_another_phase_is_asked_and_planned_with_it(places, notebook):
    lab = Lab(tiny())
    (part,) = plan.parts(lab, [notebook], lambda job, trained=False: 1.0)
    planned = {(job.recipe.name, one.task) for job in part.jobs for one in job.evaluations}
    assert len({job.recipe for job in part.jobs}) == len(part.jobs)  # each run once
    assert {(lab.recipe("mnli").name, "mnli"), (lab.recipe("mnli").name, "tatoeba")} <= planned
    wanted = {(recipe.name, one.task) for _, _, recipe, chosen in studies.asked(lab, [notebook]) for one in chosen}
    name = lab.recipe("mnli").name
    assert {(name, "mnli"), (name, "tatoeba"), (lab.recipe().name, "tatoeba")} <= wanted
