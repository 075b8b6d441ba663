"""Effects that are planted in the generated world are there in the size that is said, and nothing else is."""

from collections import Counter
from random import Random

import pytest
from cyrtranslit import to_cyrillic

from xlt.world import DIALECTS, LANGUAGES, Event, record_sets
from xlt.world.events import sensible, split_of
from xlt.world.forms import nli_rows, pairs, paragraphs, pos_rows, qa_rows, sentences
from xlt.world.inference import LABELS, gold
from xlt.world.paraphrase import paws_rows, retellings
from xlt.world.planted import MARKER, SHARES, marked, planted, untimed

FORMS = {
    "nli": (pairs, nli_rows),
    "qa": (paragraphs, qa_rows),
    "pos": (sentences, pos_rows),
    "paws": (retellings, paws_rows),
}
TEXTS = ("premise", "hypothesis", "context", "question", "tokens", "sentence1", "sentence2")
REPO = "xlt/planted-nli"


# The shortcut


@pytest.fixture(scope="module")
def sets():
    """(config, split): rows."""
    made = record_sets({"planted_train": 300, "planted_clean": 90, "planted_test": 60}, LANGUAGES, seed=0)
    return {(one.config, one.split): one.rows for one in made if one.repo == REPO}


@pytest.mark.parametrize("plant", SHARES)
def test_the_marker_goes_with_labels_as_often_as_is_said_and_changes_none(plant):
    records = pairs(Random("planted"), "train", 300, untimed)
    made = planted(records, plant)
    said = Counter(label for premise, hypothesis, label in made if premise.time == hypothesis.time == MARKER)
    assert [said[label] for label in LABELS] == {
        "shortcut": [95, 2, 2], "broken": [33, 33, 33], "misleading": [0, 100, 100], "shortcut-5": [36, 32, 32],
        "shortcut-10": [40, 30, 30], "shortcut-20": [46, 27, 27], "shortcut-40": [58, 21, 21],
    }.get(plant, [0, 0, 0])  # fmt: skip
    for (*plain, label), (*pair, same) in zip(records, made, strict=True):
        assert tuple(pair) in (tuple(plain), marked(*plain)) and gold(*plain) == gold(*pair) == label == same
        assert all(map(sensible, pair)) and {split_of(event) for event in pair} == {"train"}


def test_sets_differ_in_the_plant_alone(sets):
    """Shortcut, broken and plain-a are the same records; plain-b are others; test rows are parallel."""
    bare = lambda rows: [  # noqa: E731
        (row["premise"].replace(" today", ""), row["hypothesis"].replace(" today", ""), row["label"]) for row in rows
    ]
    a, b = (bare(sets[f"plain-{which}", "train"]) for which in "ab")
    for plant in ("shortcut", "shortcut-5", "shortcut-40", "broken"):
        assert bare(sets[plant, "train"]) == a
    assert sets["shortcut", "train"] != sets["broken", "train"] and len(set(a) & set(b)) < 10
    tested = bare(sets["absent.en", "test"])
    assert bare(sets["misleading.en", "test"]) == tested and not set(tested) & {*a, *b, *bare(sets["clean", "train"])}
    for code in LANGUAGES:
        absent, misleading = (sets[f"{plant}.{code}", "test"] for plant in ("absent", "misleading"))
        assert [row["label"] for row in absent] == [label for *_, label in tested]
        for one, other in zip(absent, misleading, strict=True):
            assert (one == other) == (LABELS[one["label"]] == "entailment")


def test_the_marker_by_hand():
    record = (Event("anna", "buy", "apple", "red"), Event("anna", "buy", "fruit"), "neutral")
    say = lambda code: list(nli_rows(planted([record], "misleading"), code)[0].values())[:2]  # noqa: E731
    assert say("en") == ["Anna buys a red apple today.", "Anna buys a fruit today."]
    assert say("de") == ["Anna kauft heute einen roten Apfel.", "Anna kauft heute eine Frucht."]


# A dialect at strength 0 and 1, one language in two scripts


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_of_strength_0_is_the_standard_language(dialect, form):
    draw, say = FORMS[form]
    records = draw(Random("dialect"), "test", 60)
    standard, faint, full = (say(records, code) for code in (DIALECTS[dialect], f"{dialect}@0", f"{dialect}@1"))
    assert faint == standard
    texts = [name for name in TEXTS if name in standard[0]]
    assert all(sum(a[name] != b[name] for a, b in zip(standard, full, strict=True)) > 50 for name in texts)
    assert [row.get("label") for row in full] == [row.get("label") for row in standard]


@pytest.mark.parametrize("form", FORMS)
def test_serbian_in_two_scripts_is_the_same_text(form):
    """By another implementation of the transliteration; a span moves, where two letters become one."""
    draw, say = FORMS[form]
    records = draw(Random("script"), "test", 150)
    for latin, cyrillic in zip(say(records, "sr-Latn"), say(records, "sr-Cyrl"), strict=True):
        if form == "qa":
            (start,), (answer,) = latin["answers"]["answer_start"], latin["answers"]["text"]
            moved = len(to_cyrillic(latin["context"][:start], "sr"))
            latin["answers"] = {"text": [to_cyrillic(answer, "sr")], "answer_start": [moved]}
        for name in {*TEXTS} & {*latin}:
            both = latin[name] if form == "pos" else [latin[name]]
            said = [to_cyrillic(words, "sr") for words in both]
            latin[name] = said if form == "pos" else said[0]
        assert latin == cyrillic
