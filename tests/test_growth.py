"""Planning and tables of finished runs read each file once and work each key out once, however many runs there are."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import tiny

from xlt.core.paths import ROOT
from xlt.data import store as stores
from xlt.data.store import Store
from xlt.lab.lab import Lab
from xlt.lab.runtime import Estimator

sys.path.insert(0, str(ROOT / "benchmarks"))
import growth  # noqa: E402


@pytest.fixture
def grown(tmp_path, world, monkeypatch):
    """A lab with so many seeds whose runs are all finished, what they are, and counts of files read and keys made."""
    counts: Counter[str] = Counter()

    def with_seeds(seeds):
        lab = Lab(tiny(seeds=seeds))
        lab.store = Store(tmp_path / f"runs{seeds}", world)
        recipes = {name: lab.recipe(name, target="xnli") for name in lab.profile.intermediate}
        wanted = recipes, lab.evaluations("xnli")
        rng = growth.random.Random(0)
        for job in lab.jobs(*wanted):
            growth.finish(lab.store, job.recipe, job.evaluations, rng)
        lab.store.look_again()
        counts.clear()
        return lab, wanted

    def count(name, function):
        def counted(*given, **more):
            counts[name] += name != "read" or given[0].is_relative_to(tmp_path)  # of the store, not the records
            return function(*given, **more)

        return counted

    monkeypatch.setattr(Path, "read_text", count("read", Path.read_text))
    monkeypatch.setattr(Store, "_reading_key", count("test set", Store._reading_key))
    monkeypatch.setattr(stores, "digest", count("digest", stores.digest))
    return with_seeds, counts


def test_a_plan_of_finished_runs_reads_none_of_them(grown):
    with_seeds, counts = grown
    for seeds in (2, 8):
        lab, wanted = with_seeds(seeds)
        Estimator(lab.store, lab.profile)
        counts.clear()
        assert lab.jobs(*wanted) == []
        assert counts["read"] == 0
        assert counts["test set"] == 3, "one for each language, whatever the number of runs"


def test_a_table_reads_each_score_once_and_each_run_once(grown):
    with_seeds, counts = grown
    taken = {}
    for seeds in (2, 8):
        lab, wanted = with_seeds(seeds)
        runs = 1 + 2 * seeds * 2  # the start, and for each seed two intermediate stages and two targets
        assert len(lab.run(*wanted)) == 2 * seeds * 3
        assert counts["read"] == runs + 2 * seeds * 3
        counts.clear()
        table = lab.runs(*wanted)
        assert len(table) == 2 * seeds * 3 and table["run"].nunique() == runs
        assert counts["read"] == runs + 2 * seeds * 3
        taken[seeds] = counts["digest"]
    assert taken[8] <= 4 * taken[2] + 8
