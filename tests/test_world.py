"""The generated world: gold labels, spans, alignment, splits, the dial, and the same bytes everywhere."""

import os
import subprocess
import sys
from collections import Counter
from random import Random

import numpy as np
import pytest
from datasets import load_dataset

from xlt.core.errors import UserError
from xlt.spec.languages import language as language_row
from xlt.world import (
    DIALECTS,
    LANGUAGES,
    WORLD_VERSION,
    Event,
    ask,
    fingerprint,
    realise,
    record_sets,
    text,
    write_world,
)
from xlt.world import concepts as world
from xlt.world.events import event_of, sensible, split_of
from xlt.world.forms import UPOS, answers, nli_rows, pairs, paragraphs, passages, qa_rows, sentences
from xlt.world.inference import gold
from xlt.world.lexicon import lexicon

SMOKE = {
    "nli_train": 60, "nli_dev": 12, "nli_test": 12, "qa_train": 20, "qa_dev": 8, "qa_test": 8,
    "pos_train": 20, "pos_dev": 8, "pos_test": 8, "parallel": 8, "text": 40,
}  # fmt: skip
GOLDEN = "e6be443cf26861768f21aefa4504b7efc6fb5a6f232dc18b6296d8d81b286448"
ANNA = Event("anna", "buy", "apple", "red", place="market", time="morning")


def the(**changes):
    return ANNA._replace(**changes)


E, N, C = "entailment", "neutral", "contradiction"
FIVE = the(count=5)
NOT = the(negated=True)
PAIRS = {
    "place dropped": (ANNA, the(place=None), E),
    "time and adjective dropped": (ANNA, the(time=None, adjective=None), E),
    "hypernym": (ANNA, the(noun="fruit"), E),
    "something": (FIVE, the(noun="something", adjective=None), E),
    "someone": (ANNA, the(subject="someone"), E),
    "place added": (the(place=None), ANNA, N),
    "adjective added": (the(adjective=None), ANNA, N),
    "hyponym": (the(noun="fruit"), ANNA, N),
    "a name for someone": (the(subject="someone"), ANNA, N),
    "a thing for something": (the(noun="something", adjective=None), FIVE, N),
    "one thing less, another more": (the(place=None), the(time=None), N),
    "other colour": (ANNA, the(adjective="green"), C),
    "antonym": (the(adjective="cheap"), the(adjective="expensive"), C),
    "antonym verb": (ANNA, the(verb="sell"), C),
    "other name": (ANNA, the(subject="david"), C),
    "other person": (the(subject="doctor"), the(subject="baker"), C),
    "co-hyponym": (ANNA, the(noun="pear"), C),
    "other place": (ANNA, the(place="library"), C),
    "other clock": (the(time="8:15"), the(time="9:30"), C),
    "other time": (ANNA, the(time="evening"), C),
    "other count": (FIVE, the(count=7), C),
    "other colour, place dropped": (ANNA, the(adjective="green", place=None), C),
    "negation": (ANNA, NOT, C),
    "negation of less": (ANNA, the(negated=True, adjective=None, place=None), C),
    "negation of more is debatable": (the(place=None), NOT, None),
    "negated to affirmative": (NOT, ANNA, C),
    "negated to affirmative with more": (the(negated=True, place=None), ANNA, C),
    "negated to affirmative with less is debatable": (NOT, the(place=None), None),
    "not buying an apple is not buying a red one": (the(negated=True, adjective=None), NOT, E),
    "not buying fruit is not buying an apple": (the(negated=True, noun="fruit"), NOT, E),
    "not buying a red apple says nothing of apples": (NOT, the(negated=True, adjective=None), N),
    "two negations that differ are debatable": (NOT, the(negated=True, adjective="green"), None),
    "today is not monday?": (the(time="today"), the(time="monday"), None),
    "now or in the morning?": (the(time="now"), ANNA, None),
    "what happens, happens now?": (the(time=None), the(time="now"), None),
    "evening or night?": (the(time="evening"), the(time="night"), None),
    "a market in the village?": (ANNA, the(place="village"), None),
    "a kitchen in the school?": (the(place="school"), the(place="kitchen"), None),
    "is Anna the woman?": (ANNA, the(subject="woman"), None),
    "a doctor may be a guest": (the(subject="doctor"), the(subject="guest"), None),
    "five apples, an apple?": (FIVE, ANNA, None),
    "a big rabbit, a big animal?": (the(noun="rabbit", adjective="big"), the(noun="animal", adjective="big"), None),
    "a black rabbit is a black animal": (
        the(noun="rabbit", adjective="black"), the(noun="animal", adjective="black"), E,
    ),
    "red and big": (ANNA, the(adjective="big"), None),
    "two clashes": (ANNA, the(adjective="green", subject="david"), None),
    "someone else's green apple?": (ANNA, the(adjective="green", subject="someone"), None),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_gold_label(name):
    premise, hypothesis, label = PAIRS[name]
    assert gold(premise, hypothesis) == label


def test_every_event_entails_itself_and_contradicts_its_negation():
    rng = Random("reflexive")
    for event in (event_of(rng, "train") for _ in range(200)):
        assert gold(event, event) == E
        assert gold(event, event._replace(negated=True)) == C


def test_pairs_are_balanced_sensible_and_labelled_by_the_records():
    made = pairs(Random("pairs"), "train", 600)
    assert Counter(label for *_, label in made) == {E: 200, N: 200, C: 200}
    assert all(gold(p, h) == label and sensible(p) and p != h for p, h, label in made)
    # "cooks a fruit" follows from "cooks a pear", though no event is drawn about fruit and cooking
    assert all(sensible(h) or h.noun in world.HYPERNYMS for _, h, _ in made)
    assert 0.005 < np.mean([p.negated for p, _, _ in made]) < 0.15


def test_the_hypothesis_alone_says_something_as_in_mnli():
    train, test = (pairs(Random(split), split, 1500) for split in ("train", "test"))
    assert 0.5 < _naive_bayes(nli_rows(train, "en"), nli_rows(test, "en"), "hypothesis") < 0.72


def test_length_says_little():
    """The best rule from how many words the premise has more: a cue that no language needs to be known for."""
    votes = {}
    for row in nli_rows(pairs(Random("length"), "train", 3000), "en"):
        more = len(row["premise"].split()) - len(row["hypothesis"].split())
        votes.setdefault(more, [0, 0, 0])[row["label"]] += 1
    assert sum(max(counts) for counts in votes.values()) / 3000 < 0.55


def _naive_bayes(train, test, column):
    """Accuracy of the labels guessed from the words of one column."""
    words = sorted({word for row in train for word in row[column].split()})
    x, y = _bag(train, column, words), np.array([row["label"] for row in train])
    likely = np.array([(x[y == label].sum(0) + 1) / ((y == label).sum() + 2) for label in range(3)])
    seen = _bag(test, column, words)
    scores = seen @ np.log(likely).T + (1 - seen) @ np.log(1 - likely).T
    return np.mean(scores.argmax(1) == [row["label"] for row in test])


def _bag(rows, column, words):
    return np.array([[word in said for word in words] for said in (set(row[column].split()) for row in rows)], float)


@pytest.mark.parametrize("code", LANGUAGES)
def test_answers_are_in_the_context(code):
    for row in qa_rows(paragraphs(Random("qa"), "test", 60), code):
        (answer,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
        assert answer == answer.strip() != ""
        assert row["context"][start : start + len(answer)] == answer


def test_exactly_one_statement_answers():
    for events, which, asked in paragraphs(Random("qa"), "train", 200):
        assert [answers(event, events[which], asked) for event in events] == [i == which for i in range(len(events))]
        assert len({event.subject for event in events}) == len(events)


def test_what_could_be_an_answer():
    assert answers(the(subject="david", place=None), ANNA, "subject")  # perhaps at the market
    assert not answers(the(subject="david", noun="cup"), ANNA, "subject")
    assert not answers(the(subject="david"), ANNA, "place")


@pytest.mark.parametrize("code", LANGUAGES)
def test_tokens(code):
    """Known tags, one word a token, and each role one unbroken phrase; other records, other sentences."""
    said = []
    for event, asked in sentences(Random("tokens"), "train", 400):
        tokens = ask(event, asked, code) if asked else realise(event, code)
        filled = {"subject", "object"} | {role for role in ("place", "time") if getattr(event, role)}
        assert all(token.upos in UPOS and token.form and " " not in token.form for token in tokens)
        assert {token.part for token in tokens} - {""} in (filled, filled - {asked})
        for role in filled - {asked}:
            where = [i for i, token in enumerate(tokens) if token.part == role]
            assert where == list(range(where[0], where[-1] + 1))
        assert tokens[-1].upos == "PUNCT"
        said.append(text(tokens))
    assert len(set(said)) == len(said)


@pytest.mark.parametrize("code", sorted({code.partition("-")[0] for code in LANGUAGES} - set(DIALECTS)))
def test_lexicon_is_complete(code):
    inventory = {
        "names": world.NAMES, "people": world.PEOPLE, "nouns": (*world.NOUNS, *world.HYPERNYMS),
        "adjectives": world.ADJECTIVES, "verbs": world.VERBS, "places": world.PLACES, "times": world.TIMES,
    }  # fmt: skip
    for section, concepts in inventory.items():
        assert set(lexicon(code)[section]) >= set(concepts), section


def test_sentences_by_hand():
    assert text(realise(FIVE, "en")) == "Anna buys 5 red apples at the market in the morning."
    assert text(realise(NOT, "de")) == "Anna kauft am Morgen auf dem Markt keinen roten Apfel."
    assert text(ask(ANNA, "place", "de")) == "Wo kauft Anna am Morgen einen roten Apfel?"
    assert text(realise(the(negated=True, time="8:15"), "es")) == (
        "Anna no compra ninguna manzana roja en el mercado a las 8:15."
    )
    assert text(ask(ANNA, "object", "es")) == "¿Qué compra Anna en el mercado por la mañana?"
    assert text(realise(the(negated=True, noun="something", adjective=None), "de")) == (
        "Anna kauft am Morgen auf dem Markt nichts."
    )
    assert text(realise(NOT, "bar")) == "De Anna kaaft in da Fria aufm Markt koan rodn Apfe ned."


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dial(dialect):
    """0 is the standard language; a stronger dial moves on from a weaker one and never back."""
    events = [event for event, asked in sentences(Random("dial"), "train", 60) if not asked]
    changed = []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        said = [text(realise(event, f"{dialect}@{strength}")) for event in events]
        standard = [text(realise(event, DIALECTS[dialect])) for event in events]
        changed.append(sum(a != b for a, b in zip(said, standard, strict=True)))
    assert changed[0] == 0
    assert changed == sorted(changed) and changed[1] < changed[-1] > 0.9 * len(events)
    assert [realise(e, dialect) for e in events] == [realise(e, f"{dialect}@1") for e in events]


def test_bavarian_features_are_spread_evenly():
    from xlt.world.grammar.bar import thresholds

    values = sorted(thresholds().values())
    assert values[0] > 0 and values[-1] == 1 and np.allclose(np.diff(values), values[0])


@pytest.fixture(scope="module")
def sets():
    return {(made.repo, made.config, made.split): made for made in record_sets(SMOKE, LANGUAGES, seed=0)}


def test_rows_are_aligned_and_do_not_depend_on_what_else_is_made(sets):
    for code in LANGUAGES:
        assert len(sets["facebook/xnli", code, "test"].rows) == 12
        assert len(sets["xlt/world-text", code, "train"].rows) == 40
        labels = [row["label"] for row in sets["facebook/xnli", code, "test"].rows]
        assert labels == [row["label"] for row in sets["facebook/xnli", "en", "test"].rows]
        tags = sets["google/xtreme", f"udpos.{language_row(code).name}", "test"].rows
        assert all(len(row["tokens"]) == len(row["pos_tags"]) for row in tags)
    alone = list(record_sets({"qa_test": 8}, ["de"], seed=0))[-1]
    assert alone.rows == sets["google/xquad", "xquad.de", "validation"].rows
    german = sets["google/xtreme", "tatoeba.deu", "validation"].rows
    turkish = sets["google/xtreme", "tatoeba.tur", "validation"].rows
    assert [row["target_sentence"] for row in german] == [row["target_sentence"] for row in turkish]


def test_no_event_of_an_evaluation_set_is_met_in_training():
    """Neither in text nor, for pairs, on either side; place and time do not count as a difference."""
    seen = {split: set() for split in ("train", "dev", "test")}
    for split, core in seen.items():
        made = pairs(Random(split), split, 300)
        events = [premise for premise, _, _ in made]
        events += [hypothesis for _, hypothesis, _ in made if split == "train"]
        events += [event for event, _ in sentences(Random(split), split, 300)]
        events += [passage[0][0] for passage in passages(Random(split), split, 100)]
        events += [event for paragraph in paragraphs(Random(split), split, 100) for event in paragraph[0]]
        core |= {(e.subject, e.verb, e.noun, e.adjective, e.count) for e in events}
        assert {split_of(event) for event in events} == {split}
    assert not seen["train"] & seen["test"] and not seen["train"] & seen["dev"] and not seen["dev"] & seen["test"]


def test_golden_fingerprint(sets):
    """If this fails, the records have changed: raise WORLD_VERSION and set GOLDEN anew."""
    assert WORLD_VERSION == 3
    assert fingerprint(sets.values()) == GOLDEN


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_same_bytes_in_another_process(sets, hash_seed):
    code = f"from xlt.world import *; print(fingerprint(record_sets({SMOKE}, LANGUAGES, 0)))"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    other = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == fingerprint(sets.values())


def test_another_seed_is_another_world(sets):
    assert fingerprint(record_sets(SMOKE, LANGUAGES, 1)) != fingerprint(sets.values())


def test_folder_is_read_like_the_hub(tmp_path):
    root = write_world(tmp_path / "world", SMOKE, ["de", "bar@0.5"])
    xnli = load_dataset(str(root / "facebook/xnli"), "de", cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in xnli.items()} == {"validation": 12, "test": 12}
    assert xnli["test"].features["label"].names == [E, N, C]
    udpos = load_dataset(str(root / "google/xtreme"), "udpos.English", cache_dir=str(tmp_path / "cache"))
    assert set(udpos) == {"train", "validation", "test"}
    assert udpos["train"].features["pos_tags"].feature.names == UPOS
    dialect = load_dataset(str(root / "google/xquad"), "xquad.bar@0.5", cache_dir=str(tmp_path / "cache"))
    assert len(dialect["validation"]) == 8


def test_folder_is_written_once_and_whole(tmp_path):
    root = write_world(tmp_path / "world", {"text": 5}, ["de"])
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert write_world(root, {"text": 5}, ["de"]) == root
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["world"]
    with pytest.raises(UserError, match="holds something else"):
        write_world(root, {"text": 6}, ["de"])


def test_bad_input(tmp_path):
    with pytest.raises(UserError, match="unknown size 'nli_tran'.*nli_train"):
        write_world(tmp_path / "world", {"nli_tran": 5}, ["de"])
    with pytest.raises(UserError, match="unknown language of the world 'fr'"):
        write_world(tmp_path / "world", {"text": 5}, ["fr"])
    with pytest.raises(UserError, match="unknown language"):
        realise(ANNA, "de@0.5")
    with pytest.raises(UserError, match="strength '2'"):
        realise(ANNA, "bar@2")
    assert list(tmp_path.iterdir()) == []
