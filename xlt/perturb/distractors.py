"""A sentence that looks like an answer and is none, for extractive question answering.

After AddOneSent (Jia and Liang 2017, 1707.07328, section 3.2): the question's own words with one of them changed, so
that it is about something else, and a false answer of the true one's form. Theirs was corrected by hand and is English;
here no parser is needed, the sentence has the question's word order, and any language can have it.
"""

from __future__ import annotations

from typing import Any

import regex

from xlt.perturb.registry import ADD, Site, perturbation
from xlt.perturb.units import SPACELESS, letters, words

_TRIES = 20
_STOPS = {"Hans": "。", "Hant": "。", "Jpan": "。", "Deva": "।", "Beng": "।"}
_EDGES = regex.compile(r"^[\s\p{P}]+|[\s\p{P}]+$")
_DIGIT = regex.compile(r"\d")
_CONTENT = 4  # letters from which a word is taken for a content word


@perturbation("distractor", "distractor", "context and answer; an added sentence never holds an answer", unit="record",
              form=ADD, families=("span",), version=2)  # fmt: skip
def distractor(record: dict[str, Any], site: Site) -> str | None:
    """A sentence of the question's own words at the end of the context, with one changed and a false answer."""
    question, context, gold = _EDGES.sub("", record["question"]), record["context"], record["answers"]["text"]
    if not gold or not words(question):
        return None
    for _ in range(_TRIES):
        changed, false = _changed(question, context, site), _false_answer(gold[0], context, site)
        if not (changed and false):
            return None
        sentence = f"{changed} {false}{_STOPS.get(site.script, '.')}"
        if not any(answer.casefold().strip() in sentence.casefold() for answer in gold):
            return sentence
    return None


def _units(text: str, site: Site) -> list[tuple[int, int]]:
    """Words, or single characters in scripts without spaces."""
    if site.script not in SPACELESS:
        return words(text)
    return [span for word in letters(text) for span in word]


def _changed(question: str, context: str, site: Site) -> str | None:
    """The question with one of its words (without spaces: two characters) replaced by one of the context."""
    size = 2 if site.script in SPACELESS else 1
    places = _runs(question, size, site)
    others = [context[a:b] for a, b in _runs(context, size, site) if context[a:b].casefold() not in question.casefold()]
    if not (places and others):
        return None
    start, end = site.rng.choice(places)
    alike = [other for other in others if other[0].isdigit() == question[start].isdigit()]
    return question[:start] + site.rng.choice(alike or others) + question[end:]


def _false_answer(answer: str, context: str, site: Site) -> str | None:
    """The answer with other digits, or as many words of the context as it has."""
    if _DIGIT.search(answer):
        return _DIGIT.sub(lambda digit: _alike(digit[0], int(site.rng.choice("123456789"))), answer)
    runs = _runs(context, max(1, len(_units(answer, site))), site)
    return context[slice(*site.rng.choice(runs))] if runs else None


def _alike(digit: str, value: int) -> str:
    """The digit of that value in the script of `digit`."""
    return chr(ord(digit) - int(digit) + value)


def _runs(text: str, size: int, site: Site) -> list[tuple[int, int]]:
    """Spans of `size` neighbouring units that start and end with a content word, if there are such."""
    units = _units(text, site)
    runs = [(units[i], units[i + size - 1]) for i in range(len(units) - size + 1)]
    telling = [run for run in runs if all(_telling(text[a:b], site) for a, b in run)]
    return [(first[0], last[1]) for first, last in telling or runs]


def _telling(word: str, site: Site) -> bool:
    """No function word, by its length."""
    return site.script in SPACELESS or len(word) >= _CONTENT or word[0].isdigit()
