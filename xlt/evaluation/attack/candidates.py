"""What an attack may put in the place of each word: by its name, one generator for each kind of attack.

All candidates are made from the clean text, before the search, and under a seed: the same for every model.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, cycle, islice
from random import Random
from typing import Any

from xlt import perturb
from xlt.evaluation.attack.texts import Place, Texts, texts_of
from xlt.perturb.align import Span
from xlt.perturb.attacks import DEEPWORDBUG, LEXICAL
from xlt.perturb.neighbours import stop_words
from xlt.perturb.registry import PERTURBATIONS, Site, get
from xlt.perturb.units import SPACELESS, letters, words
from xlt.perturb.vocabulary import choices
from xlt.perturb.wordfiles import key
from xlt.spec import tasks
from xlt.spec.languages import language as language_row
from xlt.spec.perturbations import Attack

Options = Callable[[str], list[tuple[Span, list[str]]]]  # of a text: what may stand where
_TRIES = 4  # draws for each candidate that is wanted


def units(text: str, language: str) -> list[Span]:
    """Words; in scripts that write no space between them, letters."""
    if language_row(language).script not in SPACELESS:
        return words(text)
    return [span for word in letters(text) for span in word]


def places(
    rows: dict[str, list], row: int, family: str, attack: Attack, language: str, masked: Options | None = None
) -> list[Place]:
    """Where the record may be changed, and into what; `masked` gives the options of a masked language model."""
    texts = texts_of(rows, family, row)
    base = attack.name.partition(":")[0]
    if base == "distractor":
        end, record = len(texts[1]), {name: values[row] for name, values in rows.items()}
        return [Place(1, end, end, tuple(f" {s}" for s in _distractors(record, attack, language)))]
    find = masked if base == "masked" else _lexical(attack, language) if base in LEXICAL else _letters(attack, language)
    kept = stop_words(language) if attack.keep_stop_words else frozenset()
    places = []
    if base == "masked" and family == tasks.TAGGING:
        options = _by_token(find(*contexts(texts, family)), texts)
    else:
        options = ((n, span, others) for n, text in enumerate(_open(texts, family)) for span, others in find(text))
    for number, (start, end), others in options:
        word = texts[number][start:end]
        others = [other for other in dict.fromkeys(others) if _fits(other, word, family)]
        if others and key(word, language.partition("@")[0]) not in kept:
            places.append(Place(number, start, end, tuple(others[: attack.candidates])))
    return places


def contexts(texts: Texts, family: str) -> Texts:
    """What a masked language model reads of a record to say which words it expects: tokens as one sentence."""
    return (" ".join(texts),) if family == tasks.TAGGING else _open(texts, family)


def _open(texts: Texts, family: str) -> Texts:
    return texts[:1] if family == tasks.SPAN else texts


def _by_token(options: list[tuple[Span, list[str]]], tokens: Texts) -> Iterator[tuple[int, Span, list[str]]]:
    """Places in the sentence as places in its tokens."""
    starts = list(accumulate((len(token) + 1 for token in tokens), initial=0))
    for (start, end), others in options:
        number = bisect(starts, start) - 1
        yield number, (start - starts[number], end - starts[number]), others


def count_words(texts: Texts, family: str, language: str) -> int:
    """Words among which the edit rate counts: of all texts that the attack may change."""
    if family == tasks.TAGGING:
        return len(texts)
    return sum(len(units(text, language)) for text in _open(texts, family))


def _fits(other: str, word: str, family: str) -> bool:
    """A token stays one token."""
    return other != word and bool(other.strip()) and (family != tasks.TAGGING or not any(map(str.isspace, other)))


@lru_cache(16)
def _letters(attack: Attack, language: str) -> Options:
    """Each word with one letter changed: each kind of change in turn, at a letter that is drawn."""
    kinds = DEEPWORDBUG if attack.name == "characters" else (attack.name,)

    def find(text: str) -> Iterator[tuple[Span, list[str]]]:
        for start, end in words(text):
            yield (start, end), variants(text[start:end])

    @lru_cache(100_000)
    def variants(word: str) -> list[str]:
        return list(islice(drawn(word), attack.candidates))

    def drawn(word: str) -> Iterator[str]:
        seen, tries = {word}, attack.candidates * _TRIES
        for number, kind in zip(range(tries), cycle(kinds), strict=False):
            seed = 1000 * attack.seed + number // len(kinds)
            edits = perturb.edits(kind, word, language, seed)
            if not edits:
                continue
            edit = Random(f"{seed} {kind} {word}").choice(edits)
            new = word[: edit.start] + edit.new + word[edit.end :]
            if new not in seen:
                seen.add(new)
                yield new

    return find


def _lexical(attack: Attack, language: str) -> Options:
    """What a word list has for each word, the best first; of the forms of a word, which have no order, a sample."""
    perturbation, argument = get(attack.name)
    site = Site(language, language_row(language).script, argument, Random(attack.seed))

    def find(text: str) -> Iterator[tuple[Span, list[str]]]:
        for (start, end), others in choices(perturbation.name, text, site):
            if perturbation.name == "inflection" and len(others) > attack.candidates:
                others = Random(f"{attack.seed} {text[start:end]}").sample(others, attack.candidates)
            yield (start, end), others

    return find


def _distractors(record: dict[str, Any], attack: Attack, language: str) -> Sequence[str]:
    """Different sentences, as many as candidates; fewer where there are no more."""
    script, sentences = language_row(language).script, {}
    for number in range(attack.candidates * _TRIES):
        site = Site(language, script, "", Random(f"{attack.seed} {number} {record.get('id')}"))
        sentences[PERTURBATIONS["distractor"].find(record, site)] = None
    return [sentence for sentence in sentences if sentence][: attack.candidates]
