"""What the perturbations look like: one table for eyes, on sentences of the generated world."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from xlt.perturb.registry import FAMILIES, PERTURBATIONS, TEXT_FAMILIES, valid
from xlt.perturb.rows import apply


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


def gallery(
    languages: Iterable[str], names: Iterable[str] | None = None, strength: float = 0.3, seed: int = 0
) -> pd.DataFrame:
    """One question-answering record of the world in each language through each perturbation that is valid for it.

    Columns: perturbation, language, text (the context), question, answer. The clean record stands first, as "clean".

    Raises:
        UserError: a language that the world does not speak, or an unknown name.
    """
    found = []
    for language in languages:
        rows = _record(language)
        found.append(_row("clean", language, rows))
        for name in names if names is not None else PERTURBATIONS:
            if valid(name, language, "span"):
                found.append(_row(name, language, apply(name, rows, "span", language, strength, seed)))
    return pd.DataFrame(found)


def _record(language: str) -> dict[str, list]:
    from xlt.world import Event
    from xlt.world.forms import qa_rows

    events = (
        Event("anna", "buy", "apple", "red", place="market", time="morning"),
        Event("doctor", "read", "letter", "old", place="park", time="8:15"),
    )
    return {column: [value] for column, value in qa_rows([(events, 0, "object")], language)[0].items()}


def _row(name: str, language: str, rows: dict[str, list]) -> dict[str, str]:
    answer = rows["answers"][0]["text"][0]
    return {"perturbation": name, "language": language, "text": rows["context"][0], "question": rows["question"][0],
            "answer": answer}  # fmt: skip
