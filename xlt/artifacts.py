"""Tables and figures as files, each beside a .json with its caption; the same input gives the same bytes."""

from __future__ import annotations

import json
import re
from numbers import Number
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

NOT_RUN = "not run"


def save_table(
    table: pd.DataFrame, folder: Path, name: str, caption: str, shown: pd.DataFrame | None = None
) -> list[Path]:
    """Write name.csv (the numbers), name.md and name.tex (to read), name.json (caption); same input, same bytes.

    `shown` is the table as it should be read, such as `cells(matrix)`; without it, the numbers
    to four digits. The .tex is a booktabs table for `\\input`.
    """
    table, text = _flat(table), _flat(table if shown is None else shown).map(readable)
    sidecar = {"name": name, "caption": caption}
    if shown is not None:
        sidecar |= {"columns": list(text.columns), "rows": text.to_numpy().tolist()}
    contents = {
        "csv": table.to_csv(index=False, float_format="%.6g", lineterminator="\n"),
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
    lines = [list(text.columns), ["---"] * len(text.columns), *text.to_numpy().tolist()]
    escaped = [[re.sub(r"([\\|*_`<\[\]])", r"\\\1", cell).replace("\n", "<br>") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in escaped) + f"\n\n{caption}\n"


_TEX = {"\\": r"\textbackslash{}", "±": r"$\pm$", "−": r"$-$", "†": r"\dag{}", "^": r"\^{}", "~": r"\~{}"}
_TEX |= {c: "\\" + c for c in "&%$#_{}"} | {"<": r"\textless{}", ">": r"\textgreater{}", "[": "{[}", "]": "{]}"}


def _tex(cell: str) -> str:
    """One cell, escaped (the brackets too: after a line break they would be read as a length)."""
    lines = ["".join(_TEX.get(c, c) for c in line) for line in cell.split("\n")]
    return r"\shortstack[r]{" + r" \\ ".join(lines) + "}" if len(lines) > 1 else lines[0]


def _latex(text: pd.DataFrame, name: str, caption: str) -> str:
    """A table no wider than the line."""
    rows = [" & ".join(map(_tex, line)) + r" \\" for line in [list(text.columns), *text.to_numpy().tolist()]]
    return "\n".join(
        [
            r"% needs \usepackage{booktabs,graphicx}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_tex(caption)}}}",
            rf"\label{{tab:{name}}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{l{'r' * (len(text.columns) - 1)}}}",
            *[r"\toprule", rows[0], r"\midrule", *rows[1:], r"\bottomrule"],
            r"\end{tabular}}",
            r"\end{table}",
            "",
        ]
    )


def save_figure(figure: Figure, folder: Path, name: str, caption: str, alt: str) -> list[Path]:
    """Write name.png (at most 200 KB), name.pdf and name.json (caption, alt text); same input, same bytes."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    png, pdf, sidecar = (folder / f"{name}.{ending}" for ending in ("png", "pdf", "json"))
    for dpi in (150, 110, 80, 50):  # the first that fits
        figure.savefig(png, dpi=dpi, bbox_inches="tight", metadata={"Software": None})
        if png.stat().st_size <= 200_000:
            break
    figure.savefig(pdf, bbox_inches="tight", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    text = json.dumps({"name": name, "caption": caption, "alt": alt}, indent=1, ensure_ascii=False)
    sidecar.write_text(text + "\n", encoding="utf-8", newline="\n")
    return [png, pdf, sidecar]


def keep(lab: Any, thing: Any, name: str, caption: str, shown: pd.DataFrame | None = None) -> Any:
    """Save a table or a figure in the report of `lab` and hand it back, to be displayed."""
    if isinstance(thing, Figure):
        save_figure(thing, lab.reports / "figures", name, caption, alt=caption)
    else:
        save_table(thing, lab.reports / "tables", name, caption, shown)
    return thing
