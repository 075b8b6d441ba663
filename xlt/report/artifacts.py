"""Tables and figures as files, each beside a .json with its caption; the same input gives the same bytes."""

from __future__ import annotations

import json
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
from xlt.core.text import NOT_RUN, plain
from xlt.report import latex
from xlt.report.alttext import NAMED, described
from xlt.report.outputs import Markdown, Outputs, Sentence

# a table that is cut off in a notebook hides results; wide ones scroll on its page
pd.set_option("display.max_columns", None, "display.max_rows", None)


def decimal(value: float) -> str:
    """A number of a table that is shown as it is: three decimals, "5e-05" where these are zeros, whole ones whole."""
    if float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) >= 5e-4 else f"{value:.0e}"


# Where one number of a column is small pandas would write all of it as 5.038e-02.
pd.set_option("display.float_format", decimal)


def save_table(
    table: pd.DataFrame, folder: Path, name: str, caption: str, shown: pd.DataFrame | None = None
) -> list[Path]:
    """Write name.csv (numbers), name.md (to read), name.json (caption), on request name.tex; same input, same bytes.

    `shown` is the table as it should be read, such as `cells(matrix)`; without it, the numbers
    to four digits. The .tex is for `\\input` and names the packages that it needs.
    """
    table, text = _flat(table), _flat(table if shown is None else shown).map(readable)
    sidecar = {"name": name, "caption": caption}
    if shown is not None:
        sidecar |= {"columns": list(text.columns), "rows": text.to_numpy().tolist()}
    contents = {"csv": spreadsheets.csv(table), "md": _markdown(text, caption)}
    if latex.requested():
        contents["tex"] = latex.table(text, name, caption)
    contents["json"] = json.dumps(sidecar, indent=1, ensure_ascii=False) + "\n"
    return _write(Path(folder), name, {ending: content.encode() for ending, content in contents.items()})


def _write(folder: Path, name: str, contents: dict[str, bytes]) -> list[Path]:
    """Write a file for each ending; what an earlier run wrote for a paper would not fit what is written now."""
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("tex", "pdf"):
        (folder / f"{name}.{ending}").unlink(missing_ok=True)
    for ending, content in contents.items():
        (folder / f"{name}.{ending}").write_bytes(content)
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
    head, *rows = [[plain(cell) for cell in line] for line in (list(text.columns), *text.to_numpy().tolist())]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{plain(caption)}\n"


def save_figure(figure: Figure, folder: Path, name: str, caption: str, alt: str = "") -> list[Path]:
    """Write name.png, on request name.pdf, and name.json (caption, alt text); same input, same bytes.

    Without `alt` the figure describes itself (see xlt.report.alttext).
    """
    _names_are_no_mathematics(figure)
    contents = {"png": _png(figure)}
    if latex.requested():
        contents["pdf"] = _pdf(figure)
    content = {"name": name, "caption": caption, "alt": alt or described(figure)}
    contents["json"] = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
    return _write(Path(folder), name, contents)


def _png(figure: Figure) -> bytes:
    """At most 200 KB in 256 colours, which the eye cannot tell from all: executed notebooks hold the picture, too."""
    for dpi in (150, 110, 80, 50):  # the first that fits
        drawn, small = BytesIO(), BytesIO()
        figure.savefig(drawn, dpi=dpi, bbox_inches="tight")
        colours = Image.open(drawn).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        colours.save(small, "PNG", optimize=True, dpi=(dpi, dpi))
        if small.tell() <= 200_000:
            break
    return small.getvalue()


def _pdf(figure: Figure) -> bytes:
    buffer = BytesIO()
    metadata = {"CreationDate": None, "Creator": None, "Producer": None}
    figure.savefig(buffer, format="pdf", bbox_inches="tight", metadata=metadata)
    return buffer.getvalue()


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


def keep_found(
    lab: Any, table: pd.DataFrame, name: str, caption: str, nothing: str, shown: pd.DataFrame | None = None
) -> Any:
    """`keep` of a table of what was looked for; where none was found no file, and the sentence `nothing`."""
    return keep(lab, table, name, caption, shown) if len(table) else Sentence(nothing)


@dataclass(frozen=True)  # of a tuple notebooks would show the parts, and with them this machine's path
class Kept:
    """A saved figure as notebooks show it: with its alternative text, and the file that its page links to."""

    png: Path
    alt: str

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        data = self.png.read_bytes()
        about = {"alt": self.alt, "width": shown_width(data), "file": f"../figures/{quote(self.png.name)}"}
        return {"image/png": b64encode(data).decode(), "text/plain": self.alt}, {"image/png": about}


def keep(
    lab: Any,
    thing: Any,
    name: str,
    caption: str,
    shown: pd.DataFrame | None = None,
    alt: str = "",
    meaning: str = "",
) -> Any:
    """Save a table or a figure in the report of `lab` and hand back what is to be displayed; a sentence passes by.

    Below it stand the sentence `meaning`, what the table comes to, and the caption: a page is read without the files.
    `shown` is the table as it should be read. `alt` says in words
    what a figure shows, with its main numbers; without it the figure describes itself.
    """
    if isinstance(thing, Figure):
        png, *_, sidecar = save_figure(thing, lab.reports / "figures", name, caption, alt)
        picture = Kept(png, json.loads(sidecar.read_text(encoding="utf-8"))["alt"])
        return Outputs((picture, Markdown(f"*{plain(caption)}*")))
    if isinstance(thing, str):
        return thing
    save_table(thing, lab.reports / "tables", name, caption, shown)
    below = [Sentence(meaning), Markdown("" if caption == meaning else f"*{plain(caption)}*")]
    return Outputs((thing if shown is None else shown, *filter(None, below)))
