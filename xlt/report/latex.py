"""What a LaTeX paper takes from a report, tables as .tex and figures as .pdf: written by `xlt run --latex` alone."""

from __future__ import annotations

import os
import re

import pandas as pd


def requested() -> bool:
    """Whether this run also writes tables as .tex and figures as .pdf."""
    return bool(os.environ.get("XLT_LATEX"))


_TEX = {
    "\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", "_": r"\_\allowbreak{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "±": r"$\pm$", "−": r"$-$", "≈": r"$\approx$", "→": r"$\rightarrow$",
    "▲": r"$\bigtriangleup$", "▼": r"$\bigtriangledown$", "†": r"\dag{}", "‡": r"\ddag{}", "§": r"\S{}",
}  # fmt: skip
_TEX |= {c: "\\" + c for c in "&%$#{}"} | {c: f"{{{c}}}" for c in "[]*"}
_FOREIGN = re.compile("[^\x00-\u017f–—‘’“”…]")  # to pdfLaTeX as it comes, which knows the letters of Europe's Latin


def _tex(cell: str) -> str:
    """One cell, escaped (brackets and stars too: after a line break they would be read as a part of it)."""
    lines = ["".join(_TEX.get(c, c) for c in line) for line in cell.split("\n")]
    return r"\shortstack[r]{" + r" \\ ".join(lines) + "}" if len(lines) > 1 else lines[0]


_PAGE = 30  # rows of a table that surely fit on a page beside its caption
_LONG = 24  # characters from which on the cells of a column are broken
_SENTENCE = 60  # characters of a cell that would be unreadable in a float scaled to the line
_CHARACTER = 0.0115  # of the line, in \scriptsize in the article class


def table(text: pd.DataFrame, name: str, caption: str) -> str:
    """A float no wider than the line; what may be longer than a page, or holds sentences, is a longtable."""
    lines = [list(text.columns), *text.to_numpy().tolist()]
    head, *rows = [" & ".join(map(_tex, line)) + r" \\" for line in lines]
    titles = [rf"\caption{{{_tex(caption)}}}", rf"\label{{tab:{name}}}"]
    longest = max((len(part) for line in lines for cell in line for part in cell.split("\n")), default=0)
    large = len(rows) > _PAGE or longest > _SENTENCE
    form = _over_pages if large else _float
    return "\n".join([*_engine(titles[0], head, *rows), *form(lines, titles, head, rows), ""])


def _engine(*texts: str) -> list[str]:
    """A line that asks for another LaTeX where labels or words are in a script that the usual one cannot set."""
    foreign = sorted(set(_FOREIGN.findall("".join(texts))))
    return [f"% needs LuaLaTeX or XeLaTeX, and a font that has {' '.join(foreign)}"] if foreign else []


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
