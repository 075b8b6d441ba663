"""Tables of the report as a whole, on invented runs and claims; the notebook test has them on real ones."""

import types
from typing import get_args

import pandas as pd
import pytest

from xlt.analysis import claim_checks
from xlt.analysis import claims as declared
from xlt.lab import profiles
from xlt.report import overview

COST = {"seconds": 3000.0, "evaluating": 600.0, "steps": 10, "parameters": 9, "trainable": 9, "peak_mb": 7}
COST |= {"device": "cpu"}


class Lab:
    """Two notebooks: one with a pretrained encoder, the other with what was trained on top of it."""

    ran = {"first": ["p"], "second": ["p", "m", "x"]}
    kinds = {"p": ("pretraining", "text"), "m": ("intermediate", "mnli"), "x": ("target", "xnli")}

    def runs(self, recipes, seeds):
        rows = [(run, recipe, *self.kinds[run]) for recipe in recipes for run in self.ran[recipe]]
        return pd.DataFrame(rows, columns=["run", "recipe", "kind", "task"]).assign(seed=0, **COST)

    def run(self, recipes, evaluations, seeds):
        languages = {"en": 0.34, "de": 0.3, "tr": 0.38}
        row = {"recipe": "x", "run": "x", "seed": 0, "task": "xnli", "main": True, "n": 100}
        return pd.DataFrame([row | {"language": code, "value": value} for code, value in languages.items()])


@pytest.fixture
def lab(monkeypatch):
    notebooks = {"01_first": "first", "03_third": "second", "study_ordering": "second"}
    found = {name: types.SimpleNamespace(recipes=[of], evaluations=[], seeds=None) for name, of in notebooks.items()}
    monkeypatch.setattr(overview.studies, "of", lambda lab: found)
    return Lab()


def test_every_run_stands_once_with_the_notebooks_that_use_it(lab):
    runs = overview.runs(lab)
    assert dict(zip(runs["run"], runs["used in"], strict=True)) == {
        "p": "all", "m": "phase 3, ordering", "x": "phase 3, ordering",
    }  # fmt: skip
    cost = overview.cost(runs)
    assert cost.index.tolist() == [
        ("all", "pretraining: text"),
        ("phase 3, ordering", "intermediate: mnli"),
        ("phase 3, ordering", "target: xnli"),
        ("", "all, each run once"),
    ]
    assert cost["runs"].tolist() == [1, 1, 1, 3] and cost["hours"].sum() == 6


def test_a_collapsed_run_stands_once(lab):
    found = overview.collapsed(lab, overview.runs(lab))
    assert found.drop(columns="English").to_numpy().tolist() == [["second", "xnli", 0, "phase 3, ordering", "x"]]


def test_claims_are_told_with_effect_and_interval(monkeypatch, tmp_path):
    source = {"paper": "P", "arxiv": "", "where": "table 1", "status": "verified"}
    row = {"sentence": "It helps.", "source": source, "verdict": "held", "why": "higher"}
    rows = [row | {"effect": 1.25, "low": 0.5, "high": 2}, row | dict.fromkeys(("effect", "low", "high"))]
    results = [types.SimpleNamespace(row=lambda row=row: row) for row in rows]
    monkeypatch.setattr(overview.claim_checks, "held", lambda profile, tables: results)
    lab = types.SimpleNamespace(profile="mini", reports=tmp_path)
    claims = overview.claims(lab)
    assert claims["effect"].tolist()[0] == 1.25
    first, second = overview.judged(claims).to_numpy().tolist()
    assert first == ["It helps.", "P, table 1", "verified", "+1.2", "[0.5, 2.0]", "held", "higher"]
    assert second[3:5] == ["–", "–"]
    results.pop(0)  # as with one seed, where no claim has an effect
    assert overview.judged(overview.claims(lab)).to_numpy().tolist() == [second]


def test_the_words_of_the_claims_are_explained_where_they_stand():
    said = overview.claims_caption(types.SimpleNamespace(profile=profiles.load("mini")))
    statuses = get_args(declared.Citation.model_fields["status"].annotation)
    assert all(word in said.lower() for word in (*statuses, claim_checks.HELD, *claim_checks.FAILED))
    assert declared.load().use("mini").means in said


def test_claims_of_a_profile_that_declares_none_are_not_said_to_be_declared_for_it():
    said = overview.claims_caption(types.SimpleNamespace(profile=types.SimpleNamespace(name="own")))
    assert "What a verdict is worth here: exploratory: nothing was declared for this profile." in said
    assert "before anything ran" not in said


def test_before_anything_has_run_every_claim_reads_not_run(tmp_path):
    lab = types.SimpleNamespace(profile=profiles.load("smoke"), reports=tmp_path)
    claims = overview.claims(lab)
    assert len(claims) > 10 and set(claims["verdict"]) == {"not run"}
    assert overview.judged(claims)["why"].str.len().min() > 0
