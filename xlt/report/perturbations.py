"""What the perturbations look like: tables for eyes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from unicodedata import category

import pandas as pd
import yaml

from xlt.perturb.registry import FAMILIES, PERTURBATIONS, TEXT_FAMILIES, Perturbation, valid
from xlt.perturb.rows import apply
from xlt.perturb.units import clusters
from xlt.report.outputs import Shown
from xlt.spec.languages import language as language_row

_SHOWN = 3  # languages of each perturbation, each in another script
_LETTERWISE = 0.2  # strength of changes of single letters, else nothing could be read; of all others 1
_WRAPPED = "text-align: start; white-space: normal; min-width: 14em"  # else what changed lies out of sight
_SEEDS = 5  # draws until something changes: a word that RS-DA finds stays every other time


def table() -> pd.DataFrame:
    """The declared perturbations, one a row."""
    columns = ("name", "argument", "kind", "families", "valid for", "strength counts", "preserves", "what")
    rows = (
        (p.name, p.argument, p.kind, _families(p.families), p.valid, p.unit, p.preserves, p.what)
        for p in PERTURBATIONS.values()
    )
    return pd.DataFrame(rows, columns=columns)


def _families(families: tuple[str, ...]) -> str:
    return {FAMILIES: "all", TEXT_FAMILIES: "all but tagging"}.get(families, ", ".join(families))


def gallery() -> Shown:
    """Every perturbation on real sentences of up to three scripts: what changed is marked."""
    found = examples()
    cells = [_cells(row) for row in found.itertuples()]
    head = "".join(f"<th>{name}</th>" for name in found.columns)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return Shown(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>", found.to_string())


@cache
def examples() -> pd.DataFrame:
    """Sentences (`perturbations.yaml`) before and after each perturbation, in languages where it changes something.

    Columns: perturbation, strength, language, before, after, answer (in the new text; empty for tagged tokens).
    """
    found: list[dict[str, Any]] = []
    for chosen in PERTURBATIONS.values():
        times = Counter(row["language"] for row in found)  # every language has its turn
        found += _changed(chosen, sorted(sentences(), key=lambda code: times[code]))
    return pd.DataFrame(found)


@cache
def sentences() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))


def _changed(chosen: Perturbation, codes: list[str]) -> Iterator[dict[str, Any]]:
    """The first sentences that it changes, one of each script."""
    scripts: set[str] = set()
    for code in codes:
        script = language_row(code).script
        if script in scripts or len(scripts) == _SHOWN:
            continue
        rows = filter(None, (_example(chosen, code, seed) for seed in range(_SEEDS)))
        if row := next((row for row in rows if row["before"] != row["after"]), None):
            scripts.add(script)
            yield row


def _example(chosen: Perturbation, code: str, seed: int) -> dict[str, Any] | None:
    """The answer's context; where this is not valid, for want of spaces, the tokens."""
    sentence, strength = sentences()[code], _LETTERWISE if chosen.unit == "letter" else 1.0
    named = {"perturbation": chosen.name, "strength": strength, "language": code}
    if valid(chosen.name, code, "span"):
        start = sentence["context"].index(sentence["answer"])
        answers = {"text": [sentence["answer"]], "answer_start": [start]}
        rows = {"context": [sentence["context"]], "question": [sentence["question"]], "answers": [answers]}
        new = apply(chosen.name, rows, "span", code, strength, seed)
        answer = new["answers"][0]["text"][0]
        return {**named, "before": sentence["context"], "after": new["context"][0], "answer": answer}
    if "tokens" in sentence and valid(chosen.name, code, "tagging"):
        rows = {name: [sentence[name]] for name in ("tokens", "tags")}
        new = apply(chosen.name, rows, "tagging", code, strength, seed)
        return {**named, "before": _tagged(rows), "after": _tagged(new), "answer": ""}
    return None


def _tagged(rows: dict[str, list]) -> str:
    pairs = zip(rows["tokens"][0], rows["tags"][0], strict=True)
    return " ".join(token if tag == "O" else f"{token}/{tag}" for token, tag in pairs)


def _cells(row: Any) -> str:
    lang = escape(row.language, quote=True)
    plain = "".join(f"<td>{escape(str(text))}</td>" for text in (row.perturbation, row.strength, row.language))
    texts = (escape(row.before), _marked(row.before, row.after), escape(row.answer))
    return plain + "".join(f'<td dir="auto" lang="{lang}" style="{_WRAPPED}">{text}</td>' for text in texts)


def _marked(before: str, after: str) -> str:
    """The new text with its changed words marked; characters that do not show are named behind their word."""
    old, new = _units(before), _units(after)
    blank = " " if " " in after else ""
    parts = []
    for kind, _, _, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if words := blank.join(new[start:end]):
            parts.append(escape(words) if kind == "equal" else f"<mark>{escape(words)}</mark>{_hidden(words, before)}")
    return blank.join(parts)


def _units(text: str) -> list[str]:
    """Words; in a text without spaces, characters."""
    return text.split() if " " in text else [text[start:end] for start, end in clusters(text)]


def _hidden(words: str, before: str) -> str:
    points = sorted({f"U+{ord(c):04X}" for c in words if c not in before and category(c) in ("Cf", "Cc")})
    return f" <small>{' '.join(points)}</small>" if points else ""
