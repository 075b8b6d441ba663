"""Token tags: named entities in every language, CCG supertags in English.

Entities are those of `Scene`, in IOB2 as in PAN-X (Pan et al. 2017; Rahimi et al. 2019), which cuts Chinese into
characters. Supertags are the categories of CCGbank (Hockenmaier and Steedman 2007) without features; with
application, composition and N -> NP each sentence derives S. The real xlt/ud-ccg has NP for N throughout, so the
two label sets differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from datasets import ClassLabel, Features, List, Value

from xlt.world.concepts import Token
from xlt.world.entities import KINDS, Scene, say, scene_text_rows, scenes
from xlt.world.forms import Row, Sentence, sentences
from xlt.world.render import ask, realise

NER = ["O", *(f"{prefix}-{kind}" for kind in KINDS for prefix in "BI")]

_ADVERB = r"(S\NP)\(S\NP)"
_CATEGORIES = {  # (tag, what is special about the word) -> category
    ("PRON", ""): "NP", ("PROPN", ""): "N", ("NOUN", ""): "N", ("DET", ""): "NP/N", ("ADJ", ""): "N/N",
    ("NUM", ""): "N/N", ("VERB", ""): r"(S\NP)/NP", ("AUX", ""): r"(S\NP)/(S\NP)", ("PART", ""): r"(S\NP)/(S\NP)",
    ("ADP", ""): rf"({_ADVERB})/NP", ("ADV", ""): _ADVERB, ("PUNCT", ""): ".",
    ("NUM", "clock"): "N", ("DET", "every"): rf"({_ADVERB})/N",  # at 8:15, every day
    ("AUX", "inverted"): r"(S/(S\NP))/NP", ("PRON", "subject"): r"S/(S\NP)", ("PRON", "object"): "S/(S/NP)",
    ("ADV", "place"): "S/S", ("ADV", "time"): "S/S",  # question words
}  # fmt: skip
CCG = list(dict.fromkeys(_CATEGORIES.values()))


def ner_rows(records: Iterable[Scene], language: str) -> list[Row]:
    """Words and entity tags, as in WikiAnn; `spans` names the entities in their order."""
    said = [_characters(say(scene, language)) if language == "zh" else say(scene, language) for scene in records]
    return [
        {
            "tokens": [token.form for token in tokens],
            "ner_tags": [NER.index(tag) for tag in _iob(tokens)],
            "langs": [language] * len(tokens),
            "spans": [f"{kind}: {' '.join(token.form for token in name)}" for kind, name in _phrases(tokens) if kind],
        }
        for tokens in said
    ]


def _characters(tokens: list[Token]) -> list[Token]:
    """Chinese words in pieces of one character, numbers whole."""
    return [
        token._replace(form=piece)
        for token in tokens
        for piece in ([token.form] if token.form.isascii() else token.form)
    ]


def _phrases(tokens: list[Token]) -> Iterator[tuple[str, list[Token]]]:
    """The sentence in pieces: the names with their kinds, and what lies between them with none."""
    for part, piece in groupby(tokens, lambda token: token.part):
        yield part if part in KINDS else "", list(piece)


def _iob(tokens: list[Token]) -> Iterator[str]:
    for kind, piece in _phrases(tokens):
        yield from [f"{'I' if i else 'B'}-{kind}" if kind else "O" for i in range(len(piece))]


def ccg_rows(records: Iterable[Sentence], language: str) -> list[Row]:
    """Words and supertags, as in xlt/ud-ccg; English only."""
    rows = []
    for event, asked in records:
        tokens = ask(event, asked, language) if asked else realise(event, language)
        tags = [CCG.index(_CATEGORIES[token.upos, _special(token, asked)]) for token in tokens]
        rows.append({"tokens": [token.form for token in tokens], "ccg_tags": tags})
    return rows


def _special(token: Token, asked: str) -> str:
    if token.part and token.part == asked:
        return asked
    if token.upos == "AUX" and asked:
        return "inverted"
    if token.upos == "NUM" and token.part == "time":
        return "clock"
    return "every" if token.form.lower() == "every" else ""


FEATURES = {
    "unimelb-nlp/wikiann": Features({
        "tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=NER)), "langs": List(Value("string")),
        "spans": List(Value("string")),
    }),
    "xlt/ud-ccg": Features({"tokens": List(Value("string")), "ccg_tags": List(ClassLabel(names=CCG))}),
    "xlt/world-names-text": Features({"text": Value("string")}),
}  # fmt: skip
SETS = {  # as in xlt.world.files
    "ner_train": ("train", scenes, ner_rows, [("unimelb-nlp/wikiann", "en", "train")]),
    "ner_dev": ("dev", scenes, ner_rows, [("unimelb-nlp/wikiann", "{code}", "validation")]),
    "ner_test": ("test", scenes, ner_rows, [("unimelb-nlp/wikiann", "{code}", "test")]),
    "ccg_train": ("train", sentences, ccg_rows, [("xlt/ud-ccg", "en_ewt", "train")]),
    "ccg_dev": ("dev", sentences, ccg_rows, [("xlt/ud-ccg", "en_ewt", "validation")]),
    "ccg_test": ("test", sentences, ccg_rows, [("xlt/ud-ccg", "en_ewt", "test")]),
    "names_text": ("train", scenes, scene_text_rows, [("xlt/world-names-text", "{code}", "train")]),
}
