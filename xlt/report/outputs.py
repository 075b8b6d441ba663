"""What cells of a notebook show beside tables and figures: sentences, several outputs of one cell, folded tables."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import IPython.display
import pandas as pd

from xlt.analysis.tables import Shown


class Sentence(str):
    """A text that a notebook sets as Markdown."""

    def _repr_markdown_(self) -> str:
        return str(self)

    def __repr__(self) -> str:  # without quotation marks, which a page would show
        return str(self)


@dataclass(frozen=True)
class Outputs:
    """Several outputs of one cell, one below the other."""

    parts: tuple[Any, ...]

    def _ipython_display_(self) -> None:
        for part in self.parts:
            IPython.display.display(part)


def folded(table: pd.DataFrame, summary: str) -> Shown:
    """A long table behind its summary, opened by a click; whole in plain text."""
    return Shown(f"<details><summary>{escape(summary)}</summary>{table.to_html()}</details>", table.to_string())
