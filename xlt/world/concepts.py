"""What can be said in the generated world: the concepts, and the record that all languages realise.

One `Event` is one semantic record ("Anna buys a red apple at the market in the morning").
Every language realises the same record, so that sentences are parallel and gold labels
follow from the record, never from the text.
"""

from __future__ import annotations

from typing import NamedTuple

NAMES = ("anna", "maria", "sofia", "elena", "sara", "nina", "david", "daniel", "martin", "viktor", "omar", "adam")
PEOPLE = (
    "woman", "man", "girl", "boy", "doctor", "teacher", "farmer", "student", "neighbour", "singer", "baker", "guest",
)  # fmt: skip

# noun -> (class, hypernym or None, portable)
NOUNS: dict[str, tuple[str, str | None, bool]] = {
    "dog": ("animal", "animal", True), "cat": ("animal", "animal", True), "horse": ("animal", "animal", False),
    "bird": ("animal", "animal", True), "fish": ("animal", "animal", True), "cow": ("animal", "animal", False),
    "rabbit": ("animal", "animal", True),
    "apple": ("food", "fruit", True), "pear": ("food", "fruit", True), "orange": ("food", "fruit", True),
    "lemon": ("food", "fruit", True), "banana": ("food", "fruit", True),
    "cake": ("food", None, True), "egg": ("food", None, True), "tomato": ("food", None, True),
    "shirt": ("artefact", None, True), "hat": ("artefact", None, True), "coat": ("artefact", None, True),
    "dress": ("artefact", None, True),
    "chair": ("artefact", None, True), "table": ("artefact", None, False), "lamp": ("artefact", None, True),
    "cup": ("artefact", None, True), "plate": ("artefact", None, True), "knife": ("artefact", None, True),
    "book": ("text", None, True), "letter": ("text", None, True), "newspaper": ("text", None, True),
    "car": ("machine", "vehicle", False), "bicycle": ("machine", "vehicle", False),
    "boat": ("machine", "vehicle", False),
    "guitar": ("machine", "instrument", True), "piano": ("machine", "instrument", False),
    "violin": ("machine", "instrument", True),
    "rose": ("plant", "flower", True), "tulip": ("plant", "flower", True),
    "box": ("artefact", None, True), "key": ("artefact", None, True), "bag": ("artefact", None, True),
    "ball": ("artefact", None, True), "clock": ("machine", None, True), "phone": ("machine", None, True),
    "umbrella": ("machine", None, True), "picture": ("artefact", None, True),
}  # fmt: skip
HYPERNYMS = ("animal", "fruit", "vehicle", "instrument", "flower")  # realised like any noun

# verb -> (noun classes it takes, only portable nouns?)
_ANY = ("animal", "food", "artefact", "text", "machine", "plant")
VERBS: dict[str, tuple[tuple[str, ...], bool]] = {
    "see": (_ANY, False), "buy": (_ANY, False), "sell": (_ANY, False), "find": (_ANY, False), "lose": (_ANY, True),
    "bring": (_ANY, True), "carry": (_ANY, True), "draw": (_ANY, False), "hide": (_ANY, True), "show": (_ANY, False),
    "love": (_ANY, False), "hate": (_ANY, False), "want": (_ANY, False),
    "wash": (("animal", "artefact", "food"), False),
    "break": (("machine",), False), "repair": (("machine",), False),
    "eat": (("food",), False), "cook": (("food",), False),
    "read": (("text",), False), "write": (("text",), False),
}  # fmt: skip
ANTONYM_VERBS = {"buy": "sell", "find": "lose", "love": "hate", "break": "repair", "hide": "show"}

COLOURS = ("red", "blue", "green", "yellow", "white", "black")
ANTONYMS = {
    "big": "small", "old": "new", "expensive": "cheap", "beautiful": "ugly", "clean": "dirty", "heavy": "light",
}  # fmt: skip
ADJECTIVES = COLOURS + tuple(ANTONYMS) + tuple(ANTONYMS.values())

PLACES = (
    "kitchen", "garden", "park", "market", "school", "station", "hospital", "library", "village", "forest",
    "beach", "restaurant", "office", "street",
)  # fmt: skip
TIMES = ("today", "now", "morning", "evening", "night", "monday", "friday", "summer", "winter", "every_day")
CLOCKS = ("7:15", "7:30", "8:15", "8:30", "9:15", "9:30", "10:15", "10:30", "11:15", "11:30", "12:15", "12:30")
COUNTS = (5, 6, 7, 8, 9, 10)  # one plural form each in every language here (no dual, no paucal)

SOMEONE, SOMETHING = "someone", "something"
ROLES = ("subject", "object", "place", "time")


class Event(NamedTuple):
    """Who does what to which thing, where and when.

    `subject` is in NAMES, PEOPLE or SOMEONE; `noun` in NOUNS, HYPERNYMS or SOMETHING (then without
    adjective and count); `time` in TIMES or CLOCKS ("8:15", said as a time of day); `count` in COUNTS or
    None, which means one, indefinite ("a red apple").
    """

    subject: str
    verb: str
    noun: str
    adjective: str | None = None
    count: int | None = None
    place: str | None = None
    time: str | None = None
    negated: bool = False


class Token(NamedTuple):
    """One syntactic word with its universal POS tag; `part` is the role whose phrase it belongs to.

    `glued` means no space before it (punctuation; every word of Chinese).
    """

    form: str
    upos: str
    part: str = ""
    glued: bool = False
