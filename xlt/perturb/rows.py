"""Records of every task family through a perturbation, gold kept: answer spans, tags, choices, labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xlt.core.errors import UserError
from xlt.perturb.align import Edit, Span
from xlt.perturb.draw import Draw
from xlt.perturb.registry import ADD, MOVE
from xlt.spec import schemes

Record = dict[str, Any]

_QUESTION = ("context", "question", "answers")
# The columns that each family must have. Of pairs to be retrieved the source or query is perturbed, whose language is
# the one named; the pool that is searched is rows of its own.
COLUMNS = {
    "classification": ("text_a",), "choice": ("prompt", "choices"), "retrieval": ("source",), "dual": ("query",),
    "pool": ("text",), "mlm": ("text",), "span": _QUESTION, "answers": _QUESTION, "tagging": ("tokens", "tags"),
}  # fmt: skip


def apply(
    name: str, rows: Mapping[str, Sequence[Any]], family: str, language: str, strength: float, seed: int = 0,
    first: int = 0, labels: Sequence[str] = (),
) -> dict[str, list]:  # fmt: skip
    """The rows after perturbation `name` ("typos", "code-mix:ar"); columns as in `spec.tasks`, others stay as they are.

    strength: probability, 0 to 1, of each single change; see `registry`. A text without anything to change stays.
    first: number of the first row, where `rows` are a part of a data set: row i is drawn from (name, seed,
        first + i, column) alone, so the same whatever batch it comes in.
    labels: names of the tags where these are numbers; when words move, those of a chunk move as one (xlt.spec.schemes).

    In span rows the gold follows: `answers` hold the new spans of `context` and what stands there. An answer that did
    not stand at its offset before keeps its text.

    Raises:
        UserError: unknown name, family or language, one that the perturbation is not valid for, strength out of range,
            a column missing, or a lexicon that cannot be read.
    """
    draw = Draw(name, family, language, strength, seed)
    columns = {column: list(values) for column, values in rows.items()}
    if missing := [column for column in COLUMNS[family] if column not in columns]:
        raise UserError(f"rows of {family} have no column {missing[0]}; they need {', '.join(COLUMNS[family])}")
    if draw.strength == 0:
        return columns
    for i in range(len(columns[COLUMNS[family][0]])):
        record = {column: values[i] for column, values in columns.items()}
        for column, value in _changed(record, family, draw, first + i, labels).items():
            columns[column][i] = value
    return columns


def edits(name: str, text: str, language: str, seed: int = 0, spans: Sequence[Span] = ()) -> list[Edit]:
    """Every edit that perturbation `name` could make in `text`: the candidates of a search attack.

    They do not overlap and cross no end of a span; another seed draws other replacements.
    """
    draw = Draw(name, "mlm", language, 1.0, seed)
    if draw.chosen.form == MOVE:
        raise UserError(f"perturbation {name} moves words; it has no edits to choose among")
    return [piece for piece in draw.text(text, "text", spans).pieces if text[piece.start : piece.end] != piece.new]


def _changed(record: Record, family: str, draw: Draw, index: int, labels: Sequence[str]) -> Record:
    """The columns of the record that a perturbation may change."""
    if draw.chosen.form == ADD:
        added = draw.added(record, f"{index} context")
        return {"context": f"{record['context']} {added}"} if added else {}
    if COLUMNS[family] == _QUESTION:
        return _span(record, draw, index)
    if family == "tagging":
        return _tagging(record, draw, index, labels)
    return {
        column: _each(record[column], draw, f"{index} {column}")
        for column in ("text_a", "text_b", *COLUMNS[family])
        if isinstance(record.get(column), str | list | tuple)
    }


def _each(value: Any, draw: Draw, place: str) -> Any:
    """A text, or each of several."""
    if isinstance(value, str):
        return draw.text(value, place).text
    return [draw.text(text, f"{place} {i}").text for i, text in enumerate(value)]


def _span(record: Record, draw: Draw, index: int) -> Record:
    context, answers = record["context"], record["answers"]
    gold = list(zip(answers["answer_start"], answers["text"], strict=True))
    spans = [(min(start, len(context)), min(start + len(text), len(context))) for start, text in gold]
    new = draw.text(context, f"{index} context", spans)
    changed, now = new.text, [new.span(*span) for span in spans]
    texts = [
        changed[slice(*there)] if context[slice(*span)] == text else text
        for span, there, (_, text) in zip(spans, now, gold, strict=True)
    ]
    return {
        "context": changed,
        "question": draw.text(record["question"], f"{index} question").text,
        "answers": {**answers, "text": texts, "answer_start": [start for start, _ in now]},
    }


def _tagging(record: Record, draw: Draw, index: int, labels: Sequence[str]) -> Record:
    tokens, tags = list(record["tokens"]), list(record["tags"])
    if len(tokens) != len(tags):
        raise UserError(f"{len(tokens)} words with {len(tags)} tags; give each word its tag")
    if draw.chosen.form != MOVE:
        return {"tokens": draw.tokens(tokens, f"{index} tokens")}
    names, scheme = _named(tags, labels)
    units = schemes.units(names, scheme)
    order = draw.order([" ".join(tokens[i] for i in unit) for unit in units], f"{index} tokens")
    places = [i for unit in order for i in units[unit]]
    if schemes.sizes([names[i] for i in places], scheme) != schemes.sizes(names, scheme):
        return {}  # chunks that met would be read as one
    return {"tokens": [tokens[i] for i in places], "tags": [tags[i] for i in places]}


def _named(tags: Sequence[Any], labels: Sequence[str]) -> tuple[list[str | None], schemes.Scheme]:
    """The names of the tags and their scheme; numbers without names are of none, so that each word moves alone."""
    if not labels and any(isinstance(tag, int) for tag in tags):
        return [str(tag) for tag in tags], schemes.Scheme.WORDS
    names = [tag if tag is None or isinstance(tag, str) else labels[tag] for tag in tags]
    try:
        return names, schemes.scheme_of(labels if set(names) <= set(labels) else names)
    except ValueError as error:
        raise UserError(f"words cannot move: {error}") from None
