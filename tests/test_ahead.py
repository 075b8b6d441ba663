"""All runs of the notebooks in one grid."""

from __future__ import annotations

from xlt.lab import ahead, engine, studies
from xlt.lab.engine import Outcome


def test_the_grid_is_what_the_notebooks_ask_for_each_run_once(monkeypatch, tmp_path):
    handed = []
    monkeypatch.setenv("XLT_CACHE", str(tmp_path))
    monkeypatch.setattr(engine, "run", lambda profile, jobs, *_: handed.append(jobs) or Outcome())
    ahead.run("smoke", ["01_pretrained_encoder", "02_intermediate_training"])
    (jobs,) = handed
    recipes = [job.recipe for job in jobs]
    assert len(set(recipes)) == len(recipes)

    lab = ahead.Lab.from_params("smoke")
    for study in (studies.pretrained(lab), studies.intermediate(lab)):
        asked = lab.jobs(study.recipes, study.evaluations)
        done = {job.recipe: set(job.evaluations) for job in jobs}
        assert all(set(job.evaluations) <= done[job.recipe] for job in asked)
    sweeps = set(studies.retrieval(lab).evaluations)  # of a notebook that was not named
    assert sweeps and not any(sweeps & set(job.evaluations) for job in jobs)


def test_where_all_is_done_nothing_is_handed_out(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("XLT_CACHE", str(tmp_path))
    monkeypatch.setattr(ahead.Lab, "_jobs", lambda *_: [])
    monkeypatch.setattr(engine, "run", lambda *_: 1 / 0)
    ahead.run("smoke", ["01_pretrained_encoder"])
    assert capsys.readouterr().out == ""
