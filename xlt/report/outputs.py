"""What cells of a notebook show beside tables and figures: sentences, several outputs of one cell, folded tables."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import IPython.display
import pandas as pd

from xlt.analysis.tables import cells, footnote
from xlt.core.text import plain
from xlt.spec.identity import digest


class Sentence(str):
    """A text that a notebook shows as it is: no name or question in it is read as a mark, a tag or mathematics."""

    def _repr_markdown_(self) -> str:
        return plain(self)

    def __repr__(self) -> str:  # without quotation marks, which a page would show
        return str(self)


class Markdown(Sentence):
    """A text with marks of ours; what of it others have written is `plain` already."""

    def _repr_markdown_(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Outputs:
    """Several outputs of one cell, one below the other."""

    parts: tuple[Any, ...]

    def _ipython_display_(self) -> None:
        for part in self.parts:
            IPython.display.display(part)


class Shown(NamedTuple):
    """A table that a notebook shows as `html`, a terminal and a diff as `text`."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:  # not pandas' own, which holds an address and so differs from run to run
        return self.text


def folded(table: pd.DataFrame, summary: str) -> Shown:
    """A long table behind its summary, opened by a click; whole in plain text."""
    return Shown(f"<details><summary>{escape(summary)}</summary>{table.to_html()}</details>", table.to_string())


def show_matrix(matrix: pd.DataFrame) -> Shown:
    """The matrix for a notebook: escaped two-line cells and the footnote as caption."""
    text, note = cells(matrix), footnote(matrix)
    # an id made of the content, not a random one: the same table is the same bytes
    shown = text.rename_axis(index=None, columns="intermediate")  # one line of headings instead of two
    style = shown.style.set_uuid(digest([note, text.to_csv()])).set_caption(escape(note)).format(escape="html")
    style = style.format_index(escape="html", axis=0).format_index(escape="html", axis=1)
    style = style.set_properties(**{"white-space": "pre", "text-align": "right"})
    caption = [("caption-side", "bottom"), ("text-align", "left"), ("white-space", "normal")]
    style = style.set_table_styles([{"selector": "caption", "props": caption}])
    return Shown(style.to_html(), f"{text.to_string()}\n\n{note}")
