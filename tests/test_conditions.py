"""Perturbed records and pairs in two languages: from the evaluation to the row of scores."""

import ast
import json
from dataclasses import replace
from importlib.metadata import packages_distributions
from pathlib import Path

import pandas as pd
import pytest
from conftest import tiny

from xlt import perturb
from xlt.analysis import robustness
from xlt.core.errors import UserError
from xlt.data.store import predictions
from xlt.evaluation import conditions
from xlt.lab.jobs import Job
from xlt.lab.work import execute
from xlt.perturb import PERTURBATIONS, codepoints, fingerprints, keyboards, worldwords
from xlt.spec import tasks
from xlt.spec.identity import digest
from xlt.spec.recipe import Evaluation
from xlt.spec.stage import Stage


def test_defaults_are_not_in_the_key():
    assert Evaluation(task="xnli").key() == {"task": "xnli"}
    assert Evaluation(task="xnli", perturbation="typos").key() == {"task": "xnli", "perturbation": "typos"}


def test_records_are_those_of_the_perturbation(world):
    evaluation = Evaluation(task="xquad", language="de", perturbation="typos", strength=0.5, perturbation_seed=3)
    task = tasks.get("xquad")
    clean = conditions.rows(world, task, Evaluation(task="xquad", language="de"), 0)
    made = conditions.rows(world, task, evaluation, 0)
    assert made == perturb.apply("typos", clean, "span", "de", 0.5, seed=3)
    assert made["context"] != clean["context"] and made["id"] == clean["id"]
    assert conditions.rows(world, task, evaluation.model_copy(update={"strength": 0.0}), 0) == clean


def test_the_second_text_is_of_the_other_language(world):
    task = tasks.get("xnli")
    en, de = (conditions.rows(world, task, Evaluation(task="xnli", language=code), 0) for code in ("en", "de"))
    mixed = conditions.rows(world, task, Evaluation(task="xnli", language="en", language_b="de"), 0)
    assert mixed == {**en, "text_b": de["text_b"]} and en["text_b"] != de["text_b"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"task": "udpos", "language_b": "de"}, "only tasks with two texts"),
        ({"task": "xnli", "perturbation": "typo"}, "did you mean typos"),
        ({"task": "xnli", "language": "zh", "perturbation": "upper"}, "not valid for zh"),
        ({"task": "xnli", "language_b": "de", "perturbation": "typos"}, "one language"),
    ],
)
def test_what_does_not_go_together_is_refused(world, wrong, says):
    evaluation = Evaluation(**wrong)
    with pytest.raises(UserError, match=says):
        conditions.rows(world, tasks.get(evaluation.task), evaluation, 0)


def test_identity_follows_the_word_list(store, start, tmp_path):
    words = tmp_path / "words.json"
    evaluation = Evaluation(task="xnli", perturbation=f"synonyms:{words}")
    ids = []
    for text in ('{"a": ["b"]}', '{"a": ["c"]}'):
        words.write_text(text)
        store.look_again()
        ids.append(digest(store.evaluation_key(start, evaluation)))
    assert ids[0] != ids[1]
    clean = store.evaluation_key(start, Evaluation(task="xnli"))
    assert set(clean) == {"run", "evaluation", "version", "data"}, "old results stay valid"


def test_a_new_version_of_one_perturbation_leaves_the_scores_under_the_others(store, start, monkeypatch):
    def ids():
        asked = [Evaluation(task="xnli", perturbation=name, strength=0.1) for name in ("swap", "drop")]
        stage = Stage(task="mnli", steps=1, augment={"perturbation": "swap", "strength": 0.1})
        return [digest(store.evaluation_key(start, e)) for e in asked] + [store.id(start.then(stage))]

    before = ids()
    newer = replace(PERTURBATIONS["swap"], version=PERTURBATIONS["swap"].version + 1)
    monkeypatch.setitem(PERTURBATIONS, "swap", newer)
    store.look_again()
    assert [old == new for old, new in zip(before, ids(), strict=True)] == [False, True, False]


def keys(store, start):
    """Ids of evaluations by what the records go through, and of stages that are trained with it."""
    asked = {
        "clean": {}, "clean, English": {"language": "en"}, "swap": {"perturbation": "swap"},
        "keyboard": {"perturbation": "keyboard"}, "keyboard, English": {"perturbation": "keyboard", "language": "en"},
        "typos": {"perturbation": "typos"}, "substitute": {"perturbation": "substitute"},
        "invisible": {"perturbation": "invisible"}, "bidi": {"perturbation": "bidi"},
        "upper": {"perturbation": "upper"}, "inflection": {"perturbation": "inflection"},
        "code-mix": {"perturbation": "code-mix:en"},
        "code-mix, English": {"perturbation": "code-mix:zh", "language": "en"},
        "attack: letters": {"attack": {"name": "characters"}}, "attack: forms": {"attack": {"name": "inflection"}},
        "attack: all words": {"attack": {"name": "swap", "keep_stop_words": False}},
    }  # fmt: skip
    store._ids.clear()
    found = {
        name: digest(store.evaluation_key(start, Evaluation(**{"task": "xnli", "language": "de"} | fields)))
        for name, fields in asked.items()
    }
    for name in ("swap", "typos"):
        augment = {"perturbation": name, "strength": 0.1}
        found[f"trained with {name}"] = store.id(start.then(Stage(task="mnli", steps=1, augment=augment)))
    return found | {"trained": store.id(start.then(Stage(task="mnli", steps=1)))}


def another_keyboard(language):
    def change(monkeypatch):
        changed = {**keyboards._layout(language), "languages": [language], "rows": ["pyfgcrl", "aoeuidhtns", "qjkxbm"]}
        monkeypatch.setattr(keyboards, "_LAYOUTS", {"another": changed, **keyboards._LAYOUTS})
        keyboards.neighbours.cache_clear()

    return change


def another_invisible_space(monkeypatch):
    monkeypatch.setitem(codepoints.CLASSES, "invisible", {"spaces": [0x2060]})


def another_german_word(monkeypatch):
    forms = worldwords._forms
    monkeypatch.setattr(worldwords, "_forms", lambda code: forms(code) | ({"dog": ["Köter"]} if code == "de" else {}))
    worldwords.lexicon.cache_clear()
    worldwords.fingerprint.cache_clear()


def another(package):
    def install(monkeypatch):
        before = fingerprints.installed
        monkeypatch.setattr(fingerprints, "installed", lambda name: "9.9" if name == package else before(name))

    return install


@pytest.fixture
def tables_again():
    """The tables as they are in the files, after a test that has read others."""
    yield
    for read in (keyboards.neighbours, worldwords.lexicon, worldwords.fingerprint):
        read.cache_clear()


@pytest.mark.parametrize(
    ("change", "stale"),
    [
        (another_keyboard("de"), {"keyboard", "typos", "substitute", "attack: letters"}),
        (another_keyboard("en"), {"keyboard, English", "trained with typos"}),
        (another_invisible_space, {"invisible"}),
        (another_german_word, {"code-mix"}),
        (another("simplemma"), {"inflection", "code-mix", "code-mix, English", "attack: forms"}),
        (another("stop-words"), {"attack: letters", "attack: forms"}),
    ],
)
def test_a_changed_table_makes_stale_what_reads_it_and_nothing_else(
    store, start, monkeypatch, tables_again, change, stale
):
    before = keys(store, start)
    change(monkeypatch)
    store.look_again()
    now = keys(store, start)
    assert {name for name in before if before[name] != now[name]} == stale


def test_every_table_and_every_package_with_tables_is_declared_by_a_perturbation():
    """One that is not would change results under the keys of old ones."""
    folder, tools = Path(perturb.__file__).parent, {"pandas", "pyyaml", "regex"}
    imported = set()
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
    installed = {
        name.lower().replace("_", "-") for module in imported for name in packages_distributions().get(module, ())
    }
    assert {name.lower() for p in PERTURBATIONS.values() for name in p.packages} == installed - tools - {
        "xlt-compendium"
    }
    tables = {name for p in PERTURBATIONS.values() for name in p.tables}
    assert tables == {path.name for path in folder.glob("*.yaml")}


def test_scores_carry_their_conditions(store, start):
    recipe = start.then(Stage(task="mnli", steps=1, batch=4, max_length=48))
    asked = Evaluation(task="xnli", max_length=48, perturbation="swap", strength=1.0)
    execute(store, Job(recipe, (asked, asked.model_copy(update={"perturbation": None}))), tiny().resources)
    file = store.score_file(recipe, asked)
    assert len(predictions(file)) == 6 and json.loads(file.read_text())["key"]["perturbation"]["files"] == {}
    assert asked.conditions == {
        "perturbation": "swap", "strength": 1.0, "perturbation_seed": 0, "language_b": "none",
        "attack": "none", "budget": 0, "radius": 0.0,
    }  # fmt: skip
    assert Evaluation(task="xnli", strength=1.0).conditions["strength"] == 0.0


def test_diagonal_off_diagonal_and_worst_pair():
    asked = conditions.pairs([Evaluation(task="xnli", language=code) for code in ("en", "de")])
    assert [(e.language, e.language_b) for e in asked] == [("en", None), ("en", "de"), ("de", "en"), ("de", None)]
    rows = [
        {"recipe": "r", "seed": 0, "task": "xnli", "metric": "accuracy", "value": value, **e.conditions,
         "language": e.language}
        for e, value in zip(asked, (0.9, 0.6, 0.5, 0.7), strict=True)
    ]  # fmt: skip
    found = robustness.generalised(pd.DataFrame(rows)).iloc[0]
    assert (found["diagonal"], found["off_diagonal"], found["worst"]) == pytest.approx((0.8, 0.55, 0.5))
    assert found["worst_pair"] == "de-en"
    with pytest.raises(UserError, match="en-de"):
        robustness.generalised(pd.DataFrame([row for row in rows if row["value"] != 0.6]))
