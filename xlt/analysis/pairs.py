"""Weighted scores (columns seed, value, weight) in pairs of seeds: runs of one seed share what the seed decides."""

from __future__ import annotations

import pandas as pd


def difference(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Rows whose weighted sum is that of `rows` less that of `others`, in each seed that both have."""
    both = pd.concat([rows, others.assign(weight=-others["weight"])], ignore_index=True)
    return both[both["seed"].isin(set(rows["seed"]) & set(others["seed"]))]
