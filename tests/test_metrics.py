"""Golden values worked out by hand; seqeval's and SQuAD's own answers where they are known."""

import numpy as np
import pytest

from xlt import metrics, tasks
from xlt.metrics import tagging


def test_accuracy_is_per_example_and_a_missing_prediction_is_wrong():
    assert metrics.accuracy([0, 1, 2], [0, 2, None]).tolist() == [1.0, 0.0, 0.0]
    assert metrics.accuracy([None], [None]).tolist() == [0.0]


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="3 gold labels but 2 predicted"):
        metrics.accuracy([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="tags of a sentence"):
        metrics.chunk_f1([["NOUN", "VERB"]], [["NOUN"]])


def test_tokens_and_chunks_differ():
    gold = [["DET", "NOUN", "NOUN", "VERB"], ["PRON", "VERB"]]
    predicted = [["DET", "NOUN", "ADJ", "VERB"], ["PRON", "VERB"]]
    assert metrics.token_accuracy(gold, predicted).tolist() == [1, 1, 0, 1, 1, 1]
    # gold chunks: DET, NOUN NOUN, VERB, PRON, VERB = 5; predicted: DET, NOUN, ADJ, VERB, PRON, VERB = 6; right 4
    assert metrics.chunk_f1(gold, predicted) == pytest.approx(2 * 4 / (5 + 6))


def test_a_cut_off_word_counts_as_wrong():
    gold, cut = [["DET", "NOUN", "NOUN"]], [["DET", "NOUN", None]]
    assert metrics.token_accuracy(gold, cut).mean() == pytest.approx(2 / 3)
    assert metrics.chunk_f1(gold, cut) == pytest.approx(2 * 1 / (2 + 2))  # NOUN NOUN is missed, NOUN is wrong
    assert metrics.chunk_f1(gold, [[None] * 3]) == 0.0


def test_tags_that_begin_with_s_are_single_as_in_seqeval():
    assert tagging._chunks(["SYM", "SYM", "NUM", "NUM"]) == {("SYM", 0, 0), ("SYM", 1, 1), ("NUM", 2, 3)}


def test_entities_in_iob2():
    gold = [["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]]
    predicted = [["B-PER", "I-PER", "O", "B-LOC", "I-LOC"]]
    assert metrics.chunk_f1(gold, gold) == 1.0
    assert metrics.chunk_f1(gold, predicted) == pytest.approx(2 * 1 / (3 + 2))
    assert metrics.chunk_f1([["O"]], [["O"]]) == 0.0  # seqeval's answer when there is nothing to find


@pytest.mark.parametrize(
    ("prediction", "references", "exact", "overlap"),
    [
        ("The Eiffel Tower!", ["Eiffel tower"], 1, 1),
        ("a cat on the mat", ["cat", "the dog mat"], 0, 2 * 1 / (3 + 1)),  # cat: 2/4; dog mat: 2/5
        ("in 1998, 1998", ["1998"], 0, 2 * 1 / (3 + 1)),  # a bag: the second 1998 is surplus
        ("der Hund", ["Hund"], 0, 2 * 1 / (2 + 1)),  # no German articles in the English normaliser
        ("北京大学", ["北京"], 0, 0),  # no spaces: one token each
        ("北京。", ["北京"], 0, 0),  # "。" is not ASCII
        ("กรุงเทพ ไทย", ["กรุงเทพ"], 0, 2 * 1 / (2 + 1)),
        ("القاهرة، مصر", ["القاهرة مصر"], 0, 2 * 1 / (2 + 2)),  # "،" stays on its word
        ("दिल्ली।", ["दिल्ली"], 0, 0),
        ("", [""], 1, 0),  # nothing left on both sides: SQuAD 1.1 gives no F1, SQuAD 2.0 does
        ("The", ["a"], 1, 0),
        ("something", [""], 0, 0),
    ],
)
def test_official_squad_scores(prediction, references, exact, overlap):
    assert metrics.exact_match([prediction], [references]).tolist() == [exact]
    assert metrics.f1([prediction], [references])[0] == pytest.approx(overlap)


@pytest.mark.parametrize(
    ("language", "prediction", "reference", "exact", "overlap"),
    [
        ("en", "The “Tower”", "tower", 1, 1),
        ("de", "der Hund", "Hund", 1, 1),
        ("de", "a Hund", "Hund", 0, 2 / 3),  # English articles are words elsewhere
        ("zh", "北京大学", "北京", 0, 2 * 2 / (4 + 2)),
        ("zh", "北京。", "北京", 1, 1),
        ("zh", "iPhone 手机", "手机", 0, 2 * 2 / (3 + 2)),  # Latin words stay whole
        ("th", "ไทย", "ไท", 0, 2 * 2 / (3 + 2)),
        ("ar", "القاهرة، مصر", "قاهرة مصر", 1, 1),
        ("ar", "سالم", "سم", 0, 0),  # not inside a word
        ("ar", "الو", "و", 0, 0),  # too short to be an article and a word
        ("hi", "दिल्ली।", "दिल्ली", 1, 1),
        ("bar@0.5", "der Hund", "Hund", 0, 2 / 3),  # no article list for the dialect
    ],
)
def test_language_aware_scores(language, prediction, reference, exact, overlap):
    assert metrics.exact_match_language_aware([prediction], [[reference]], language)[0] == exact
    assert metrics.f1_language_aware([prediction], [[reference]], language)[0] == pytest.approx(overlap)


def test_nearest_by_cosine_not_by_length():
    queries = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    candidates = np.array([[0.1, 0.0], [0.0, 9.0], [5.0, 5.1]])
    assert metrics.retrieve(queries, candidates).tolist() == [0, 1, 2]


def test_ties_go_to_the_lowest_index_in_collapsed_embeddings():
    same = np.tile(np.random.default_rng(0).normal(size=33), (50, 1))
    assert metrics.retrieve(same, same).tolist() == [0] * 50


def test_the_two_directions_differ():
    english = np.array([[1.0, 0.0], [1.0, 0.1]])
    foreign = np.array([[1.0, 0.1], [0.0, 1.0]])
    assert metrics.retrieve(english, foreign).tolist() == [0, 0]
    assert metrics.retrieve(foreign, english).tolist() == [1, 1]


def test_a_diverged_query_finds_nothing():
    queries = np.array([[np.nan, 0.0], [0.0, 1.0]])
    assert metrics.retrieve(queries, np.eye(2)).tolist() == [-1, 1]


def test_paraphrases_by_f1_and_by_its_mean_with_accuracy():
    gold, predicted = [1, 1, 1, 0, 0, 1], [1, 0, 1, 1, 0, None]
    assert metrics.f1_binary(gold, predicted) == pytest.approx(2 * 2 / (4 + 3))
    assert metrics.accuracy_and_f1(gold, predicted) == pytest.approx((3 / 6 + 4 / 7) / 2)
    assert metrics.f1_binary([0, 0], [0, 0]) == 0.0


def test_entities_agree_with_a_plain_reading_of_well_formed_iob2():
    """Spans are written down first, tags second, so that no code of chunks is needed to know the right ones."""
    rng = np.random.default_rng(0)

    def sentence(length: int) -> tuple[list[str], set]:
        tags, spans, at = ["O"] * length, set(), 0
        while at < length:
            kind, size = rng.choice(["PER", "LOC", "O", "O"]), int(rng.integers(1, 4))
            if kind != "O":
                last = min(at + size, length)
                tags[at:last] = [f"B-{kind}"] + [f"I-{kind}"] * (last - at - 1)
                spans.add((kind, at, last))
            at += size
        return tags, spans

    lengths = rng.integers(1, 12, size=300)
    gold, predicted = ([sentence(length) for length in lengths] for _ in range(2))
    right = sum(len(g & p) for (_, g), (_, p) in zip(gold, predicted, strict=True))
    found, wanted = sum(len(p) for _, p in predicted), sum(len(g) for _, g in gold)
    precision, recall = right / found, right / wanted
    expected = 2 * precision * recall / (precision + recall)
    assert metrics.entity_f1([t for t, _ in gold], [t for t, _ in predicted]) == pytest.approx(expected, abs=1e-9)


def test_every_metric_that_a_task_names_has_a_scorer():
    named = {metric for task in tasks.TASKS.values() for metric in task.metrics}
    assert named - metrics.SCORERS.keys() == metrics.bucc_scores(metrics.Mined({(1, 1)}, {})).keys()
