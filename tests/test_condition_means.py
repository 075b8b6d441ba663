"""Of which conditions a mean is, and in which languages each is read, on invented scores."""

import json
from types import SimpleNamespace

import pandas as pd
from test_contrasts import BETTER, SCORES, study

from xlt.report import condition_means
from xlt.report.study_pages import StudyPage

LANGUAGES = ("en", "es", "ar")


def rows(task, condition, *codes):
    about = {"main": True, "split": "test", "changed": 1.0, "task": task, "condition": condition, "value": 0.5}
    return [about | {"language": code, "source_language": code == "en"} for code in codes]


def told(*parts):
    return condition_means.told(pd.DataFrame([one for part in parts for one in part]))


CLEAN = rows("xnli", "clean", *LANGUAGES)
TYPOS = rows("xnli", "typos", *LANGUAGES)
ALIKE = " A mean over conditions takes each alike, whatever its languages."


def test_a_condition_of_fewer_languages_is_named_with_those_in_which_it_is_read():
    assert told(CLEAN, TYPOS) == ""
    assert told(CLEAN, TYPOS, rows("xnli", "code-mix:en", "ar")) == (
        f"Perturbed: mean of typos (all languages) and code-mix:en (ar alone).{ALIKE}"
    )
    assert told(CLEAN, rows("xnli", "romanise", "en", "ar")) == "Perturbed: romanise (ar alone)."


def test_targets_are_named_where_what_is_said_of_them_differs():
    others = rows("panx", "clean", *LANGUAGES), rows("panx", "typos", *LANGUAGES)
    two = rows("xnli", "clean", "de"), rows("xnli", "invisible", *LANGUAGES)
    assert told(CLEAN, TYPOS, *two, *others) == f"Perturbed: on xnli mean of typos, invisible (es ar).{ALIKE}"
    alike = [[one | {"task": task} for one in (*CLEAN, *rows("", "typos", "es"))] for task in ("xnli", "panx")]
    assert told(*alike) == "Perturbed: typos (es alone)."


def test_where_a_perturbation_changed_no_record_it_was_not_read():
    nothing = [one | {"changed": 0.0} for one in rows("xnli", "typos", "ar")]
    assert told(CLEAN, rows("xnli", "typos", "es"), nothing) == "Perturbed: typos (es alone)."
    assert condition_means.told(pd.DataFrame()) == ""


def test_the_figure_of_arms_says_what_its_means_are_of(tmp_path):
    """Typos are read in German and Russian, romanised text in Russian and Chinese; clean text in all three."""
    lab = SimpleNamespace(reports=tmp_path)
    StudyPage(lab, study(), SCORES).arms()
    caption = json.loads((tmp_path / "figures" / "_arms.json").read_text(encoding="utf-8"))["caption"]
    assert caption.endswith(f"Perturbed: mean of typos (de ru) and romanise (ru zh).{ALIKE}")


def test_a_page_says_so_beside_its_answer_and_below_the_figure(tmp_path, monkeypatch):
    monkeypatch.setattr("xlt.report.study_pages.records", lambda _: None)
    monkeypatch.setattr("xlt.report.study_pages.save_answers", lambda *_: "")
    lab = SimpleNamespace(reports=tmp_path, profile=SimpleNamespace(seeds=3))
    _, said, *_ = StudyPage(lab, study(BETTER), SCORES).answers().parts
    assert said == f"Perturbed: mean of typos (de ru) and romanise (ru zh).{ALIKE}"
    caption = json.loads((tmp_path / "figures" / "_answers.json").read_text(encoding="utf-8"))["caption"]
    assert caption.endswith(said)
