"""What the columns of records are: the family of the task, its columns, labels and metrics, and what was guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

from xlt.core.errors import UserError
from xlt.data.labels import as_text
from xlt.spec import schemes, tasks

Values = Mapping[str, Sequence[Any]]  # columns of some records of every split and language, by name
GUESSED = "guessed: "
FEW, WORDS = 64, 3  # a label has no more values, and these no more words on average
LABELS = (
    "label", "labels", "gold_label", "gold", "class", "category", "target", "sentiment", "polarity", "emotion", "mood",
    "stance", "intent", "topic", "relation", "answer", "correct", "y",
)  # fmt: skip
TEXTS = ("text", "sentence", "tweet", "review", "document", "utterance", "content", "comment", "body", "post", "title")
PAIRS = [
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("text_a", "text_b"),
    ("text1", "text2"), ("question1", "question2"), ("first", "second"), ("query", "passage"), ("claim", "evidence"),
    ("question", "sentence"), ("question", "passage"), ("context", "response"),
]  # fmt: skip
PARALLEL = [("source_sentence", "target_sentence"), ("source", "target"), ("src", "tgt"), ("sentence1", "sentence2")]
TOKENS = ("tokens", "words", "form", "token", "text")
TAGS = ("tags", "ner_tags", "pos_tags", "upos", "labels", "ner", "pos", "tag", "label")
ASIDE = ("id", "idx", "index", "guid", "uid", "url", "date", "lang", "language", "split", "pairid", "source_id")
_CHOICE = re.compile(r"(?:choice|option|ending|answer|alternative|opt|sol)_?(?P<which>\d+|[a-h])", re.IGNORECASE)


@dataclass(frozen=True)
class Form:
    """What a task declares of its records; `notes` are comments by field, those that begin with GUESSED of a guess."""

    family: str
    columns: Mapping[str, str | list[str] | None]
    labels: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


def form(values: Values, names: Mapping[str, Sequence[str]], apart: Collection[str] = ()) -> Form:
    """The likeliest task of records with these columns; `names` of labels by column, where a file gives them; columns
    that are `apart` are not in all files.

    Raises:
        UserError: they are of no family that can be seen.
    """
    for look in (_span, _tagging, _choice, _classification, _retrieval):
        candidate = look(values, names)
        if candidate:
            return candidate
    have = ", ".join(values) + (f" (and {', '.join(apart)}, but not in all files: name them alike)" if apart else "")
    raise UserError(
        f"columns {have} are of no family that can be seen: text and label, two texts, tokens and tags, "
        "question, context and answers, or prompt, choices and label"
    )


# families ---------------------------------------------------------------------------------------


def _span(values: Values, _: Any) -> Form | None:
    answers = [name for name in values if _all(values[name], lambda v: isinstance(v, dict) and "answer_start" in v)]
    if not answers:
        return None
    question = next((name for name in ("question", "query") if name in values), None)
    context = next((name for name in ("context", "passage", "paragraph", "document") if name in values), None)
    if not (question and context):
        raise UserError(f"{answers[0]} looks like answers, but no columns are called question and context")
    key = next((name for name in ("id", "qid", "question_id") if name in values), None)
    empty = any(not answer["text"] for answer in values[answers[0]])
    metrics = ("squad2_f1", "squad2_exact_match") if empty else ()
    notes = {} if key else {"columns": "without ids records are numbered"}
    columns = {"id": key, "context": context, "question": question, "answers": answers[0]}
    return Form(tasks.SPAN, columns, (), metrics, notes)


def _tagging(values: Values, names: Mapping[str, Sequence[str]]) -> Form | None:
    lists = [name for name in values if _all(values[name], lambda v: isinstance(v, list))]
    tokens = _named(lists, TOKENS, lambda name: _all_in(values[name], str))
    if tokens is None:
        return None
    tags = [
        name for name in lists
        if name != tokens and all(len(a) == len(b) for a, b in zip(values[tokens], values[name], strict=True))
    ]  # fmt: skip
    if not tags:
        return None
    chosen = _named(tags, TAGS) or min(tags, key=lambda name: len(_inside(values[name])))
    labels = tuple(names.get(chosen) or sorted(map(str, _inside(values[chosen]))))
    others = [name for name in tags if values[name] not in (values[chosen], values[tokens])]
    notes = {"columns": f"{GUESSED}or as tags: {_or(others)}"} if others else {}
    try:
        scheme = schemes.scheme_of(labels)
    except ValueError as error:
        raise UserError(f"column {chosen}: {error}") from None
    metrics = ("entity_f1",) if scheme.has_chunks else ("token_accuracy",)
    notes |= {"labels": f"the scheme {scheme.value} of xlt/spec/schemes.py"}
    return Form(tasks.TAGGING, {"tokens": tokens, "tags": chosen}, labels, metrics, notes)


def _choice(values: Values, _: Any) -> Form | None:
    lists = [name for name in values if _all(values[name], _several) and _all_in(values[name], str)]
    matches = {name: _CHOICE.fullmatch(name) for name in values}
    single = sorted((match["which"], name) for name, match in matches.items() if match)
    choices: Any = lists[0] if lists else [name for _, name in single]
    label = _label([n for n in values if n not in choices], values)
    if not (lists or len(single) > 1) or label is None:
        return None
    written = sorted(map(_written, set(values[label[0]])))
    places = [str(place) for place in range(len(written))]
    prompt = [name for name in values if name not in choices and (name in _texts(values) or name == "question")]
    if not prompt:
        raise UserError("no column of texts stands before the choices")
    columns = {
        "prompt": prompt[0] if len(prompt) == 1 else _passage_first(prompt),
        "choices": choices,
        "label": label[0],
    }
    notes = {"columns": f"{GUESSED}these texts joined are the prompt"} if len(prompt) > 1 else {}
    from_zero = all(text.isdecimal() for text in written) and "0" in written
    return Form(tasks.CHOICE, columns, () if from_zero or written == places else tuple(written), (), notes)


def _classification(values: Values, names: Mapping[str, Sequence[str]]) -> Form | None:
    texts = _texts(values)
    label_column = _label([name for name in values if name not in texts], values) or _label(texts, values)
    if not label_column:
        return None
    label, others = label_column
    texts = [name for name in texts if name != label]
    if not texts:
        return None
    first, second, doubt = _pair(texts, values)
    doubt = "; ".join(filter(None, [doubt, others and f"or as label: {_or(others)}"]))
    labels = tuple(names.get(label) or sorted(map(_written, {v for v in values[label] if v is not None}), key=_figures))
    columns = {"text_a": first, "text_b": second, "label": label}
    return Form(tasks.CLASSIFICATION, columns, labels, (), {"columns": GUESSED + doubt} if doubt else {})


def _retrieval(values: Values, _: Any) -> Form | None:
    texts = _texts(values)
    pair = next((pair for pair in PARALLEL if set(pair) <= set(texts)), tuple(texts[:2]))
    if len(pair) < 2:
        return None
    doubts = {"columns": f"{GUESSED}{pair[1]} is the English side"}
    return Form(tasks.RETRIEVAL, {"source": pair[0], "target": pair[1]}, (), (), doubts)


# columns ----------------------------------------------------------------------------------------


def _texts(values: Values) -> list[str]:
    """Columns of running text, in the order of the file."""
    return [name for name in values if name.lower() not in ASIDE and _running(values[name])]


def _running(column: Sequence[Any]) -> bool:
    texts = [value for value in column if value is not None]
    if not texts or not all(isinstance(text, str) for text in texts):
        return False
    words = mean(len(text.split()) for text in texts)
    return len(set(texts)) > 2 and (words >= 2 or mean(map(len, texts)) > 25) and not texts[0].startswith("http")


def _label(candidates: Iterable[str], values: Values) -> tuple[str, list[str]] | None:
    """The likeliest column of labels, and the others that might be it."""
    few = []
    for name in candidates:
        known = {value for value in values[name] if value is not None} if _single(values[name]) else set()
        some = 2 <= len(known) <= min(FEW, max(2, len(values[name]) // 2)) and not _CHOICE.fullmatch(name)
        if some and mean(len(_written(value).split()) for value in known) <= WORDS:
            few.append((name.lower() not in LABELS, name.lower() in ASIDE, len(known), name))
    few.sort()
    named = [name for *_, name in few if name.lower() in LABELS]
    likely = [name for _, aside, _, name in few if not aside]
    return (likely[0], [name for name in (named or likely) if name != likely[0]]) if likely else None


def _pair(texts: list[str], values: Values) -> tuple[str, str | None, str]:
    """The first text, the second or None, and what is doubtful of that."""
    lower = {name.lower(): name for name in texts}
    if pair := next((pair for pair in PAIRS if set(pair) <= set(lower)), None):
        return lower[pair[0]], lower[pair[1]], ""
    if len(texts) == 1:
        return texts[0], None, ""
    if one := next((lower[name] for name in TEXTS if name in lower), None):
        return one, None, f"one text; for a pair text_b: {_or(name for name in texts if name != one)}"
    longest = sorted(sorted(texts, key=lambda name: -mean(len(v or "") for v in values[name]))[:2], key=texts.index)
    return longest[0], longest[1], "a pair; for one text alone text_b: null"


def _passage_first(names: list[str]) -> list[str]:
    """Of a prompt that is too long the beginning is cut, so the question stands last."""
    return sorted(names, key=lambda name: "question" in name.lower())


def _named(candidates: list[str], names: Sequence[str], fits: Callable[[str], bool] = lambda _: True) -> str | None:
    fitting = [name for name in candidates if fits(name)]
    return next((name for known in names for name in fitting if name.lower() == known), None) or (
        fitting[0] if fitting and names is TOKENS else None
    )


def _all(column: Sequence[Any], holds: Callable[[Any], bool]) -> bool:
    return bool(column) and all(holds(value) for value in column)


def _all_in(column: Sequence[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for values in column for value in values)


def _single(column: Sequence[Any]) -> bool:
    """Whether the values are words or whole numbers, which a label may be."""
    return all(_written(value) or value is None for value in column)


def _several(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1


def _inside(column: Sequence[Sequence[Any]]) -> set[Any]:
    return {value for values in column for value in values}


def _written(label: Any) -> str:
    return as_text(label) or ""


def _figures(label: str) -> tuple[bool, float, str]:
    """Figures by their size, before words by the alphabet."""
    figure = bool(re.fullmatch(r"-?\d+", label))
    return not figure, float(label) if figure else 0, label


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)
