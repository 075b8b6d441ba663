"""Retrieval forms of the world: what is gold is gold for every pair of records, and for no other."""

from collections import Counter, defaultdict
from functools import partial
from random import Random

import pytest
from datasets import load_dataset

from xlt.world import LANGUAGES, fingerprint, linking, realise, record_sets, retrieval, text, write_world
from xlt.world import concepts as world
from xlt.world.entities import HERE
from xlt.world.events import split_of
from xlt.world.files import size_of
from xlt.world.forms import answers, qa_rows
from xlt.world.inference import FIELDS
from xlt.world.render import span

SIZES = {"bucc_dev": 25, "bucc_test": 50, "lareqa_test": 10, "mewsli_train": 20, "mewsli_dev": 10, "mewsli_test": 30}
GOLDEN = "1bd6cc962502a6db73b9ffae0f82cacf2d205c294cd788e42f2c2e863f65f9a5"


@pytest.fixture(scope="module")
def sets():
    return {(made.repo, made.config, made.split): made for made in record_sets(SIZES, LANGUAGES, seed=0)}


@pytest.fixture(scope="module")
def pool():
    return retrieval.bucc_pool(Random("bucc"), "test", 300)


# BUCC


def test_gold_pairs_are_the_records_that_both_sides_have(pool):
    sides = {side: Counter(event for where, event in pool if where == side) for side in retrieval.SIDES}
    assert {side: sum(events.values()) for side, events in sides.items()} == {"source": 300, "target": 300}
    shared = sides["source"].keys() & sides["target"].keys()
    gold = retrieval.gold_rows(pool, "de")
    assert len(gold) == sum(sides["source"][event] * sides["target"][event] for event in shared)
    assert 0.3 < sum(sides["source"][event] for event in shared) / 300 < 0.4
    for events in sides.values():
        assert sum(n > 1 for n in events.values()) >= 5, "repeated sentences"
        near = [e for e in events if e not in shared and any(_one_differs(e, other) for other in shared)]
        assert len(near) > 50, "near-misses"
    assert {split_of(event) for _, event in pool} == {"test"}


def _one_differs(a, b):
    return sum(getattr(a, field) != getattr(b, field) for field in (*FIELDS, "negated")) == 1


@pytest.mark.parametrize("code", ["de", "zh", "arz"])
def test_ids_lead_to_sentences_that_say_the_same(pool, code):
    rows = {row["id"]: row for row in retrieval.pool_rows(pool, code)}
    assert len(rows) == 600
    events = [event for side in retrieval.SIDES for where, event in pool if where == side]
    event_of_id = dict(zip(rows, events, strict=True))
    gold = retrieval.gold_rows(pool, code)
    for row, pair in zip(retrieval.bucc_rows(pool, code), gold, strict=True):
        source, target = pair["source_id"], pair["target_id"]
        assert (row["source_lang"], row["target_lang"]) == (source, target)
        assert (rows[source]["side"], rows[target]["side"]) == ("source", "target")
        assert event_of_id[source] == event_of_id[target]
        assert rows[source]["text"] == row["source_sentence"] == text(realise(event_of_id[source], code))
        assert rows[target]["text"] == row["target_sentence"] == text(realise(event_of_id[source], "en"))
    # equal texts are equal records: no pair is gold and left out because the language does not tell records apart
    assert len({row["text"] for row in rows.values() if row["side"] == "source"}) == len(set(events[:300]))


# LAReQA


def test_one_sentence_of_all_contexts_answers():
    made = retrieval.lareqa(Random("lareqa"), "test", 80)
    statements = [event for events, _, _ in made for event in events]
    assert len(set(statements)) == len(statements)
    for events, which, asked in made:
        assert [e for e in statements if answers(e, events[which], asked)] == [events[which]]
    assert {split_of(event) for event in statements} == {"test"}


@pytest.mark.parametrize("code", LANGUAGES)
def test_contexts_are_their_sentences(code):
    """The answer lies within the sentence of its statement, and the sentences make the context."""
    made = retrieval.lareqa(Random("lareqa"), "test", 20)
    for (events, which, _), row in zip(made, qa_rows(made, code), strict=True):
        sentences = [text(realise(event, code)) for event in events]
        assert row["context"] == ("" if code == "zh" else " ").join(sentences)
        start = row["context"].index(sentences[which])
        assert start <= row["answers"]["answer_start"][0] < start + len(sentences[which])


# Mewsli-X


@pytest.fixture(scope="module")
def entities():
    return {split: linking.linked(Random("linked"), split, 150) for split in ("train", "dev", "test")}


def test_a_mention_fits_one_entity(entities):
    """Of all entities with that name, one is described with what its context says."""
    for made in entities.values():
        for one in made:
            fits = [
                other.entity_id
                for other in made
                if _name(other.facts[0]) == _name(one.mention)
                and any(_said(fact) == _said(one.mention) for fact in other.facts)
            ]
            assert fits == [one.entity_id]
    namesakes = Counter(_name(one.mention) for one in entities["test"])
    assert max(namesakes.values()) > 5


def _name(scene):
    return scene.organisation or scene.city or scene.event.subject


def _said(scene):
    """What is said of the entity, without where and when; of a city with who does it."""
    event = scene.event
    return event.subject if scene.city else "", event.verb, event.noun, event.adjective, event.count


def test_no_entity_in_two_splits(entities):
    told, names = defaultdict(set), defaultdict(set)
    for split, made in entities.items():
        told[split] = {(_name(scene), _said(scene)) for one in made for scene in (*one.facts, one.mention)}
        names[split] = {_name(one.mention) for one in made if one.kind != "PER"}
        assert {split_of(scene.event) for one in made for scene in (*one.facts, one.mention)} == {split}
        assert {one.kind for one in made} == {"PER", "ORG", "LOC"}
    for a, b in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not told[a] & told[b] and not names[a] & names[b]


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_mention_is_a_name_in_braces(entities, code):
    for one, row in zip(entities["test"], linking.mention_rows(entities["test"], code), strict=True):
        before, brace, rest = row["mention"].partition("{")
        name, closing, after = rest.partition("}")
        assert brace and closing and name == name.strip() != "" and "{" not in rest and "}" not in after
        tokens = linking.say(one.mention, code)
        start, end = span([tokens], 0, one.kind)
        assert before + name + after == text(tokens) and (before + name + after)[start:end] == name
        assert one.kind != "PER" or one.mention.event.subject in world.NAMES
        assert one.kind != "LOC" or one.mention.event.place == HERE


def test_by_hand(entities):
    one = entities["test"][0]
    english, german = (linking.mention_rows([one], code)[0] for code in ("en", "de"))
    assert english["entity_id"] == german["entity_id"] == "Q300000"
    assert linking.pair_rows([one], "en") == [
        {"mention": english["mention"], "entity": linking.candidate_rows([one], "en")[0]["description"]}
    ]


def test_folder_is_read_like_the_hub(tmp_path):
    root = write_world(tmp_path / "world", {"mewsli_dev": 6, "bucc_dev": 9}, ["de", "bar@0.5"])
    read = partial(load_dataset, cache_dir=str(tmp_path / "cache"), split="validation")
    assert read(str(root / "xlt/bucc-pool"), "bar@0.5-en").column_names == ["side", "id", "text"]
    assert len(read(str(root / "xlt/bucc-pool"), "de-en-gold")) == len(read(str(root / "google/xtreme"), "bucc18.de"))
    assert len(read(str(root / "izhx/mewsli-x"), "candidate_entities")) == 6


def test_layout_and_bytes(sets):
    mewsli = {(config, split): made.rows for (repo, config, split), made in sets.items() if repo == "izhx/mewsli-x"}
    candidates = mewsli["candidate_entities", "test"]
    assert len(candidates) == 30 == len({row["entity_id"] for row in candidates})
    assert {row["entity_id"] for row in mewsli["hi", "test"]} == {row["entity_id"] for row in candidates}
    assert len({row["description"] for row in candidates}) == 30
    assert sum(not row["description"].isascii() for row in candidates) > 10, "descriptions in many languages"
    assert set(mewsli["wikipedia_pairs", "train"][0]) == {"mention", "entity"}
    configs = {config for repo, config, _ in sets if repo == "xlt/bucc-pool"}
    assert configs == {f"{code}-en{kind}" for code in LANGUAGES if code != "en" for kind in ("", "-gold")}
    for made in sets.values():
        assert all(set(made.features) <= set(row) for row in made.rows)
        assert size_of(made.repo, made.config, made.split) in SIZES
    assert fingerprint(sets.values()) == GOLDEN
