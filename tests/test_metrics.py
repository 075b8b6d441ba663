"""Golden values worked out by hand; seqeval's and SQuAD's own answers where they are known."""

import numpy as np
import pytest

from xlt.data import identity
from xlt.evaluation import metrics
from xlt.spec import schemes, tasks


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
    found = schemes.chunks(["SYM", "SYM", "NUM", "NUM"], schemes.Scheme.POS)
    assert found == [("SYM", 0, 0), ("SYM", 1, 1), ("NUM", 2, 3)]


def test_entities_in_iob2():
    gold = [["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]]
    predicted = [["B-PER", "I-PER", "O", "B-LOC", "I-LOC"]]
    assert metrics.chunk_f1(gold, gold) == 1.0
    assert metrics.chunk_f1(gold, predicted) == pytest.approx(2 * 1 / (3 + 2))
    assert metrics.chunk_f1([["O"]], [["O"]]) == 0.0  # seqeval's answer when there is nothing to find


@pytest.mark.parametrize(
    ("gold", "predicted", "f1"),
    [
        ("B I O B I O", "B I O B I I", 0.5),  # bare: two, two, one right
        ("PER-B PER-I O LOC-B", "PER-B PER-I O PER-B", 0.5),  # the kind stands first
        ("B-LOC E-LOC O S-PER", "B-LOC I-LOC O S-PER", 1.0),  # as conlleval: the same words, the same kind
        ("S-LOC S-LOC O S-LOC", "B-LOC E-LOC O S-LOC", 2 * 1 / (3 + 2)),
        ("U-LOC U-LOC O U-LOC", "B-LOC L-LOC O U-LOC", 2 * 1 / (3 + 2)),
        ("B-LOC M-LOC E-LOC W-LOC", "B-LOC M-LOC E-LOC E-LOC", 1.0),
        ("I-LOC I-LOC B-LOC O", "I-LOC I-LOC I-LOC O", 0.0),  # IOB1: B only between neighbours of one kind
        ("b-loc i-loc o o b-loc", "b-loc i-loc o o o", 2 * 1 / (2 + 1)),
        ("PER O ORG ORG O ORG", "PER O O O O O", 2 * 1 / (3 + 1)),  # ORG begins with O and is no outside
        ("B_PER I_PER O", "B_PER O O", 0.0),
        ("B-set_alarm O", "B-set_timer O", 0.0),
    ],
)
def test_chunks_in_the_schemes_of_tags(gold, predicted, f1):
    pair = [gold.split()], [predicted.split()]
    assert metrics.entity_f1(*pair) == metrics.chunk_f1(*pair) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("gold", "predicted", "f1"),
    [  # behind each: seqeval 0.0.12, 1.2.2
        ("B-GPE-LOC O", "B-ORG-LOC O", 0.0),  # 1.0, 0.0
        ("B-GPE-LOC I-GPE-LOC O", "B-GPE-LOC I-ORG-LOC O", 0.0),  # 1.0, 0.0
        ("U-LOC U-LOC O U-LOC", "B-LOC L-LOC O U-LOC", 0.4),  # 1.0, 1.0
        ("B-LOC L-LOC B-LOC L-LOC", "B-LOC L-LOC O O", 2 / 3),  # 0.0, 0.0
        ("B-LOC M-LOC E-LOC W-LOC O W-LOC W-LOC", "B-LOC M-LOC E-LOC O O W-LOC O", 2 / 3),  # 0.4, 0.4
        ("NN . VB O", "NN . . O", 0.4),  # 2/3, 2/3
        ("VP O O", "VP . O", 2 / 3),  # 1.0, 1.0
        ("PER-B PER-I O LOC-B", "PER-B PER-I O PER-B", 0.5),  # 1.0, 1.0
        ("PER O ORG ORG O ORG", "PER O O O O O", 0.5),  # 1.0, 1.0
        ("B_PER I_PER O B_PER", "B_PER I_PER O O", 2 / 3),  # 0.8, 2/3
        ("b-loc i-loc o o b-loc", "b-loc i-loc o o o", 2 / 3),  # 0.4, 0.5
        ("B I O", "B B O", 0.0),  # 0.5, 0.0
    ],
)
def test_where_chunks_are_not_those_of_seqeval(gold, predicted, f1):
    pair = [gold.split()], [predicted.split()]
    assert metrics.chunk_f1(*pair) == metrics.entity_f1(*pair) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("gold", "predicted", "f1"),
    [  # as seqeval 0.0.12; behind each 1.2.2
        ("SCONJ CCONJ X", "CCONJ SCONJ X", 1 / 3),  # 0.0
        ("X X NOUN", "X NOUN NOUN", 0.0),  # 0.0
        ("INTJ INTJ SYM SYM ADJ", "INTJ INTJ SYM X ADJ", 0.75),  # 0.75
        ("S-LOC E-LOC O", "S-LOC S-LOC O", 1.0),  # 1.0
        ("I-LOC I-LOC B-LOC I-PER", "I-LOC I-LOC I-LOC I-PER", 0.4),  # 0.4
    ],
)
def test_where_chunks_are_those_of_seqeval(gold, predicted, f1):
    assert metrics.chunk_f1([gold.split()], [predicted.split()]) == pytest.approx(f1)


def test_parts_of_speech_without_an_outside_name_no_chunks():
    """PTB's tags, among them the full stop, of which seqeval 0.0.12 makes chunks but for the stop."""
    with pytest.raises(ValueError, match="name no chunks"):
        metrics.chunk_f1([["NN", "VB", "."]], [["NN", "NN", "."]])


def test_the_labels_of_a_task_say_what_the_tags_of_one_file_cannot():
    gold, predicted = [["NUM", "NUM"]], [["NUM", "O"]]
    assert metrics.entity_f1(gold, predicted, ["O", "NUM", "SYM"]) == 0.0
    assert metrics.entity_f1([["SYM", "SYM"]], [["SYM", "SYM"]], ["O", "NUM", "SYM"]) == 1.0
    assert metrics.chunk_f1([["SYM", "SYM"]], [["SYM", "X"]]) == pytest.approx(2 * 1 / (2 + 2))  # XTREME's: two chunks


@pytest.mark.parametrize(
    ("tags", "said"),
    [("B-PER FOO O", "follow no one scheme"), ("NN VBZ", "name no chunks"), ("NOUN VERB", "no chunks")],
)
def test_tags_of_no_scheme_have_no_entities(tags, said):
    with pytest.raises(ValueError, match=said):
        metrics.entity_f1([tags.split()], [tags.split()])


@pytest.mark.parametrize(
    ("names", "scheme"),
    [
        ("O B-PER I-PER", "prefix"), ("O S-PER", "prefix"), ("B-NP I-NP B-VP", "prefix"), ("O PER-B PER-I", "suffix"),
        ("O PER-B B-B", "suffix"), ("O B I", "bare"), ("B I", "bare"), ("O PER ORG", "kinds"), ("O B PER", "kinds"),
        ("O", "kinds"), ("NOUN VERB SYM", "pos"), ("NN S V", "words"), ("S/NP NP (S\\NP)/NP S-N", "words"),
        ("alarm-set weather-find", "words"),
    ],
)  # fmt: skip
def test_schemes_are_told_by_the_set_of_tags(names, scheme):
    assert schemes.scheme_of(names.split()) == scheme


def test_ties_are_between_different_texts_within_single_precision():
    candidates = np.array([[1, 0], [1, 1e-9], [0, 1], [np.nan, 0]])
    assert metrics.tied([[1, 0], [0, 1], [np.nan, 1]], candidates, ["a", "b", "c", "d"]).tolist() == [
        True,
        False,
        False,
    ]
    assert metrics.tied([[1, 0]], candidates, ["a", "a", "c", "d"]).tolist() == [False]


def test_scores_are_kept_under_another_key_where_a_metric_has_changed():
    assert identity.of_metrics(("f1", "f1_language_aware"), "de", False) == {}
    assert identity.of_metrics(("f1", "f1_language_aware"), "tr", False) == {"f1_language_aware": 2}
    assert identity.of_metrics(("entity_f1", "token_accuracy"), "de", False) == {}
    assert identity.of_metrics(("entity_f1", "token_accuracy"), "de", True) == {"entity_f1": 2}


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
        ("tr", "istanbul", "İstanbul", 1, 1),
        ("tr", "IŞIK", "ışık", 1, 1),
        ("tr", "İZMİR LİMANI", "I\u0307zmir limanı", 1, 1),  # the dot written as a mark of its own
        ("az", "İnsan", "insan", 1, 1),
        ("tr", "sınır", "sinir", 0, 0),  # border and nerve: i and ı are two letters
        ("de", "IST", "ist", 1, 1),
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
