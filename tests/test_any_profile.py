"""Any valid profile gives a report: the notebooks' cells on invented scores, for profiles that are odd in every way."""

from __future__ import annotations

import ast
import json
import random
from pathlib import Path

import matplotlib
import nbformat
import pytest
import yaml

matplotlib.use("Agg")

from xlt.core.paths import ROOT  # noqa: E402
from xlt.lab import (
    engine,
    profiles,
    selection,  # noqa: E402
    work,
)
from xlt.lab.jobs import Job  # noqa: E402
from xlt.models import cells  # noqa: E402
from xlt.report.outputs import Outputs  # noqa: E402
from xlt.spec import tasks  # noqa: E402

ALONE = (
    selection.SPEED,
    "study_calibration",
    "study_power_curves",
)  # of profiles of their own; what they measure takes minutes
NOTEBOOKS = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if path.stem not in ALONE]
PHASES = [path for path in NOTEBOOKS if not path.stem.startswith("study_")]
SMOKE = profiles.load("smoke")
STUDIES, TARGETS, ROWS = (list(part) for part in (SMOKE.studies, SMOKE.target, SMOKE.intermediate))
RETRIEVAL = [name for name in TARGETS if tasks.get(name).headless]


def less(section: list[str], kept: list[str]) -> dict[str, None]:
    """What takes everything but `kept` out of a section of smoke."""
    return {name: None for name in section if name not in kept}


def speaking(*codes: str) -> dict:
    """A profile whose encoder and evaluations know these languages alone; no study, as those name others."""
    pairs = {"pivot": "en" if "en" in codes else None, "pairs": 0.8 if len(codes) > 1 else 0.0}
    mlm = {"also": [{"task": "text-switched", "languages": list(codes), "share": 0.5}]}
    return {
        "languages": list(codes),
        "encoder": {"languages": list(codes)},
        "pretraining": {"languages": list(codes), **pairs},
        "intermediate": {"mnli-mlm": mlm, "mnli-translated": {"languages": list(codes)}},
        "studies": less(STUDIES, []),
    }


ODD = {
    "one seed": {"seeds": 1},
    "one language": speaking("de"),
    "English alone": speaking("en") | {"target": {"xcopa": None}},  # which no profile may learn that reads no other
    "no English": speaking("de", "hi"),
    "questions alone": {"target": less(TARGETS, ["xquad"]), "studies": less(STUDIES, ["perturbations"])},
    "questions alone, without pretraining": {
        "pretraining": None,
        "target": less(TARGETS, ["xquad"]),
        "intermediate": less(ROWS, ["mnli"]),
        "studies": less(STUDIES, []),
    },
    "no intermediate task": {"intermediate": less(ROWS, []), "controls": None, "studies": less(STUDIES, [])},
    "one intermediate task": {"intermediate": less(ROWS, ["squad"]), "controls": None, "seeds": 1},
    "controls alone": {"intermediate": less(ROWS, []), "studies": less(STUDIES, [])},
    "retrieval alone": {"target": less(TARGETS, RETRIEVAL), "studies": less(STUDIES, [])},
    "one search alone": {"target": less(TARGETS, ["bucc"]), "studies": less(STUDIES, [])},
    "no pretraining": {"pretraining": None, "studies": less(STUDIES, ["ordering"])},
    "no target": {"target": less(TARGETS, []), "studies": less(STUDIES, [])},
}


def drawn(seed: int) -> dict:
    """A profile over smoke with some of its targets, intermediate tasks, controls, studies, languages and seeds."""
    rng = random.Random(seed)

    def some(section: list[str], least: int = 0) -> list[str]:
        return rng.sample(section, rng.randint(least, len(section)))

    return {
        "seeds": rng.randint(1, 3),
        "target": less(TARGETS, some(TARGETS, 1)),
        "intermediate": less(ROWS, some(ROWS)),
        "controls": less(list(SMOKE.controls), some(list(SMOKE.controls))),
        "studies": less(STUDIES, some(STUDIES)[:2]),
    }


@pytest.fixture
def invented(monkeypatch):
    """Instead of training and evaluating, numbers are drawn from the names of run and metric."""

    def run(profile, jobs, seconds, report):
        from xlt.data.store import Store

        store = Store.of(profile)
        for job in jobs:
            if job.recipe.stages and not store.done(job.recipe):
                _invent_run(store, job.recipe)
            elif not store.done(job.recipe):
                work.execute(store, Job(job.recipe), profile.resources)  # a tokenizer is read from it
            for evaluation in job.evaluations:
                _invent_scores(store, job.recipe, evaluation)
        return engine.Outcome()

    monkeypatch.setattr(engine, "run", run)


def _invent_run(store, recipe):
    with store.creating(recipe) as folder:
        record = {"name": recipe.name, "recipe": recipe.model_dump(mode="json"), "key": store.key(recipe)}
        record |= {"steps": 2, "losses": [1.0, 0.5], "parameters": 10, "trainable": 5, "peak_mb": 1.0}
        record |= {"seconds": 1.0, "finished": 1.0, **work._made_by()}
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")


def _invent_scores(store, recipe, evaluation):
    names = list(tasks.get(evaluation.task).metrics)
    if evaluation.sweep:
        names += [f"{name}@{cell}" for name in names for cell in cells.every(recipe.start.layers)]
    if evaluation.attack:
        names += [f"{prefix}_{name}" for prefix in ("clean", "random") for name in names]
        names += ["attack_success", "random_success", "relative_drop", "queries_mean", "queries_max", "share_changed"]
    rng = random.Random(f"{store.id(recipe)} {evaluation!r}")
    result = {"metrics": {name: rng.uniform(0.2, 0.9) for name in names}, "n": 10, "seconds": 1.0, "finished": 1.0}
    result |= {"key": store.evaluation_key(recipe, evaluation), **work._made_by()}
    result |= {"changed": 0.5} if evaluation.perturbation else {}
    store.save_scores(recipe, evaluation, result, [])


def executed(notebook: Path, profile: str) -> None:
    """All code cells of a notebook in this process, what they display put into words as a page would have it."""

    def show(thing: object) -> None:
        for part in thing.parts if isinstance(thing, Outputs) else ():
            show(part)
        for name in ("__repr__", "_repr_html_", "_repr_markdown_", "_repr_mimebundle_"):
            form = getattr(thing, name, None)
            form() if form and not isinstance(thing, type) else None

    space = {"display": show}
    for cell in (cell for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code"):
        tree = ast.parse(cell.source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, notebook.stem, "exec"), space)
        if "parameters" in cell.metadata.get("tags", []):
            space["profile"] = profile
        if last and (value := eval(compile(ast.Expression(last.value), notebook.stem, "eval"), space)) is not None:
            show(value)


@pytest.fixture
def reported(tmp_path, monkeypatch, invented):
    """The report of a profile over smoke, made of these notebooks; its index."""
    from xlt.report.site import build

    def make(fields: dict, notebooks: list[Path] = NOTEBOOKS) -> str:
        file = tmp_path / "mine.yaml"
        file.write_text(yaml.safe_dump({"extends": "smoke", "description": "odd"} | fields), encoding="utf-8")
        monkeypatch.setenv("XLT_REPORTS", str(tmp_path / "reports"))
        for notebook in notebooks:
            executed(notebook, str(file))
        return build("mine", tmp_path / "reports").read_text(encoding="utf-8")

    return make


def test_questions_alone_on_finished_weights_give_a_report(reported):
    """No control without pretraining, no NLI, no retrieval: what the answers look for is not there."""
    page = reported(ODD["questions alone, without pretraining"], PHASES)
    assert "Which intermediate task changes zero-shot xquad?" in page


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_an_odd_profile_gives_a_report(reported, name):
    assert "claims" in reported(ODD[name])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_any_profile_gives_a_report(reported, seed):
    assert "claims" in reported(drawn(seed))


@pytest.mark.slow
def test_a_report_of_nothing_that_has_run_says_so(reported, monkeypatch, tmp_path):
    monkeypatch.setenv("XLT_STORED_ONLY", "1")
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    page = reported({"seeds": 1})
    assert page.count("not run") > 20 and "Traceback" not in page
