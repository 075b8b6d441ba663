"""Entity tags and supertags of the generated world, checked against the records and by deriving each sentence."""

import re
from collections import Counter
from random import Random

import pytest

from xlt.world import DIALECTS, LANGUAGES, fingerprint, record_sets, text
from xlt.world.concepts import NAMES, Event
from xlt.world.entities import CITIES, ORGANISATIONS, SURNAMES, Scene, say, scenes
from xlt.world.events import split_of
from xlt.world.files import FEATURES
from xlt.world.forms import sentences
from xlt.world.lexicon import lexicon
from xlt.world.tags import CCG, NER, ccg_rows, ner_rows

SIZES = {
    "ner_train": 30, "ner_dev": 10, "ner_test": 30, "ccg_train": 30, "ccg_dev": 10, "ccg_test": 10, "names_text": 20,
}  # fmt: skip
GOLDEN = "731bcf5cf8584013d4c96d0156db0bfb664cf0948c9432468b9488bb1d4a274c"
ANNA = Event("anna", "buy", "apple", place="village", time="8:15")
FULL = Scene(ANNA, surname="weber", city="new_york")
OFFICIAL = Scene(Event("david", "sell", "cup", "red"), organisation="university_vienna")


@pytest.fixture(scope="module")
def sets():
    return {(made.repo, made.config, made.split): made for made in record_sets(SIZES, LANGUAGES, seed=0)}


def entities(row):
    """The spans that the tags of a row mark, read as IOB2."""
    found, previous = [], "O"
    for token, tag in zip(row["tokens"], (NER[i] for i in row["ner_tags"]), strict=True):
        prefix, _, kind = tag.partition("-")
        if prefix == "B":
            found.append((kind, [token]))
        elif prefix == "I":
            assert previous in (f"B-{kind}", f"I-{kind}")
            found[-1][1].append(token)
        previous = tag
    return [f"{kind}: {' '.join(tokens)}" for kind, tokens in found]


def test_named_by_hand():
    assert text(say(FULL, "ru")) == "В 8:15 Анна Вебер покупает в Нью-Йорке яблоко."
    assert text(say(FULL, "tr")) == "Anna Weber saat 8:15'te New York'ta bir elma alıyor."
    assert text(say(FULL, "zh")) == "安娜·韦伯8:15在纽约买一个苹果。"
    assert text(say(OFFICIAL, "es")) == "La Universidad de Viena vende una taza roja."
    assert text(say(OFFICIAL, "ar")) == "تبيع جامعة فيينا كوبا أحمر."  # the verb is feminine, as the university is
    assert text(say(OFFICIAL, "sr-Cyrl")) == "Универзитет у Бечу продаје црвену шољу."
    rows = {code: ner_rows([FULL, OFFICIAL], code) for code in ("el", "zh", "hi")}
    assert [row["spans"] for row in rows["el"]] == [
        ["PER: Άννα Βέμπερ", "LOC: Νέα Υόρκη"], ["ORG: Πανεπιστήμιο της Βιέννης"],
    ]  # fmt: skip
    assert rows["zh"][1]["tokens"][:6] == list("维也纳大学卖")
    assert [NER[i] for i in rows["hi"][0]["ner_tags"]] == ["B-PER", "I-PER", "O", "O", "B-LOC", *"OOOOOO"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_entities_are_those_of_the_scenes(code):
    records = scenes(Random("ner"), "test", 300)
    counts = Counter()
    for scene, row in zip(records, ner_rows(records, code), strict=True):
        assert len(row["tokens"]) == len(row["ner_tags"]) == len(row["langs"])
        assert entities(row) == row["spans"]
        kinds = {"ORG"} if scene.organisation else {"PER"} if scene.event.subject in NAMES else set()
        kinds |= {"LOC"} if scene.city else set()
        assert {span.split(":")[0] for span in row["spans"]} == kinds and len(row["spans"]) == len(kinds)
        if scene.surname:
            surname = lexicon("en")["surnames"][scene.surname].partition("/")[0]
            assert code not in ("en", "de", "es") or f" {surname}" in next(s for s in row["spans"] if "PER" in s)
        counts.update(NER[tag] for tag in row["ner_tags"])
    assert set(counts) == set(NER), "multi-word names of each kind"


@pytest.mark.parametrize("code", sorted(set(LANGUAGES) - {*DIALECTS, "sr-Cyrl", "sr-Latn"} | {"sr"}))
def test_names_are_there_and_differ(code):
    words = lexicon(code)
    for section, names in (("surnames", SURNAMES), ("cities", CITIES), ("organisations", ORGANISATIONS)):
        assert set(words[section]) == set(names)
        assert len({str(phrase) for phrase in words[section].values()}) == len(names)


def test_same_letter_kinds_in_one_script_per_language():
    """No Latin letter slipped into a Cyrillic, Arabic, Devanagari or Han name, nor the other way round."""
    scripts = {"ru": "а-яА-ЯёЁ", "ar": "\u0621-\u064a", "hi": "\u0900-\u097f", "zh": "\u4e00-\u9fff·"}
    for code, letters in scripts.items():
        for section in ("surnames", "cities", "organisations"):
            for phrase in lexicon(code)[section].values():
                phrase = phrase[0] if isinstance(phrase, list) else phrase
                for word in phrase.split():
                    assert re.fullmatch(f"[{letters}-]+", word.rpartition("/")[0]), (code, word)


def test_no_scene_of_an_evaluation_set_is_met_in_training():
    drawn = {split: scenes(Random(split), split, 400) for split in ("train", "dev", "test")}
    said = {split: {text(say(scene, "en")) for scene in records} for split, records in drawn.items()}
    assert not said["train"] & said["test"] and not said["train"] & said["dev"] and not said["dev"] & said["test"]
    assert {split_of(scene.event) for scene in drawn["test"]} == {"test"}


# Supertags: a sentence is tagged rightly if its categories derive S


def parsed(category):
    """A category as nested (result, slash, argument), or its name."""
    depth = 0
    for i in reversed(range(len(category))):
        depth += (category[i] == ")") - (category[i] == "(")
        if depth == 0 and category[i] in "/\\":
            return parsed(category[:i]), category[i], parsed(category[i + 1 :])
    return parsed(category[1:-1]) if category.startswith("(") else category


def combined(left, right):
    """What two neighbours make: application, composition, backward crossed composition."""
    if right == ".":
        yield left
    if isinstance(left, tuple) and left[1] == "/":
        if left[2] == right:
            yield left[0]
        if isinstance(right, tuple) and right[1] == "/" and left[2] == right[0]:
            yield left[0], "/", right[2]
    if isinstance(right, tuple) and right[1] == "\\":
        if right[2] == left:
            yield right[0]
        if isinstance(left, tuple) and left[1] == "/" and left[0] == right[2]:
            yield right[0], "/", left[2]


def derives(categories):
    """Whether the categories derive S (CKY), with N -> NP."""
    chart = {}
    for end in range(1, len(categories) + 1):
        for start in reversed(range(end)):
            cell = {parsed(categories[start])} if end - start == 1 else set()
            for middle in range(start + 1, end):
                for left in chart[start, middle]:
                    for right in chart[middle, end]:
                        cell |= set(combined(left, right))
            chart[start, end] = cell | ({"NP"} if "N" in cell else set())
    return "S" in chart[0, len(categories)]


def test_the_checker_itself():
    assert derives(["N", r"(S\NP)/NP", "NP/N", "N"])
    assert not derives(["N", "N", r"(S\NP)/NP"])
    assert not derives(["NP/N", r"(S\NP)/NP", "N"])


def test_every_sentence_derives():
    records = sentences(Random("ccg"), "train", 400)
    used = set()
    for row in ccg_rows(records, "en"):
        categories = [CCG[tag] for tag in row["ccg_tags"]]
        assert len(categories) == len(row["tokens"]) and derives(categories), row["tokens"]
        used |= set(categories)
    assert used == set(CCG)
    (row,) = ccg_rows([(Event("anna", "buy", "something", time="8:15"), "object")], "en")
    assert dict(zip(row["tokens"], [CCG[tag] for tag in row["ccg_tags"]], strict=True)) == {
        "What": "S/(S/NP)", "does": r"(S/(S\NP))/NP", "Anna": "N", "buy": r"(S\NP)/NP",
        "at": r"((S\NP)\(S\NP))/NP", "8:15": "N", "?": ".",
    }  # fmt: skip


def test_layout_and_bytes(sets):
    panx = sets["unimelb-nlp/wikiann", "de", "test"]
    assert panx.features["ner_tags"].feature.names == NER == ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
    assert {config for repo, config, _ in sets if repo == "xlt/ud-ccg"} == {"en_ewt"}
    assert {config for repo, config, split in sets if repo == "unimelb-nlp/wikiann" and split == "train"} == {"en"}
    for made in sets.values():
        assert all(set(row) == set(FEATURES[made.repo]) for row in made.rows)
    assert fingerprint(sets.values()) == GOLDEN
