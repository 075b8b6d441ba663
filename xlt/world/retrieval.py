"""Retrieval forms: pools of sentences to mine for translations (BUCC), and of answers in all languages (LAReQA).

A BUCC pool has two sides of which a third is shared; the rest has no counterpart, though much of it differs from a
shared sentence in one word. Some sentences occur twice on a side: then all their pairs are gold. The public
google/xtreme configs hold the gold pairs only, so the pools have an id of their own.

LAReQA has the columns of XQuAD. Its candidates are the sentences of all contexts in all languages, and only the
sentence with the answer is right, in each language (Roy et al. 2020): no statement of any context answers the
question of another, and no statement occurs twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from random import Random

from xlt.world.columns import ANSWERS, Row, features
from xlt.world.concepts import Event
from xlt.world.draws import distinct
from xlt.world.events import event_of, fits
from xlt.world.forms import Paragraph, answers, paragraphs, qa_rows
from xlt.world.inference import swapped
from xlt.world.render import realise, text

SIDES = ("source", "target")  # the foreign language, and English
_SHARED, _NEAR, _REPEATED = 1 / 3, 1 / 3, 1 / 25  # of a side: with counterpart, almost with one, said before

Pool = list[tuple[str, Event]]  # the sentences of both sides


def bucc_pool(rng: Random, split: str, size: int) -> Pool:
    """`size` sentences on each side, in random order."""
    events = distinct(lambda: event_of(rng, split, negated=0.1))
    shared = [next(events) for _ in range(round(size * _SHARED))]
    known = set(shared)
    pool = []
    for side in SIDES:
        lonely = [event for event in (_near(rng, split, event) for event in shared) if event and event not in known]
        lonely = list(dict.fromkeys(lonely))[: round(size * _NEAR)]
        known.update(lonely)
        repeated = rng.choices(shared + lonely, k=round(size * _REPEATED)) if shared else []
        while len(shared) + len(lonely) + len(repeated) < size:
            if (event := next(events)) not in known:
                lonely.append(event)
                known.add(event)
        sentences = [*shared, *lonely, *repeated][:size]
        pool += [(side, event) for event in rng.sample(sentences, size)]
    return pool


def _near(rng: Random, split: str, event: Event) -> Event | None:
    """The event with one thing changed that makes it another."""
    near = (swapped(rng, event) for _ in range(20))
    return next((other for other in near if other != event and fits(other, split)), None)


def pool_rows(pool: Pool, language: str) -> list[Row]:
    """The sentences, foreign and English, with their ids."""
    return [
        {"side": side, "id": name, "text": text(realise(event, code))}
        for side, name, code, event in _named(pool, language)
    ]


def _named(pool: Pool, language: str) -> Iterator[tuple[str, str, str, Event]]:
    """Side, id, language and event; ids count the sentences of a side from 1, as those of BUCC do."""
    for side, code in zip(SIDES, (language, "en"), strict=True):
        events = [event for where, event in pool if where == side]
        yield from ((side, f"{code}-{i:09d}", code, event) for i, event in enumerate(events, start=1))


def _gold(pool: Pool, language: str) -> Iterator[tuple[Event, str, str]]:
    """Every pair of ids whose sentences say the same, and what they say."""
    english = defaultdict(list)
    named = list(_named(pool, language))
    for side, name, _, event in named:
        if side == "target":
            english[event].append(name)
    for side, name, _, event in named:
        if side == "source":
            yield from ((event, name, other) for other in english[event])


def gold_rows(pool: Pool, language: str) -> list[Row]:
    """The ids of the pairs to be found."""
    return [{"source_id": source, "target_id": target} for _, source, target in _gold(pool, language)]


def bucc_rows(pool: Pool, language: str) -> list[Row]:
    """The pairs to be found, as in XTREME's bucc18, whose language columns hold the ids."""
    return [
        {
            "source_sentence": text(realise(event, language)),
            "target_sentence": text(realise(event, "en")),
            "source_lang": source,
            "target_lang": target,
        }
        for event, source, target in _gold(pool, language)
    ]


def lareqa(rng: Random, split: str, size: int) -> list[Paragraph]:
    """Paragraphs of which no statement answers the question of another."""
    kept, statements, questions = [], defaultdict(set), defaultdict(list)  # by verb, which an answer shares
    while len(kept) < size:
        ((events, which, asked),) = paragraphs(rng, split, 1)
        target = events[which]
        repeated = any(event in statements[event.verb] for event in events)
        answered_elsewhere = any(answers(event, target, asked) for event in statements[target.verb])
        answers_another = any(answers(event, *question) for event in events for question in questions[event.verb])
        if not (repeated or answered_elsewhere or answers_another):
            kept.append((events, which, asked))
            questions[target.verb].append((target, asked))
            for event in events:
                statements[event.verb].add(event)
    return kept


FEATURES = {
    "xlt/bucc-pool": features("side id text"),
    "gold": features("source_id target_id"),
    "bucc18": features("source_sentence target_sentence source_lang target_lang"),
    "google-research-datasets/xquad_r": features("id context question", answers=ANSWERS),
}
_BUCC = {"{code}-en": pool_rows, "{code}-en-gold": gold_rows, "bucc18.{code}": bucc_rows}
SETS = {  # as in xlt.world.files
    f"bucc_{size}": (
        size, bucc_pool, _BUCC,
        [("xlt/bucc-pool", "{code}-en", split), ("xlt/bucc-pool", "{code}-en-gold", split),
         ("google/xtreme", "bucc18.{code}", split)],
    ) for size, split in (("dev", "validation"), ("test", "test"))
} | {
    "lareqa_test": ("test", lareqa, qa_rows, [("google-research-datasets/xquad_r", "{code}", "validation")]),
}  # fmt: skip
