"""Sentence pairs of the generated world: gold from the records, and what shortcuts are worth where they should be."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from datasets import load_dataset

from xlt.world import LANGUAGES, Event, fingerprint, record_sets, text, write_world
from xlt.world.events import sensible, split_of
from xlt.world.forms import nli_rows, pairs
from xlt.world.inference import CLASHES, LABELS, gold
from xlt.world.nli import ROUNDS, adversarial, anli_rows, scenes, snli_rows
from xlt.world.paraphrase import DUPLICATE, Retelling, paws_rows, qqp_rows, questions, retellings, retold, worded

SIZES = {
    "para_train": 20, "para_dev": 6, "para_test": 6, "snli_train": 100, "snli_dev": 6, "snli_test": 6,
    "anli_train": 9, "anli_dev": 6, "anli_test": 6,
}  # fmt: skip
GOLDEN = "f32a6e312bcca105c06530029a8035e31194c203645729913ee7825f1d0710ef"


def words(sentence):
    """Small words without marks; the articles a and an, which go by the next sound, are left out."""
    bare = "".join(sign for sign in sentence.lower() if sign.isalnum() or sign in " :")
    return sorted(word for word in bare.split() if word not in ("a", "an"))


def cue(train, test, *columns):
    """Accuracy of labels guessed from the words of some columns alone (naive Bayes on presence)."""
    said = [[set(words(" ".join(row[column] for column in columns))) for row in rows] for rows in (train, test)]
    known = sorted(set().union(*said[0]))
    x, seen = (np.array([[word in row for word in known] for row in rows], float) for rows in said)
    y, gold_ = (np.array([row["label"] for row in rows]) for rows in (train, test))
    kinds = sorted(set(y))
    likely = np.array([(x[y == kind].sum(0) + 1) / ((y == kind).sum() + 2) for kind in kinds])
    prior = np.log([np.mean(y == kind) for kind in kinds])
    guessed = (seen @ np.log(likely).T + (1 - seen) @ np.log(1 - likely).T + prior).argmax(1)
    return np.mean(np.array(kinds)[guessed] == gold_)


def overlap(row, one, two):
    a, b = set(words(row[one])), set(words(row[two]))
    return len(a & b) / len(a | b)


# PAWS and PAWS-X


def test_paws_gold_is_whether_the_same_events_are_told():
    records = retellings(Random("paws"), "train", 400)
    labels = [row["label"] for row in paws_rows(records, "en")]
    assert Counter(labels) == {0: 200, 1: 200}
    for record, label in zip(records, labels, strict=True):
        one, two = record.first
        exchanged = one._replace(subject=two.subject), two._replace(subject=one.subject)
        assert record.second == (record.first if label else exchanged) and one.subject != two.subject
        assert all(map(sensible, record.first + record.second)) and (one.time or two.time)


def test_words_say_nothing_in_paws():
    """English texts of a pair are the same bag of words, and none of either text or of both gives the label."""
    train, test = (paws_rows(retellings(Random(split), split, 800), "en") for split in ("train", "test"))
    assert all(words(row["sentence1"]) == words(row["sentence2"]) for row in train)
    for columns in (["sentence1"], ["sentence2"], ["sentence1", "sentence2"]):
        assert abs(cue(train, test, *columns) - 0.5) < 0.06


def test_paws_by_hand():
    one, two = Event("anna", "buy", "apple", time="morning"), Event("david", "read", "letter")
    exchanged = one._replace(subject="david"), two._replace(subject="anna")
    same, swapped = Retelling((one, two), (one, two)), Retelling((one, two), exchanged)
    assert [tuple(row.values())[1:] for row in paws_rows([same, swapped], "en")] == [
        ("Anna buys an apple in the morning. David reads a letter.",
         "In the morning Anna buys an apple. David reads a letter.", 1),
        ("Anna buys an apple in the morning. David reads a letter.",
         "In the morning David buys an apple. Anna reads a letter.", 0),
    ]  # fmt: skip


@pytest.mark.parametrize("code", LANGUAGES)
def test_paws_texts(code):
    """In every language both texts are different, and the order of events alone does not change words."""
    records = retellings(Random("paws"), "test", 60)
    for row in paws_rows(records, code):
        assert row["sentence1"] != row["sentence2"]
        if row["label"]:
            signs = [sorted(row[column].lower().replace("i̇", "i")) for column in ("sentence1", "sentence2")]
            assert signs[0] == signs[1]


def test_a_time_moves_to_the_other_end():
    event = Event("doctor", "break", "phone", "old", place="park", time="morning")
    assert text(retold(event, "en")) == "In the morning the doctor breaks an old phone in the park."
    assert text(retold(event, "de")) == "Am Morgen macht der Arzt im Park ein altes Telefon kaputt."
    assert text(retold(event, "ru")) == "Врач ломает в парке старый телефон утром."
    assert text(retold(event, "ar")) == "في الصباح يكسر الطبيب هاتفا قديما في المتنزه."
    assert text(retold(event, "hi")) == "सुबह डॉक्टर पार्क में एक पुराना फ़ोन तोड़ता है।"
    assert text(retold(event, "zh")) == "早上医生在公园里弄坏一部旧手机。"


# QQP


def test_qqp_gold_and_its_shortcut():
    """Duplicates ask the same in other words; common words are right in most cases, the first question says little."""
    records = questions(Random("qqp"), "train", 1500)
    rows = qqp_rows(records)
    for record, row in zip(records, rows, strict=True):
        plain = [worded(sentence, 0) for sentence in (record.first, record.second)]
        assert row["label"] == (plain[0] == plain[1])
        assert row["question1"] != row["question2"]
    labels = np.array([row["label"] for row in rows])
    assert labels.mean() == DUPLICATE
    common = np.array([overlap(row, "question1", "question2") for row in rows])
    best = max(((common >= threshold) == labels).mean() for threshold in np.unique(common))
    assert 0.8 < best < 0.92
    assert cue(rows, qqp_rows(questions(Random("other"), "test", 600)), "question1") < 0.72  # 0.63 are no duplicates


def test_questions_by_hand():
    event = Event("doctor", "eat", "apple", "red", place="market", time="8:15")
    assert [worded((event, "object"), i) for i in range(3)] == [
        "What does the doctor eat at the market at 8:15?",
        "Which thing does the doctor eat at the market at 8:15?",
        "What is it that the doctor eats at the market at 8:15?",
    ]
    assert worded((event, "time"), 1) == "At what time does the doctor eat a red apple at the market?"
    assert worded((event, "subject"), 2) == "Who is it that eats a red apple at the market at 8:15?"


# SNLI, ANLI


def test_snli_has_debatable_pairs():
    made = scenes(Random("snli"), "train", 600)
    assert Counter(row["label"] for row in snli_rows(made)) == {0: 196, 1: 196, 2: 196, -1: 12}
    for premise, hypothesis, label in made:
        assert gold(premise, hypothesis) == (None if label == "-" else label)
        assert not premise.time and not hypothesis.time and premise != hypothesis


@pytest.mark.parametrize("number", ROUNDS)
def test_anli_gold(number):
    made = adversarial(Random("anli"), "train", 150, number)
    assert Counter(row["label"] for row in anli_rows(made)) == {0: 50, 1: 50, 2: 50}
    for record, row in zip(made, anli_rows(made), strict=True):
        subjects = [event.subject for event in record.premise]
        about = subjects.index(record.hypothesis.subject)
        assert gold(record.premise[about], record.hypothesis) == LABELS[row["label"]]
        assert len(set(subjects)) == len(subjects) == ROUNDS[number].sentences
        assert all((subjects[about], other) in CLASHES["subject"] for other in set(subjects) - {subjects[about]})
        assert set(words(row["hypothesis"])) <= set(words(row["premise"]))


def test_shortcuts_of_mnli_mislead_in_anli():
    """The words of the hypothesis say much in MNLI, nothing in round 1, and the wrong thing in rounds 2 and 3."""
    mnli = nli_rows(pairs(Random("mnli"), "train", 1500), "en")
    sizes = {"train": 900, "test": 300}
    rounds = {
        number: [anli_rows(adversarial(Random(split), split, size, number)) for split, size in sizes.items()]
        for number in ROUNDS
    }
    assert cue(mnli, nli_rows(pairs(Random("test"), "test", 600), "en"), "hypothesis") > 0.5
    assert abs(cue(*rounds[1], "hypothesis") - 1 / 3) < 0.1
    assert abs(cue(mnli, rounds[1][1], "hypothesis") - 1 / 3) < 0.1
    assert cue(mnli, rounds[2][1], "hypothesis") < 0.28
    assert cue(mnli, rounds[3][1], "hypothesis") < 0.28


# Everything


@pytest.fixture(scope="module")
def sets():
    return {(made.repo, made.config, made.split): made for made in record_sets(SIZES, LANGUAGES, seed=0)}


def test_no_event_of_an_evaluation_set_is_met_in_training():
    """First texts and premises; place and time do not count as a difference."""
    for split in ("train", "dev", "test"):
        events = [event for record in retellings(Random(1), split, 60) for event in record.first]
        events += [record.first[0] for record in questions(Random(1), split, 60)]
        events += [premise for premise, *_ in scenes(Random(1), split, 60)]
        events += [event for number in ROUNDS for r in adversarial(Random(1), split, 20, number) for event in r.premise]
        assert {split_of(event) for event in events} == {split}


def test_homes_and_languages(sets):
    assert len(sets["nyu-mll/glue", "qqp", "train"].rows) == 20
    assert sets["google-research-datasets/paws", "labeled_final", "train"].rows == (
        sets["google-research-datasets/paws-x", "en", "train"].rows
    )
    assert {split for _, _, split in sets if split.startswith(("train_r", "dev_r", "test_r"))} == {
        f"{split}_r{number}" for split in ("train", "dev", "test") for number in ROUNDS
    }
    english = sets["google-research-datasets/paws-x", "en", "test"].rows
    for code in LANGUAGES:
        rows = sets["google-research-datasets/paws-x", code, "test"].rows
        assert [(row["id"], row["label"]) for row in rows] == [(row["id"], row["label"]) for row in english]
    train = {row["sentence1"] for row in sets["google-research-datasets/paws-x", "en", "train"].rows}
    assert not train & {row["sentence1"] for row in english}


def test_the_records_do_not_change(sets):
    assert fingerprint(sets.values()) == GOLDEN


def test_columns_are_those_of_the_hub(tmp_path):
    root = write_world(tmp_path / "world", SIZES, ["de"])
    load = lambda repo, config: load_dataset(str(root / repo), config, cache_dir=str(tmp_path / "cache"))  # noqa: E731
    qqp = load("nyu-mll/glue", "qqp")
    assert qqp["train"].features["label"].names == ["not_duplicate", "duplicate"]
    assert set(load("google-research-datasets/paws-x", "en")) == {"train", "validation", "test"}
    assert set(load("google-research-datasets/paws-x", "de")) == {"validation", "test"}
    assert load("google-research-datasets/paws", "labeled_final")["test"].column_names == [
        "id", "sentence1", "sentence2", "label",
    ]  # fmt: skip
    snli = load("stanfordnlp/snli", "plain_text")
    assert snli["train"].features["label"].names == list(LABELS) and -1 in snli["train"]["label"]
    assert load("facebook/anli", "plain_text")["dev_r2"].column_names == [
        "uid",
        "premise",
        "hypothesis",
        "label",
        "reason",
    ]
