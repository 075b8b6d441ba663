"""Token tags: named entities in every language, CCG supertags in English.

Entities are those of `Scene`, in IOB2 as in PAN-X (Pan et al. 2017; Rahimi et al. 2019), which cuts Chinese into
characters. Supertags are the categories of CCGbank (Hockenmaier and Steedman 2007) without features; with
application, composition and N -> NP each sentence derives S. The real xlt/ud-ccg has NP for N throughout, so the
two label sets differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from datasets import List

from xlt.world.columns import STRING, Row, classes, features, row_by_row, sets
from xlt.world.concepts import Token
from xlt.world.entities import KINDS, Scene, say, scene_text_rows, scenes
from xlt.world.forms import Sentence, sentences
from xlt.world.render import realise

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


@row_by_row
def ner_rows(scene: Scene, language: str, i: int) -> Row:
    """Words and entity tags, as in WikiAnn; `spans` names the entities in their order."""
    tokens = say(scene, language)
    if language == "zh":
        tokens = _characters(tokens)
    return {
        "tokens": [token.form for token in tokens],
        "ner_tags": [NER.index(tag) for tag in _iob(tokens)],
        "langs": [language] * len(tokens),
        "spans": [f"{kind}: {' '.join(token.form for token in name)}" for kind, name in _phrases(tokens) if kind],
    }


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


@row_by_row
def ccg_rows(sentence: Sentence, language: str, i: int) -> Row:
    """Words and supertags, as in xlt/ud-ccg; English only."""
    event, asked = sentence
    tokens = realise(event, language, asked)
    tags = [CCG.index(_CATEGORIES[token.upos, _special(token, asked)]) for token in tokens]
    return {"tokens": [token.form for token in tokens], "ccg_tags": tags}


def _special(token: Token, asked: str) -> str:
    if token.part and token.part == asked:
        return asked
    if token.upos == "AUX" and asked:
        return "inverted"
    if token.upos == "NUM" and token.part == "time":
        return "clock"
    return "every" if token.form.lower() == "every" else ""


_PANX = "unimelb-nlp/wikiann"
FEATURES = {
    _PANX: features("", tokens=List(STRING), ner_tags=List(classes(NER)), langs=List(STRING), spans=List(STRING)),
    "xlt/ud-ccg": features("", tokens=List(STRING), ccg_tags=List(classes(CCG))),
    "xlt/world-names-text": features("text"),
}
SETS = {
    "ner_train": ("train", scenes, ner_rows, [(_PANX, "en", "train")]),
    **sets("ner", "dev test", scenes, ner_rows, _PANX, "{code}"),
    **sets("ccg", "train dev test", sentences, ccg_rows, "xlt/ud-ccg", "en_ewt"),
    "names_text": ("train", scenes, scene_text_rows, [("xlt/world-names-text", "{code}", "train")]),
}
