"""Chinese (Mandarin, simplified characters): subject - time - place - verb - object, no spaces.

Modelled: a classifier for each noun, bare or 的-linked adjectives, 在 with localisers around places,
negation by 不, by potential verbs (看不见) or 什么都不, objects without a number word under negation
(不买苹果), and question words in situ. Forms, order and script were checked by eye.

Simplified: one negation without aspect (不, never 没), one verb for a concept whatever the object is
(带着, 烹饪), people without a demonstrative.
"""

from __future__ import annotations

from xlt.world.concepts import CLOCKS, COLOURS, HYPERNYMS, NAMES, NOUNS, SOMEONE, SOMETHING, Event, Token
from xlt.world.lexicon import lexicon

LEXICON = lexicon("zh")
WORDS = LEXICON["words"]


def clause(event: Event) -> list[Token]:
    """A present-tense statement."""
    return _sentence(event, "") + [Token("。", "PUNCT", glued=True)]


def question(event: Event, asked: str) -> list[Token]:
    """The question for one role of the event; the question word stands where the answer would."""
    return _sentence(event, asked) + [Token("？", "PUNCT", glued=True)]


def _sentence(event: Event, asked: str) -> list[Token]:
    phrases = {
        "subject": _subject(event.subject),
        "time": _time(event.time),
        "place": _words(LEXICON["places"][event.place], "NOUN", "place") if event.place else [],
        "object": _object(event),
    }
    if asked:
        phrases[asked] = _words(WORDS["asked"][asked], "NOUN", asked)
        if asked == "time":  # 什么 here determines 时候
            phrases[asked][0] = Token("什么", "DET", "time", glued=True)
    verb = _words(LEXICON["verbs"][event.verb][event.negated], "VERB")
    before = [token for role in ("subject", "time", "place") for token in phrases[role]]
    if event.negated and event.noun == SOMETHING:
        return before + phrases["object"] + _words("都", "ADV") + verb
    return before + verb + phrases["object"]


def _words(phrase: str, upos: str, part: str = "") -> list[Token]:
    return [Token(form, WORDS["tags"].get(form, upos), part, glued=True) for form in phrase.split()]


def _subject(subject: str) -> list[Token]:
    if subject == SOMEONE:
        return _words(WORDS["someone"], "PRON", "subject")
    if subject in NAMES:
        return _words(LEXICON["names"][subject], "PROPN", "subject")
    return _words(LEXICON["people"][subject], "NOUN", "subject")


def _time(time: str | None) -> list[Token]:
    if time is None:
        return []
    return _words(time, "NUM", "time") if time in CLOCKS else _words(LEXICON["times"][time], "NOUN", "time")


def _object(event: Event) -> list[Token]:
    if event.noun == SOMETHING:
        return _words(WORDS["nothing" if event.negated else "something"], "NOUN", "object")
    noun, classifier = LEXICON["nouns"][event.noun]
    number = _words(str(event.count or "一"), "NUM", "object") + _words(classifier, "NOUN", "object")
    if event.negated and event.count is None:
        number = []
    adjective = _words(_adjective(event.adjective, event.noun), "ADJ", "object") if event.adjective else []
    return number + adjective + _words(noun, "NOUN", "object")


def _adjective(adjective: str, noun: str) -> str:
    """One syllable stands bare before a short noun (红苹果, 黑狗), else 的 links (红色的画, 漂亮的狗)."""
    form, length, kind = LEXICON["adjectives"][adjective], len(LEXICON["nouns"][noun][0]), _class(noun)
    if adjective == "old":
        form = WORDS["old"].get(kind, form)
    # colour + one syllable is a compound of its own meaning (黄书), but not so with animals
    if adjective in COLOURS and (noun in HYPERNYMS or length > 2 or (length == 1 and kind != "animal")):
        form += "色"
    return f"{form} 的" if len(form) > 1 or length > 2 or adjective in ("heavy", "light") else form


def _class(noun: str) -> str:
    """The class of a noun; that of its members for a hypernym."""
    return next(row[0] for name, row in NOUNS.items() if noun in (name, row[1]))
