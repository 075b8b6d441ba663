"""What a study's page says first, and what stands in a sentence below its tables."""

import math
import re
from dataclasses import replace
from html import unescape
from types import SimpleNamespace

import IPython.display
import pandas as pd
from nbconvert.filters.markdown import markdown2html

from xlt.analysis.findings import Answer
from xlt.report import sentences
from xlt.report.artifacts import keep
from xlt.report.outputs import Outputs, Sentence, folded

NAN = math.nan


def answer(question, effect, low, high, p=1.0, detectable=0.03):
    verdict = "undecided" if p > 0.05 else "higher" if effect > 0 else "lower"
    return Answer(question, "", effect, low, high, detectable, verdict, p)


def test_the_first_sentence_has_the_first_answer_with_its_interval_and_counts_those_that_hold():
    answers = [answer("A?", 0.02, -0.01, 0.05), answer("B?", 0.1, 0.05, 0.15, 0.01), answer("C?", 0.1, 0.05, 0.15)]
    assert sentences.lead("Does it help?", answers) == (
        "**Does it help?** *A?* +2.0 points [−1.0, +5.0]: undecided. Of the 3 questions asked here: 1 higher, 2 "
        "undecided (after Holm's correction over the 3 that were tested). As decided, true effects of 3.0 points are "
        "found with 80 % power."
    )


def test_what_was_not_tested_is_counted_and_not_said_to_be_corrected_for():
    """What fails a gate or has not run is no part of Holm's family, and nothing would be found of it."""
    failed = replace(answer("B?", 0.02, -0.01, 0.05, detectable=0.2), verdict="not testable", primary=True)
    waiting = replace(answer("C?", NAN, NAN, NAN), verdict="not run")
    answers = [failed, answer("A?", 0.02, -0.01, 0.05), waiting, answer("D?", 0.02, -0.01, 0.05, detectable=0.05)]
    assert sentences.lead("?", answers).endswith(
        "Of the 4 questions asked here: 2 undecided, 1 not testable, 1 not run (after Holm's correction over the 2 "
        "that were tested). As decided, true effects of 3.0 to 5.0 points are found with 80 % power."
    )
    assert "Holm" not in sentences.lead("?", [failed, failed])


FOREIGN = "Is <b>one</b> *arm* & $x_1$ enough, a | b `c` [d](e)?"


def shown(part):
    """What a page shows of an output, as text; the tags in it are those of our own marks."""
    html = markdown2html(part._repr_markdown_())
    assert set(re.findall(r"</?(\w+)", html)) <= {"p", "strong", "em", "ul", "li"}
    return unescape(re.sub(r"<[^>]*>", "", html)).strip()


def test_what_others_have_written_is_shown_as_it_is_written(tmp_path):
    """Questions, labels of arms and names of tasks are no Markdown, no HTML and no mathematics."""
    found = answer(FOREIGN, 0.02, -0.01, 0.05)
    assert shown(sentences.lead(FOREIGN, [found])) == f"{FOREIGN} {FOREIGN} +2.0 points [−1.0, +5.0]: undecided."
    assert shown(sentences.in_words([found])) == str(found) == f"{FOREIGN} +2.0 points [−1.0, +5.0]: undecided."
    said = replace(found, answer=f"after {FOREIGN}")
    assert shown(said) == f"{FOREIGN} +2.0 points [−1.0, +5.0]: undecided; after {FOREIGN}."
    row = {"target": "<i>x$ & y_z", "intermediate": "a*b*", "difference": 0.1, "diff_low": 0.05, "diff_high": 0.15}
    matrix = pd.DataFrame([row | {"verdict": "higher"}])
    assert "What holds, in points: <i>x$ & y_z after a*b* +10.0 [+5.0, +15.0]." in shown(
        sentences.matrix_lead(FOREIGN, matrix)
    )
    table = pd.DataFrame({"a": [1]})
    _, meaning, caption = keep(SimpleNamespace(reports=tmp_path), table, "t", FOREIGN, meaning=f"No {FOREIGN}").parts
    assert shown(meaning) == f"No {FOREIGN}" and shown(caption) == FOREIGN
    assert repr(meaning) == f"No {FOREIGN}"  # in a terminal without backslashes


def test_a_study_that_asks_no_question_has_run_all_the_same():
    assert sentences.lead("How good?", []) == (
        "**How good?** No arm is held against another here; the scores stand below."
    )


def test_primary_questions_stand_apart_and_are_a_family_of_their_own():
    answers = [replace(answer("A?", 0.02, -0.01, 0.05), primary=True), answer("B?", 0.1, 0.05, 0.15, 0.01)]
    assert "(after Holm's correction over what was tested, 1 primary and 1 others apart)" in sentences.lead(
        "?", answers
    )
    assert str(sentences.in_words(answers)).split("\n") == [
        "Primary:", "", "- **A?** +2.0 points [−1.0, +5.0]: undecided.", "",
        "Secondary:", "", "- **B?** +10.0 points [+5.0, +15.0]: higher.",
    ]  # fmt: skip
    assert sentences.in_words(answers[:1]) == "- **A?** +2.0 points [−1.0, +5.0]: undecided."


def test_no_difference_is_said_as_such():
    answers = [answer("A?", 0.02, -0.01, 0.05), replace(answer("B?", 0.0, -0.005, 0.005), verdict="equivalent")]
    assert "Of the 2 questions asked here: 1 equivalent, 1 undecided" in sentences.lead("Does it help?", answers)


def test_a_study_that_did_not_run_says_so():
    answers = [replace(answer("A?", NAN, NAN, NAN), verdict="not run")]
    assert sentences.lead("Does it help?", answers) == "**Does it help?** Not run."


def test_rows_whose_interval_excludes_zero_are_counted_by_side():
    table = pd.DataFrame({"low": [0.1, -0.3, -0.1, NAN], "high": [0.2, -0.1, 0.1, NAN]})
    assert sentences.told_apart(table) == (
        "In 2 of 3 rows the interval excludes zero (1 above it, 1 below); these intervals describe, they decide "
        "nothing. 1 of the rows has no interval."
    )
    assert sentences.told_apart(table[2:3]).startswith("Of the 1 rows with an interval, none of them can be told")
    assert sentences.told_apart(pd.DataFrame({"arm": ["not run"]})) == ""
    assert sentences.told_apart(table[3:]) == "1 of the rows has no interval."


def test_a_column_of_one_arm_does_not_say_how_far_arms_lie_apart():
    means = pd.DataFrame({"arm": ["a", "b", "a"], "target": "xnli", "condition": ["clean", "clean", "typos"],
                          "mean": [0.5, 0.54, 0.3], "low": 0.29, "high": [0.51, 0.56, 0.4]})  # fmt: skip
    assert sentences.spread(means).startswith(
        "In the median column the arms lie 4.0 points apart, and the interval of one cell reaches 1.5 to either side."
    )
    both = pd.concat([means, means.assign(arm=["b", "a", "b"])])  # one that has learned nothing makes all of it
    both = both.drop_duplicates(["arm", "condition"]).assign(mean=[0.5, 0.1, 0.3, 0.05]).reset_index(drop=True)
    assert "points apart (b is the lowest in most columns), and" in sentences.spread(both)
    assert sentences.spread(means[2:]) == ""


def test_verdicts_are_counted_in_the_order_of_their_kinds():
    table = pd.DataFrame(
        {"verdict": ["undecided", "lower", "not testable", "lower", "equivalent", "higher", None, "not run"]}
    )
    assert sentences.decided(table, "cells") == (
        "Of 6 cells: 1 higher, 2 lower, 1 equivalent, 1 undecided, 1 not testable, after Holm's correction over the "
        "table."
    )
    assert sentences.decided(pd.DataFrame({"arm": ["not run"]})) == ""


def test_the_matrix_leads_with_the_differences_that_hold():
    matrix = pd.DataFrame(
        {
            "intermediate": ["none", "mnli", "squad"],
            "target": ["xnli"] * 3,
            "difference": [NAN, 0.1, 0.0],
            "diff_low": [NAN, 0.05, -0.1],
            "diff_high": [NAN, 0.15, 0.1],
            "p": [NAN, 0.01, 1.0],
            "verdict": [NAN, "higher", "undecided"],
        }
    )
    text = sentences.matrix_lead("Which help?", matrix)
    assert text.startswith("**Which help?** Of 2 differences to direct fine-tuning: 1 higher, 1 undecided, after")
    assert text.endswith("What holds, in points: xnli after mnli +10.0 [+5.0, +15.0].")
    assert sentences.matrix_lead("Which help?", matrix[:1]) == "**Which help?** not run"


def test_planted_effects_that_do_not_come_out_are_named():
    verdicts = pd.DataFrame({"question": ["A?", "B?"], "passes": ["yes", "NO"]})
    assert sentences.passed(verdicts) == "1 of 2 pass. Not: B?"
    assert sentences.passed(pd.DataFrame({"question": ["not run"]})) == ""


def test_a_task_that_was_not_learned_is_named_with_its_seeds():
    table = pd.DataFrame(
        {"intermediate": ["mnli", "multi"], "task": ["mnli", "qqp"], "seeds": [3, 3], "collapsed": [0, 2]}
    )
    assert sentences.learned(table).startswith("At chance stayed multi in 2 of 3 seeds (qqp). ")
    assert sentences.learned(table[:1]) == "No seed stayed at chance, as far as chance is known."


def test_what_one_more_stage_leaves_of_a_task_is_held_against_what_was_there_before_it():
    """MNLI loses 20 points to SQuAD and wins 5 back; SQuAD, longer trained alone, is no stage of this sequence."""
    one, two, three = "mnli", "mnli → squad", "mnli → squad → qqp"
    rows = [(one, "mnli", 0.6), (two, "mnli", 0.4), (two, "squad", 0.5), (three, "mnli", 0.45), (three, "squad", 0.49)]
    rows += [("squad-long", "squad", 0.8)]
    left = pd.DataFrame(rows, columns=["after", "task", "mean"])
    said = (
        "In 2 of 3 cases a task scores lower after one more stage than before it; most is lost of mnli with the last "
        "stage of mnli → squad (60.0 to 40.0)."
    )
    assert sentences.forgotten(left.assign(guess=math.nan)) == said
    assert sentences.forgotten(left.assign(guess=0.3)) == f"{said} A guess scores 30.0 on mnli, 30.0 on squad."
    assert sentences.forgotten(left[:1].assign(guess=0.3)) == ""


def test_outputs_of_one_cell_are_displayed_one_below_the_other(monkeypatch):
    displayed = []
    monkeypatch.setattr(IPython.display, "display", displayed.append)
    Outputs((1, Sentence("two")))._ipython_display_()
    assert displayed == [1, "two"] and Sentence("two")._repr_markdown_() == repr(Sentence("two")) == "two"


def test_a_folded_table_is_escaped_behind_its_summary():
    table = folded(pd.DataFrame({"recipe": ["<b>"]}), "The <1> recipe")
    assert table._repr_html_().startswith("<details><summary>The &lt;1&gt; recipe</summary><table")
    assert "&lt;b&gt;" in table._repr_html_() and "<b>" in repr(table)


def test_what_has_no_reach_does_not_stand_for_the_least_or_the_greatest():
    answers = [answer("A?", 0.02, -0.01, 0.05, detectable=reach) for reach in (0.05, NAN, 0.03, NAN, 0.04)]
    assert "true effects of 3.0 to 5.0 points are found" in sentences.lead("?", answers)


def test_a_study_that_can_find_nothing_says_so():
    answers = [replace(answer(f"{name}?", 0.2, -0.9, 1.3), detectable=1.5) for name in "AB"]
    assert sentences.lead("Does it help?", answers).endswith(
        "As decided, no true effect within the scale is found with 80 % power."
    )
