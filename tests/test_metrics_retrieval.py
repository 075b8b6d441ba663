"""Rankings, neighbours and mining of sentence pairs."""

import numpy as np
import pytest
import torch

from xlt.evaluation import metrics
from xlt.evaluation.metrics import neighbours


def test_average_precision_by_hand():
    relevant = [{"a", "b", "c"}, {"a", "b"}, {"a"}, {"a"}, {"a"}, {"a"}]
    rankings = [["a", "x", "b"], ["a", "a", "b"], list("xyza"), ["x"] * 20 + ["a"], [], None]
    expected = [(1 / 1 + 2 / 3) / 3, (1 / 1 + 2 / 3) / 2, 1 / 4, 0, 0, 0]
    assert metrics.average_precision(relevant, rankings) == pytest.approx(expected, abs=1e-12)


def test_average_precision_divides_by_what_can_be_found():
    right = [f"r{i}" for i in range(25)]
    assert metrics.average_precision([right], [right]).tolist() == [1]  # 20 of 25 fit in
    assert metrics.average_precision([right], [["x", *right]], k=2) == pytest.approx([(1 / 2) / 2])


def test_nearest_neighbours_are_those_of_a_plain_search():
    rng = np.random.default_rng(0)
    queries, candidates = rng.normal(size=(50, 16)), rng.normal(size=(80, 16))
    products, found = metrics.nearest(queries, candidates, 5)
    assert (found == np.argsort(-(queries @ candidates.T), axis=1)[:, :5]).all()
    assert products == pytest.approx(np.sort(queries @ candidates.T, axis=1)[:, :-6:-1], abs=1e-4)
    queries[0] = np.nan
    assert metrics.nearest(queries, candidates, 100)[1].shape == (50, 80)
    assert (metrics.nearest(queries, candidates, 5)[1][0] == -1).all()


@pytest.mark.parametrize(("block_of_queries", "block_of_candidates"), [(1024, 8192), (7, 11), (1, 1), (1000, 3)])
@pytest.mark.parametrize("k", [1, 4, 20, 90])
def test_equal_neighbours_come_by_their_index_in_blocks_of_any_size(
    block_of_queries, block_of_candidates, k, monkeypatch
):
    """Vectors of few small integers: their products are exact, and many are equal."""
    monkeypatch.setattr(neighbours, "_QUERIES", block_of_queries)
    monkeypatch.setattr(neighbours, "_CANDIDATES", block_of_candidates)
    rng = np.random.default_rng(1)
    queries, candidates = rng.integers(-2, 3, (30, 3)), rng.integers(-2, 3, (90, 3))
    products, found = metrics.nearest(queries, candidates, k)
    plain = queries @ candidates.T
    assert (found == np.argsort(-plain, axis=1, kind="stable")[:, :k]).all()
    assert (products == np.take_along_axis(plain, found, axis=1)).all()


def test_neighbours_are_found_in_single_precision_whatever_training_allows_itself():
    """One candidate is larger in the fifth digit, which bf16 and TF32 do not keep."""
    candidates = np.ones((64, 64))
    candidates[37] = 1.0001
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        _, found = metrics.nearest(np.ones((64, 64)), candidates, 1)
        after = torch.get_float32_matmul_precision()
    finally:
        torch.set_float32_matmul_precision(before)
    assert (found == 37).all() and after == "medium"


def test_vectors_of_a_pool_are_normalised_block_by_block_as_at_once(monkeypatch):
    monkeypatch.setattr(neighbours, "_ROWS", 3)
    vectors = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)
    vectors[4] = 0
    single = metrics.unit_single(vectors)
    assert single.dtype == np.float32 and (single == metrics.unit(vectors).astype(np.float32)).all()


X, Y = np.array([[1, 0], [0, 1.0]]), np.array([[2, 0], [0.6, 0.8]])
# cosines: x0 1 and 0.6, x1 0 and 0.8; their means over two neighbours: x 0.8 and 0.4, y 0.5 and 0.7


def test_the_ratio_margin_by_hand():
    pairs, scores = metrics.bucc_candidates(X, Y, k=2)
    assert pairs == [(0, 0), (1, 1)]
    assert scores == pytest.approx([1 / ((0.8 + 0.5) / 2), 0.8 / ((0.4 + 0.7) / 2)], abs=1e-6)


def test_each_sentence_is_mined_once_and_nothing_without_likeness():
    x = np.array([[1, 0, 0], [0.9, 0.1, 0], [0, 0, 1]])
    y = np.array([[1, 0, 0], [-1, 0, 0]])
    assert metrics.bucc_candidates(x, y, k=1)[0] == [(0, 0)]


def test_repeated_sentences_in_both_conventions():
    x, y = X[[0, 0, 1]], Y[[0, 1, 1]]
    texts = {"source_texts": ["a", "a", "b"], "target_texts": ["A", "B", "B"]}
    pairs, scores = metrics.bucc_candidates(x, y, **texts, k=2)
    assert pairs == [(0, 0), (1, 0), (2, 1), (2, 2)] and scores[0] == scores[1] > scores[2] == scores[3]
    sides = [dict(enumerate(side)) for side in (["a", "a", "b"], ["A", "B", "B"])]
    assert metrics.unrepeated(dict.fromkeys([(0, 0), (2, 0), (2, 1)], 0.5), *sides) == {(2, 0): 0.5}


def test_blanks_around_a_sentence_make_no_other_one():
    """XTREME's read_sent2id strips lines before it drops repeated ones."""
    sides = {"s1": "a", "s2": "a ", "s3": "a\u3000b"}, {"t1": "b", "t2": "\tc\n"}
    pairs = dict.fromkeys([("s1", "t1"), ("s2", "t1"), ("s3", "t2")], 0.5)
    assert metrics.unrepeated(pairs, *sides) == {("s3", "t2"): 0.5}
    gold = {("s1", "t1")}
    found = metrics.bucc_scores(
        metrics.Mined(gold, {("s1", "t1"): 0.5}, metrics.unrepeated({("s1", "t1"): 0.5}, *sides))
    )
    assert (found["bucc_f1"], found["bucc_f1_dropped"]) == (1.0, 0.0)


def test_a_diverged_encoder_mines_nothing():
    pairs, scores = metrics.bucc_candidates(np.full((3, 2), np.nan), Y)
    assert pairs == [] and scores.shape == (0,)


def test_texts_and_vectors_must_be_as_many():
    with pytest.raises(ValueError):
        metrics.bucc_candidates(X, Y, ["a", "b"], ["A"])


@pytest.mark.parametrize(
    ("scores", "right", "gold", "threshold"),
    [
        ([0.7, 0.9, 0.6, 0.8], [0, 1, 0, 1], 3, 0.75),  # 4 / (2 + 3) after the second best
        ([0.9, 0.8], [1, 1], 2, 0.8),  # all kept
        ([0.9, 0.5, 0.5, 0.5, 0.5], [1, 1, 0, 0, 0], 2, 0.7),  # no threshold parts equal scores: 2 / 3, not 4 / 4
        ([0.9, 0.8], [0, 0], 2, 0.0),
        ([], [], 2, 0.0),
    ],
)
def test_the_threshold_with_the_best_f1(scores, right, gold, threshold):
    pairs = [(i, i) for i in range(len(scores))]
    truth = {pair for pair, hit in zip(pairs, right, strict=True) if hit} | {(-i, -i) for i in range(1, gold + 1)}
    truth = set(sorted(truth, reverse=True)[:gold])
    assert metrics.best_threshold(pairs, scores, truth) == pytest.approx(threshold)


def test_pairs_by_hand():
    gold, predicted = [(1, 1), (2, 2), (3, 3)], {(1, 1): 0.9, (2, 9): 0.5, (3, 3): 0.7, (8, 8): 0.1}
    assert metrics.pair_precision(gold, predicted) == 2 / 4
    assert metrics.pair_recall(gold, predicted) == pytest.approx(2 / 3)
    assert metrics.pair_f1(gold, predicted) == pytest.approx(2 * 2 / (3 + 4))
    scores = metrics.bucc_scores(metrics.Mined(gold, predicted))
    assert scores["bucc_f1_oracle"] == pytest.approx(2 * 2 / (3 + 2))
    assert metrics.pair_precision(gold, []) == metrics.pair_f1(gold, []) == 0


def test_mining_finds_a_planted_bitext_and_the_threshold_of_dev_serves_test():
    def bitext(seed):
        rng = np.random.default_rng(seed)
        shared, noise = rng.normal(size=(150, 32)), lambda n: rng.normal(size=(n, 32))
        source = np.concatenate([shared[:100], noise(50)]) + 0.5 * noise(150)
        target = np.concatenate([shared[:100], noise(80)]) + 0.5 * noise(180)
        return source, target, {(i, i) for i in range(100)}

    x, y, gold = bitext(0)
    threshold = metrics.best_threshold(*metrics.bucc_candidates(x, y), gold)
    x, y, gold = bitext(1)
    pairs, scores = metrics.bucc_candidates(x, y)
    mined = [pair for pair, score in zip(pairs, scores, strict=True) if score >= threshold]
    assert metrics.pair_f1(gold, mined) > 0.9 > metrics.pair_f1(gold, pairs)
