"""Multiple choice on the causes and effects of `knowledge`: COPA and XCOPA, SIQA, CosmosQA.

Wrong answers are right answers to another question of the same kind: first all choices are drawn, then which of
them is asked for. So choices alone say nothing, by construction.

COPA, SIQA and CosmosQA draw several links from cause to effect that exclude one another about the same thing. Some
of the causes (or effects) are told, of different people, one of them is asked about, and the choices are the
effects (causes) of all: two choices and one statement, about one thing, in COPA; three and two, about two things, in
SIQA; four and three, about two things, in CosmosQA. DIRECTED of the COPA questions stand amid a chain instead
(wants, buys, carries): both choices are linked, and cause or effect decides, so these need no premise.

The splits share the links, not the events. All but COPA are English only, as the real ones are.
"""

from __future__ import annotations

from functools import cache, partial
from random import Random
from typing import NamedTuple

from datasets import Value

from xlt.world.columns import INTEGER, Row, classes, features, row_by_row, sets
from xlt.world.concepts import NAMES, NOUNS, Event
from xlt.world.draws import different
from xlt.world.events import adjectives, random_filler, sensible, split_of
from xlt.world.knowledge import CHAINS, EXCLUSIVE, LINKS, Link, by_another, happen
from xlt.world.lexicon import lexicon
from xlt.world.render import grammar, realise, text

CAUSE, EFFECT = "cause", "effect"
DIRECTED = 0.25
_PROFESSIONS = ("doctor", "teacher", "farmer", "baker")  # nobody has two of them


class Form(NamedTuple):
    """How many choices there are about each thing, and how many statements."""

    choices: tuple[int, ...]
    told: int


COPA, SIQA, COSMOS = Form((2,), 1), Form((2, 1), 2), Form((2, 2), 3)


class Item(NamedTuple):
    """What is told, which of it is asked about and whether for cause or effect, the choices and which is right."""

    told: tuple[Event, ...]
    asked: int
    question: str
    choices: tuple[Event, ...]
    label: int


@different
def items(rng: Random, split: str, form: Form = COPA) -> Item:
    """Questions for causes and effects. What is told (in training, the choices too) is of `split`."""
    amid = form == COPA and rng.random() < DIRECTED
    while True:
        drawn = _amid_a_chain(rng, split) if amid else _among_links(rng, split, form)
        events = [*drawn[0], *drawn[3]] if drawn else []
        trained = events if split == "train" else []
        if drawn and len(set(events)) == len(events) and all(split_of(event) == split for event in trained):
            told, asked, question, choices = drawn
            order = rng.sample(choices, len(choices))
            told = tuple(somewhere(rng, event) for event in told)
            return Item(told, asked, question, tuple(order), order.index(choices[asked]))


Drawn = tuple[list[Event], int, str, list[Event]]  # choice i is the cause or effect of what is told i


def _among_links(rng: Random, split: str, form: Form) -> Drawn | None:
    pairs = [pair for number in form.choices for pair in _links(rng, number)]
    if len({thing.noun for thing, _ in pairs}) < len(form.choices):
        return None
    if form.told > 1 and any(by_another(link.effect) for _, link in pairs):
        return None
    rng.shuffle(pairs)
    asked, question = rng.randrange(form.told), rng.choice((CAUSE, EFFECT))
    told = [happen(_sides(link, question)[0], thing, "") for thing, link in pairs[: form.told]]
    people = _people(rng, told, split)
    if people is None:
        return None
    told = [event._replace(subject=person) for event, person in zip(told, people, strict=False)]
    one, another = people[asked], people[-1]
    if question == CAUSE and by_another(pairs[asked][1].effect):
        one, another = another, one
    answers = [(thing, _sides(link, question)[1]) for thing, link in pairs]
    choices = [happen(answer, thing, another if by_another(answer) else one) for thing, answer in answers]
    return told, asked, question, choices


def _amid_a_chain(rng: Random, split: str) -> Drawn | None:
    before, after = rng.choice(CHAINS)
    thing = _thing(rng, (before, after))
    told = happen(before.effect, thing, "")
    people = _people(rng, [told], split)
    if people is None:
        return None
    one, another = people
    cause = happen(before.cause, thing, one)
    effect = happen(after.effect, thing, another if by_another(after.effect) else one)
    question = rng.choice((CAUSE, EFFECT))
    return [told._replace(subject=one)], 0, question, [cause, effect] if question == CAUSE else [effect, cause]


def _links(rng: Random, number: int) -> list[tuple[Event, Link]]:
    """A thing, and one or two links that exclude one another about it."""
    links = rng.choice([links for links in EXCLUSIVE if _nouns(links)]) if number == 2 else (rng.choice(LINKS),)
    thing = _thing(rng, links)
    return [(thing, link) for link in links]


def _thing(rng: Random, links: tuple[Link, ...]) -> Event:
    """An event with a noun of which the links can be said, and perhaps an adjective, if no link has one."""
    noun = rng.choice(_nouns(links))
    fitting = [] if any(":" in link.cause for link in links) else adjectives(noun)
    return Event("", "see", noun, rng.choice(fitting) if fitting and rng.random() < 0.5 else None)


@cache
def _nouns(links: tuple[Link, ...]) -> list[str]:
    """The nouns of which all these causes and effects can be said."""
    sides = [side for link in links for side in (link.cause, link.effect)]
    return [noun for noun in NOUNS if all(sensible(happen(side, Event("", "see", noun), "")) for side in sides)]


def _sides(link: Link, question: str) -> tuple[str, str]:
    """What is told and what is asked for."""
    return (link.cause, link.effect) if question == EFFECT else (link.effect, link.cause)


def _people(rng: Random, told: list[Event], split: str) -> list[str] | None:
    """Different people of whom the events are told in this split, and one more."""
    pool = rng.choice((NAMES, NAMES, _PROFESSIONS))
    people: list[str] = []
    for event in told:
        fitting = [p for p in pool if p not in people and split_of(event._replace(subject=p)) == split]
        if not fitting:
            return None
        people.append(rng.choice(fitting))
    return [*people, rng.choice([person for person in pool if person not in people])]


def somewhere(rng: Random, event: Event) -> Event:
    """The event, now and then with a place or a time."""
    role = rng.choice(("place", "time"))
    richer = event._replace(**{role: random_filler(rng, event, role)})
    return richer if rng.random() < 0.4 and sensible(richer) else event


@row_by_row
def copa_rows(item: Item, language: str, i: int) -> Row:
    """Premise, two choices and what is asked for, as in COPA and XCOPA."""
    return {
        "premise": text(realise(item.told[0], language)),
        **{f"choice{j}": text(realise(choice, language)) for j, choice in enumerate(item.choices, start=1)},
        "question": item.question,
        "label": item.label,
        "idx": i,
        "changed": False,
    }


_SOCIAL = {EFFECT: "What will {} want to do next?", CAUSE: "Why does {} do this?"}
_COSMOS = {
    EFFECT: "What may happen because of what {} does?",
    CAUSE: "What may be the reason for what {} does?",
}


@row_by_row
def siqa_rows(item: Item, language: str, i: int) -> Row:
    """Context, question about one of the people, three short answers, as in Social IQa. English only."""
    return {
        "context": text(*(realise(event, "en") for event in item.told)),
        "question": _SOCIAL[item.question].format(said_subject(item.told[item.asked])),
        **{
            f"answer{letter}": _short(choice, item.question) for letter, choice in zip("ABC", item.choices, strict=True)
        },
        "label": str(item.label + 1),
    }


@row_by_row
def cosmos_rows(item: Item, language: str, i: int) -> Row:
    """Context, question about one of the people, four answers, as in CosmosQA. English only."""
    return {
        "id": f"world-{i:06d}",
        "context": text(*(realise(event, "en") for event in item.told)),
        "question": _COSMOS[item.question].format(said_subject(item.told[item.asked])),
        **{f"answer{j}": text(realise(choice, "en")) for j, choice in enumerate(item.choices)},
        "label": item.label,
    }


def said_subject(event: Event) -> str:
    """The English subject as it stands inside of a sentence."""
    return text(grammar("en").subject(event))


def _short(event: Event, question: str) -> str:
    """`not sell a red car`, `because Anna loves a red car`."""
    if question == CAUSE:
        return f"because {text(grammar('en').sentence(event)[:-1])}"
    bare = lexicon("en")["verbs"][event.verb][0]
    thing = text(grammar("en").object(event._replace(negated=False)))
    return f"{'not ' * event.negated}{bare} {thing}"


_COPA_TEXTS = "premise choice1 choice2 question"
FEATURES = {
    "aps/super_glue": features(_COPA_TEXTS, idx=INTEGER, label=classes("choice1 choice2")),
    "cambridgeltl/xcopa": features(_COPA_TEXTS, label=INTEGER, idx=INTEGER, changed=Value("bool")),
    "lighteval/siqa": features("context question answerA answerB answerC label"),
    "allenai/cosmos_qa": features("id context question answer0 answer1 answer2 answer3", label=INTEGER),
}
SETS = {
    "copa_train": ("train", items, copa_rows, [("aps/super_glue", "copa", "train")]),
    **{
        f"copa_{split}": (split, items, copa_rows, [
            ("aps/super_glue", "copa", name), ("cambridgeltl/xcopa", "{code}{foreign}", name),
        ])
        for split, name in (("dev", "validation"), ("test", "test"))
    },
    **sets("siqa", "train dev", partial(items, form=SIQA), siqa_rows, "lighteval/siqa", "default"),
    **sets("cosmosqa", "train dev", partial(items, form=COSMOS), cosmos_rows, "allenai/cosmos_qa", "default"),
}  # fmt: skip
