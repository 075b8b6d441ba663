"""Multiple choice and minimum-functionality tests of the generated world: gold anew from what is known, and no cues."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from datasets import load_dataset

from xlt.world import LANGUAGES, fingerprint, realise, record_sets, text, write_world
from xlt.world.checklist import sentences
from xlt.world.choice import COPA, COSMOS, SIQA, copa_rows, cosmos_rows, items, siqa_rows
from xlt.world.commonsense import csqa_rows, endings, facts, hellaswag_rows
from xlt.world.concepts import ANTONYM_VERBS, ANTONYMS, NAMES, NOUNS
from xlt.world.events import sensible, split_of
from xlt.world.inference import relation
from xlt.world.knowledge import EXCLUSIVE, FOUND, KINDS, LINKS, USES
from xlt.world.multichecklist import TESTS, WOMEN, checklist_rows, checks

SIZES = {
    "copa_train": 8, "copa_dev": 6, "copa_test": 6, "siqa_train": 8, "siqa_dev": 6, "cosmosqa_train": 8,
    "cosmosqa_dev": 6, "hellaswag_train": 8, "hellaswag_dev": 6, "commonsenseqa_train": 8, "commonsenseqa_dev": 6,
    "checklist": 12,
}  # fmt: skip
GOLDEN = "324e9ee09a2f4f2f01639a68c0284fd8583392c5d9bb27deeed9426761b87200"
FORMS = {"copa": COPA, "siqa": SIQA, "cosmosqa": COSMOS}


def led(cause, effect, thinkable=False):
    """Whether the table says that one event leads to the other, or at least that it could."""

    def is_(event, written):
        other, negated, verb = written.startswith("other "), "-" in written, written.split()[-1].strip("-")
        verb, _, adjective = verb.partition(":")
        same = (event.verb, event.negated) == (verb, negated) and (not adjective or event.adjective == adjective)
        return same and other == (cause.subject != effect.subject)

    alike = cause.noun == effect.noun
    return alike and any(
        is_(cause, link.cause if cause.subject == effect.subject else f"other {link.cause}")
        and any(is_(effect, written) for written in (link.effect, *(link.thinkable if thinkable else ())))
        for link in LINKS
    )


@pytest.mark.parametrize("form", FORMS)
def test_exactly_one_choice_is_cause_or_effect(form):
    for item in items(Random(form), "train", 300, FORMS[form]):
        told = item.told[item.asked]
        pairs = [(told, choice) if item.question == "effect" else (choice, told) for choice in item.choices]
        assert [led(*pair) for pair in pairs] == [i == item.label for i in range(len(pairs))]
        assert [led(*pair, thinkable=True) for pair in pairs].count(True) == 1
        assert all(map(sensible, (*item.told, *item.choices))) and len(set(item.choices)) == len(pairs)
        subjects = [event.subject for event in item.told]
        assert all(relation(a, b, "subject") == "clash" for a in item.told for b in item.told if a is not b)
        assert subjects.count(told.subject) == 1


def test_links_do_not_contradict_one_another():
    effects = {effect for link in LINKS for effect in (link.effect, *link.thinkable)}
    assert effects <= {link.effect for link in LINKS}, "a thinkable effect that nothing has is never offered"
    assert all(one.effect not in two.thinkable and two.effect not in one.thinkable for one, two in EXCLUSIVE)


def columns(row):
    """The choices of a row in whatever form, and the number of the right one."""
    for names in (("choice1", "choice2"), ("answerA", "answerB", "answerC"), tuple(f"answer{i}" for i in range(4))):
        if set(names) <= set(row):
            return [row[name] for name in names], int(row["label"]) - (names[0] == "answerA")
    if "endings" in row:
        return row["endings"], int(row["label"])
    return row["choices"]["text"], row["choices"]["label"].index(row["answerKey"])


ROWS = {
    "copa": lambda split, size: copa_rows(items(Random(split), split, size), "en"),
    "siqa": lambda split, size: siqa_rows(items(Random(split), split, size, SIQA)),
    "cosmosqa": lambda split, size: cosmos_rows(items(Random(split), split, size, COSMOS)),
    "hellaswag": lambda split, size: hellaswag_rows(endings(Random(split), split, size)),
    "commonsenseqa": lambda split, size: csqa_rows(facts(Random(split), split, size)),
}


@pytest.mark.parametrize("form", ROWS)
def test_choices_alone_say_nothing(form):
    """Neither their words (log-odds of being in a right choice, learnt in training), nor place, nor length."""
    sizes = {"train": 900, "test": 500}
    train, test = ([columns(row) for row in ROWS[form](split, size)] for split, size in sizes.items())
    chance, seen = 1 / len(train[0][0]), {}
    for choices, label in train:
        for i, choice in enumerate(choices):
            for word in set(choice.lower().split()):
                seen.setdefault(word, [1.0, 1.0 / chance - 1])[int(i != label)] += 1
    weight = {word: np.log(right / wrong) for word, (right, wrong) in seen.items()}
    by_words = [np.argmax([sum(weight.get(w, 0) for w in set(c.lower().split())) for c in cs]) for cs, _ in test]
    labels = [label for _, label in test]
    noise = 3.5 * np.sqrt(chance * (1 - chance) / len(test))
    assert abs(np.mean(np.array(by_words) == labels) - chance) < noise
    by_length = [np.argmax([len(choice) + i / 100 for i, choice in enumerate(choices)]) for choices, _ in test]
    assert abs(np.mean(np.array(by_length) == labels) - chance) < noise
    assert max(Counter(labels).values()) / len(labels) < chance + noise


def test_hellaswag_endings():
    for record, row in zip((made := endings(Random(1), "train", 200)), hellaswag_rows(made), strict=True):
        fitting = [record.context.noun in USES[" ".join(ending.rstrip(".").split()[:2])] for ending in row["endings"]]
        assert fitting == [i == int(row["label"]) for i in range(4)]
        assert row["ctx"] == f"{row['ctx_a']} {row['ctx_b']}" and sensible(record.context)
    nouns = [noun for things in USES.values() for noun in things]
    assert len(nouns) == len(set(nouns)) and set(nouns) <= set(NOUNS)


def test_commonsense_facts():
    opposites = ANTONYMS | ANTONYM_VERBS
    opposites |= {other: one for one, other in opposites.items()}
    kinds = set()
    for fact, row in zip((made := facts(Random(1), "train", 300)), csqa_rows(made), strict=True):
        right, question = fact.choices[fact.label], row["question"]
        kinds.add(question.split()[1])
        if question.startswith("What kind"):
            true = [fact.concept in KINDS[choice] for choice in fact.choices]
        elif question.startswith("Which of"):
            true = [choice in KINDS[fact.concept] for choice in fact.choices]
        elif question.startswith("Where"):
            true = [fact.concept in FOUND[choice] for choice in fact.choices]
        else:
            true = [opposites[fact.concept] == choice.removeprefix("to ") for choice in fact.choices]
        assert true == [choice == right for choice in fact.choices] and len(set(fact.choices)) == 5
    assert kinds == {"kind", "of", "would", "is"}


def test_nothing_of_an_evaluation_set_is_met_in_training():
    for split in ("train", "dev", "test"):
        events = [event for form in FORMS.values() for item in items(Random(1), split, 40, form) for event in item.told]
        events += [record.context for record in endings(Random(1), split, 40)]
        events += [event for check in checks(Random(1), split, 24) if check.test in TESTS[4:] for event in check.about]
        assert {split_of(event) for event in events} == {split}
    train, dev, test = (
        {frozenset(f.choices) for f in facts(Random(1), split, 300)} for split in ("train", "dev", "test")
    )
    assert not train & dev and not train & test and not dev & test


# MultiCheckList


@pytest.mark.parametrize("code", (*LANGUAGES, "bar@0.5"))
def test_checklist_answers(code):
    """The answer is in its place, what is in question stands in no other sentence, and templates are filled."""
    made = checks(Random("checklist"), "test", 120)
    rows = checklist_rows(made, code)
    assert Counter(row["test"] for row in rows) == dict.fromkeys(TESTS, 20)
    for row in rows:
        (answer,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
        assert row["context"][start : start + len(answer)] == answer == answer.strip() != ""
        assert row["context"].count(answer) == 1 or row["test"] == "animal_vs_vehicle_v1"
        assert not set("[]{}|_") & set(row["context"] + row["question"])
        assert row["question"][-1] in "?؟？;" and "  " not in row["context"]


def test_checklist_gold_is_what_is_told():
    """In English, from the text alone."""
    converse = {"older": "younger", "taller": "shorter"} | {"younger": "older", "shorter": "taller"}
    for row in checklist_rows(checks(Random("gold"), "test", 240), "en"):
        told, (answer,) = [said.rstrip(".").split() for said in row["context"].split(". ")], row["answers"]["text"]
        asked = row["question"].rstrip("?").split()
        if row["test"] == "comparisons":
            (a, _, more, _, b), word = told[0], asked[-1]
            assert answer == (a if word == more else b) and word in (more, converse[more])
        elif row["test"] == "intensifiers":
            strong = [said[0] for said in told if {"very", "extremely"} & set(said)]
            weak = [said[0] for said in told if "little" in said]
            assert [answer] == (strong if "more" in asked else weak)
        elif row["test"] == "properties":
            (said,) = (said for said in told if said[1] == asked[-1])
            assert answer == said[3 if asked[1] == "size" else 5]
        elif row["test"] == "profession_vs_nationality":
            (said,) = (said for said in told if said[0] == asked[2])
            assert answer == (said[-1] if asked[0] == "Where" else said[3])
        else:
            version_1 = row["test"].endswith("v1")
            kind = asked[1] if version_1 else next(word for word in asked if word in ("animal", "vehicle"))
            (said,) = (said for said in told if NOUNS[said[3]][1] == kind)
            assert answer == (" ".join(said[2:4]) if version_1 else said[0])


def test_checklist_by_hand():
    rows = checklist_rows([c for c in checks(Random("hand"), "test", 600) if c.test == "comparisons"], "sr-Latn")
    said = {row["context"] for row in rows}
    assert {"Ana je viša od Davida.", "David je viši od Ane."} & said
    assert any(row["context"].startswith("Jelena je starija od ") for row in rows)
    assert not any(" je stariji od " in context and context.split()[0] in ("Ana", "Sara", "Nina") for context in said)
    assert all(woman in NAMES for woman in WOMEN) and len(WOMEN) == 6


def test_checklist_sections_are_the_same_in_all_languages():
    def shape(entry):
        if isinstance(entry, dict):
            return {name: shape(value) for name, value in entry.items()}
        return [shape(value) for value in entry] if isinstance(entry, list) and len(entry) > 2 else "text"

    english = {name: shape(section) for name, section in sentences("en").items()}
    for code in LANGUAGES:
        assert {name: shape(section) for name, section in sentences(code).items() if name != "than"} == english, code
    assert sentences("bar@0") == sentences("de") and sentences("bar@0.99") != sentences("bar")


# Everything


@pytest.fixture(scope="module")
def sets():
    return {(made.repo, made.config, made.split): made for made in record_sets(SIZES, LANGUAGES, seed=0)}


def test_xcopa_says_the_same_in_every_language(sets):
    english = sets["aps/super_glue", "copa", "test"].rows
    records = items(Random("world 1 seed 0 copa_test"), "test", 6)
    for code in LANGUAGES[1:]:
        rows = sets["cambridgeltl/xcopa", code, "test"].rows
        keys = ("question", "label", "idx")
        assert [[row[key] for key in keys] for row in rows] == [[row[key] for key in keys] for row in english]
        assert [row["premise"] for row in rows] == [text(realise(item.told[0], code)) for item in records]
    assert ("cambridgeltl/xcopa", "en", "test") not in sets


def test_the_records_do_not_change(sets):
    assert fingerprint(sets.values()) == GOLDEN


def test_columns_are_those_of_the_hub(tmp_path):
    root = write_world(tmp_path / "world", SIZES, ["de"])
    load = lambda repo, config: load_dataset(str(root / repo), config, cache_dir=str(tmp_path / "cache"))  # noqa: E731
    copa = load("aps/super_glue", "copa")
    assert set(copa) == {"train", "validation", "test"}
    assert copa["train"].features["label"].names == ["choice1", "choice2"]
    xcopa = load("cambridgeltl/xcopa", "de")["test"]
    assert xcopa.column_names == ["premise", "choice1", "choice2", "question", "label", "idx", "changed"]
    assert load("lighteval/siqa", "default")["train"].column_names == [
        "context", "question", "answerA", "answerB", "answerC", "label",
    ]  # fmt: skip
    assert load("allenai/cosmos_qa", "default")["validation"].features["label"].dtype == "int32"
    hellaswag = load("Rowan/hellaswag", "default")["validation"]
    assert hellaswag.column_names == [
        "ind", "activity_label", "ctx_a", "ctx_b", "ctx", "endings", "source_id", "split", "split_type", "label",
    ]  # fmt: skip
    assert set(hellaswag["split"]) == {"val"} and set(hellaswag["label"]) <= set("0123")
    assert len(load("tau/commonsense_qa", "default")["train"][0]["choices"]["text"]) == 5
    checklist = load("xlt/multichecklist", "de")["test"]
    assert checklist.column_names == ["id", "title", "context", "question", "answers", "test"]
