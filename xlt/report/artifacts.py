"""Tables and figures as files, each beside a .json with its caption; the same input gives the same bytes."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from numbers import Number
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from xlt.core import spreadsheets
from xlt.core.text import NOT_RUN
from xlt.report.alttext import NAMED, described

# a table that is cut off in a notebook hides results; wide ones scroll on its page
pd.set_option("display.max_columns", None, "display.max_rows", None, "display.precision", 3)


def save_table(
    table: pd.DataFrame, folder: Path, name: str, caption: str, shown: pd.DataFrame | None = None
) -> list[Path]:
    """Write name.csv (the numbers), name.md and name.tex (to read), name.json (caption); same input, same bytes.

    `shown` is the table as it should be read, such as `cells(matrix)`; without it, the numbers
    to four digits. The .tex is for `\\input` and names the packages that it needs.
    """
    table, text = _flat(table), _flat(table if shown is None else shown).map(readable)
    sidecar = {"name": name, "caption": caption}
    if shown is not None:
        sidecar |= {"columns": list(text.columns), "rows": text.to_numpy().tolist()}
    contents = {
        "csv": spreadsheets.csv(table),
        "md": _markdown(text, caption),
        "tex": _latex(text, name, caption),
        "json": json.dumps(sidecar, indent=1, ensure_ascii=False) + "\n",
    }
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for ending, content in contents.items():
        (folder / f"{name}.{ending}").write_text(content, encoding="utf-8", newline="\n")
    return [folder / f"{name}.{ending}" for ending in contents]


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Column names as text, levels joined by a space; a named index becomes columns."""
    table = table.reset_index() if table.index.names != [None] else table.reset_index(drop=True)
    names = [" ".join(str(part) for part in (c if isinstance(c, tuple) else (c,)) if part != "") for c in table.columns]
    return table.set_axis(names, axis=1)


def readable(value: object) -> str:
    """A cell as text: three decimals, fewer for large numbers, digits for tiny ones; nan is "not run"."""
    if pd.isna(value):
        return NOT_RUN
    if isinstance(value, str | bool) or not isinstance(value, Number):
        return str(value)
    size = abs(value)
    if float(value).is_integer():
        text = f"{value:,.0f}"
    else:
        text = f"{value:,.1f}" if size >= 100 else f"{value:.3f}" if size >= 0.001 else f"{value:.1e}"
    return f"−{text[1:]}" if value < 0 else text.removeprefix("-")


def _markdown(text: pd.DataFrame, caption: str) -> str:
    head, *rows = [[_plain(cell) for cell in line] for line in (list(text.columns), *text.to_numpy().tolist())]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{_plain(caption)}\n"


def _plain(text: str) -> str:
    """A text in which Markdown finds no marks, links, tags or mathematics, nor the beginning of a list or a heading."""
    return re.sub(r"([\\|*_`<\[\]$~&]|^[-+=#>])", r"\\\1", text).replace("\n", "<br>")


_TEX = {"\\": r"\textbackslash{}", "±": r"$\pm$", "−": r"$-$", "†": r"\dag{}", "^": r"\^{}", "~": r"\~{}"}
_TEX |= (
    {c: "\\" + c for c in "&%$#{}"}
    | {"_": r"\_\allowbreak{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "[": "{[}", "]": "{]}"}
)


def _tex(cell: str) -> str:
    """One cell, escaped (the brackets too: after a line break they would be read as a length)."""
    lines = ["".join(_TEX.get(c, c) for c in line) for line in cell.split("\n")]
    return r"\shortstack[r]{" + r" \\ ".join(lines) + "}" if len(lines) > 1 else lines[0]


_PAGE = 30  # rows of a table that surely fit on a page beside its caption
_LONG = 24  # characters from which on the cells of a column are broken
_SENTENCE = 60  # characters of a cell that would be unreadable in a float scaled to the line
_CHARACTER = 0.0115  # of the line, in \scriptsize in the article class


def _latex(text: pd.DataFrame, name: str, caption: str) -> str:
    """A float no wider than the line; what may be longer than a page, or holds sentences, is a longtable."""
    lines = [list(text.columns), *text.to_numpy().tolist()]
    head, *rows = [" & ".join(map(_tex, line)) + r" \\" for line in lines]
    titles = [rf"\caption{{{_tex(caption)}}}", rf"\label{{tab:{name}}}"]
    longest = max((len(part) for line in lines for cell in line for part in cell.split("\n")), default=0)
    large = len(rows) > _PAGE or longest > _SENTENCE
    made = (_over_pages if large else _float)(lines, titles, head, rows)
    return "\n".join([*made, ""])


def _float(lines: list[list[str]], titles: list[str], head: str, rows: list[str]) -> list[str]:
    return [
        r"% needs \usepackage{booktabs,graphicx}",
        *[r"\begin{table}", r"\centering", *titles],
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * (len(lines[0]) - 1)}}}",
        *[r"\toprule", head, r"\midrule", *rows, r"\bottomrule"],
        *[r"\end{tabular}}", r"\end{table}"],
    ]


def _over_pages(lines: list[list[str]], titles: list[str], head: str, rows: list[str]) -> list[str]:
    """A longtable, which cannot be scaled: small, and long texts are broken."""
    return [
        r"% needs \usepackage{booktabs,longtable}; where there are two columns, \onecolumn before it",
        r"{\scriptsize\setlength{\tabcolsep}{1.5pt}",
        rf"\begin{{longtable}}{{{_widths(lines)}}}",
        *["".join(titles) + r" \\", r"\toprule", head, r"\midrule", r"\endfirsthead"],
        *[r"\toprule", head, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot"],
        *[*rows, r"\end{longtable}}"],
    ]


def _widths(lines: list[list[str]]) -> str:
    """A longtable's columns: what the short ones leave goes to the long texts, each at least as wide as its words."""
    columns = [" ".join(column) for column in zip(*lines, strict=True)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    words = [max(map(len, re.split(r"[\s_]", column))) + 1 for column in columns]
    short = sum(width for width in widths if width <= _LONG) + len(widths)
    needed = sum(word for word, width in zip(words, widths, strict=True) if width > _LONG)
    wanted = sum(width for width in widths if width > _LONG)
    spare = max(0, min(1, (1 / _CHARACTER - short - needed) / max(1, wanted - needed)))
    kinds = ["l", *"r" * (len(widths) - 1)]
    return "".join(
        rf"p{{{_CHARACTER * (word + spare * (width - word)):.2f}\linewidth}}" if width > _LONG else kind
        for kind, width, word in zip(kinds, widths, words, strict=True)
    )


def save_figure(figure: Figure, folder: Path, name: str, caption: str, alt: str = "") -> list[Path]:
    """Write name.png (at most 200 KB), name.pdf and name.json (caption, alt text); same input, same bytes.

    Without `alt` the figure describes itself (see xlt.report.alttext).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    png, pdf, sidecar = (folder / f"{name}.{ending}" for ending in ("png", "pdf", "json"))
    _names_are_no_mathematics(figure)
    for dpi in (150, 110, 80, 50):  # the first that fits
        figure.savefig(png, dpi=dpi, bbox_inches="tight", metadata={"Software": None})
        if png.stat().st_size <= 200_000:
            break
    figure.savefig(pdf, bbox_inches="tight", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    content = {"name": name, "caption": caption, "alt": alt or described(figure)}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    sidecar.write_text(text + "\n", encoding="utf-8", newline="\n")
    return [png, pdf, sidecar]


def _names_are_no_mathematics(figure: Figure) -> None:
    """Dollar signs are letters, but for the labels that matplotlib itself gives an axis of numbers."""
    axes = [axis for part in figure.axes for axis in (part.xaxis, part.yaxis)]
    every = {axis: axis.get_ticklabels(which="both") for axis in axes}  # made now, so that all are found below
    own = {id(label) for axis in axes if not isinstance(axis.get_major_formatter(), NAMED) for label in every[axis]}
    for text in figure.findobj(Text):
        text.set_parse_math(id(text) in own)


def shown_width(png: bytes) -> int:
    """The width in CSS pixels at which the text of a picture is as large as it was drawn."""
    with Image.open(BytesIO(png), formats=["PNG"]) as image:
        return round(96 * image.width / image.info.get("dpi", (96, 96))[0])


@dataclass(frozen=True)  # of a tuple notebooks would show the parts, and with them this machine's path
class Kept:
    """A saved figure as notebooks show it: with its alternative text, and the file that its page links to."""

    png: Path
    alt: str

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        data = self.png.read_bytes()
        about = {"alt": self.alt, "width": shown_width(data), "file": f"../figures/{quote(self.png.name)}"}
        return {"image/png": b64encode(data).decode(), "text/plain": self.alt}, {"image/png": about}


def keep(lab: Any, thing: Any, name: str, caption: str, shown: pd.DataFrame | None = None, alt: str = "") -> Any:
    """Save a table or a figure in the report of `lab` and hand it back to be displayed; a mere sentence passes by.

    `alt` says in words what a figure shows, with its main numbers; without it the figure describes itself.
    """
    if isinstance(thing, Figure):
        png, _, sidecar = save_figure(thing, lab.reports / "figures", name, caption, alt)
        return Kept(png, json.loads(sidecar.read_text(encoding="utf-8"))["alt"])
    if not isinstance(thing, str):
        save_table(thing, lab.reports / "tables", name, caption, shown)
    return thing
