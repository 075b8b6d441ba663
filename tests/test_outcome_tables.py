"""The outcomes behind scores, kept as a file: what comes back gives the same scores."""

import numpy as np
import pandas as pd
import pytest

from xlt.analysis import outcome_tables
from xlt.evaluation.outcomes import Outcomes

MEAN = Outcomes(np.array(["a", "b"]), np.array([1.0, 0.25]), np.ones(2))
RATIO = Outcomes(np.array(["0", "1"]), np.array([2.0, 0.0]), np.array([3.0, 2.0]))
KEPT = {("r1", "xquad-de-1"): MEAN, ("r2", "panx-de-1"): RATIO}


def scores(*keys, main=True, split="test"):
    return pd.DataFrame(
        [{"run": run, "outcome": name, "task": name.split("-")[0], "main": main, "split": split} for run, name in keys]
    )


def kept(run, outcome, _):
    return KEPT.get((run, outcome))


def test_what_was_saved_comes_back(tmp_path):
    file = tmp_path / "report" / "outcomes.parquet"
    assert outcome_tables.save(scores(*KEPT, *KEPT, ("r3", "qqp-en-1")), kept, file) == 2
    read = outcome_tables.SavedOutcomes(file)
    for key, saved in KEPT.items():
        back = read(*key, "")
        assert back.item.tolist() == saved.item.tolist() and back.score == pytest.approx(saved.score)
        assert back.influence() == pytest.approx(saved.influence())
    assert read("r3", "qqp-en-1", "qqp") is None


def test_only_main_scores_on_test_records_are_kept(tmp_path):
    rows = pd.concat([scores(("r1", "xquad-de-1"), main=False), scores(("r2", "panx-de-1"), split="dev")])
    assert outcome_tables.save(rows, kept, tmp_path / "none.parquet") == 0
    assert outcome_tables.save(pd.DataFrame(), lambda *key: None, tmp_path / "empty.parquet") == 0


def test_the_same_outcomes_give_the_same_bytes(tmp_path):
    first, second = tmp_path / "1.parquet", tmp_path / "2.parquet"
    outcome_tables.save(scores(*KEPT), kept, first)
    outcome_tables.save(scores(*reversed(KEPT)), kept, second)
    assert first.read_bytes() == second.read_bytes()
