"""Records to features: labels, windows, batches. Expected values are read off the records by hand."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers import models as token_models
from transformers import PreTrainedTokenizerFast

from xlt.core import progress
from xlt.core.errors import UserError
from xlt.models import batching, unseen
from xlt.models.encoder import tokenizer_of, train_tokenizer
from xlt.models.features import IGNORED, NO_WORD, _short, encode, encode_sentences, spaced
from xlt.models.spans import bare
from xlt.spec import tasks

WORDS = [
    "Anna",
    "kauft",
    "ein",
    "Auto",
    "der",
    "Hund",
    "sieht",
    "die",
    "Katze",
    "in",
    "Paris",
    "Who",
    "buys",
    "what",
    "is",
]


@pytest.fixture(scope="module")
def tokenizer():
    """Trained on few words, so that these are one or a few pieces and all else falls into letters."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.?ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return train_tokenizer([*(" ".join(WORDS) for _ in range(50)), *letters, "北京大学在", "كتاب", "दिल्ली", "мир"], 140)


def pieces(tokenizer, feature):
    return tokenizer.convert_ids_to_tokens(feature["input_ids"])


def encoded(family, rows, tokenizer, max_length=64, stride=0):
    return encode(family, rows, tokenizer, max_length, stride)


def question(context, answer, asked="Who buys", start=None):
    begin = context.index(answer) if start is None else start
    return {"question": [asked], "context": [context], "answers": [{"text": [answer], "answer_start": [begin]}]}


def gold(feature, context):
    first, last = feature["offsets"][feature["start_positions"]], feature["offsets"][feature["end_positions"]]
    return context[first[0] : last[1]].strip()


# classification -------------------------------------------------------------------------------


def test_a_pair_is_one_feature_with_its_label(tokenizer):
    rows = {"text_a": ["Anna kauft", "x"], "text_b": ["ein Auto", "y"], "label": [2, 0]}
    first, second = encoded(tasks.CLASSIFICATION, rows, tokenizer)
    assert (first["labels"], second["labels"]) == (2, 0)
    text = "".join(pieces(tokenizer, first)).replace("▁", " ")
    assert text == "<s> Anna kauft</s></s> ein Auto</s>"


def test_a_pair_too_long_is_cut_at_the_longer_side(tokenizer):
    rows = {"text_a": ["Anna " * 50], "text_b": ["ein Auto"], "label": [1]}
    (feature,) = encoded(tasks.CLASSIFICATION, rows, tokenizer, max_length=20)
    assert len(feature["input_ids"]) == 20 and feature["labels"] == 1
    assert "".join(pieces(tokenizer, feature)).endswith("▁ein▁Auto</s>")


def test_an_empty_text_is_no_error(tokenizer):
    (feature,) = encoded(tasks.CLASSIFICATION, {"text_a": [""], "text_b": [""], "label": [0]}, tokenizer)
    assert pieces(tokenizer, feature) == ["<s>", "</s>", "</s>", "</s>"]


# tagging --------------------------------------------------------------------------------------


def test_the_first_subword_carries_the_tag(tokenizer):
    (feature,) = encoded(tasks.TAGGING, {"tokens": [["qq", "Anna", "xyz"]], "tags": [[3, 5, 7]]}, tokenizer)
    assert [label for label in feature["labels"] if label != IGNORED] == [3, 5, 7]
    assert [word for word in feature["words"] if word != NO_WORD] == [0, 1, 2]
    for place, word in enumerate(feature["words"]):
        assert (feature["labels"][place] == IGNORED) == (word == NO_WORD)
    starts = [pieces(tokenizer, feature)[i] for i, word in enumerate(feature["words"]) if word != NO_WORD]
    assert all(piece.startswith("▁") for piece in starts)
    assert feature["labels"][0] == feature["labels"][-1] == IGNORED


def test_a_repeated_word_is_tagged_each_time(tokenizer):
    (feature,) = encoded(tasks.TAGGING, {"tokens": [["Anna", "Anna"]], "tags": [[1, 2]]}, tokenizer)
    assert [label for label in feature["labels"] if label != IGNORED] == [1, 2]


def test_words_past_the_end_have_no_place(tokenizer):
    words = ["Anna"] * 30
    (feature,) = encoded(tasks.TAGGING, {"tokens": [words], "tags": [[1] * 30]}, tokenizer, max_length=10)
    assert len(feature["input_ids"]) == len(feature["labels"]) == len(feature["words"]) == 10
    assert max(feature["words"]) < 10


def test_words_of_which_the_tokenizer_makes_nothing_are_counted_apart_from_those_cut(tokenizer, monkeypatch, capsys):
    words = [["Anna", "", "kauft", ""], ["ein", "Auto"], [""], ["Anna", "", *["kauft"] * 9, ""]]
    features = encoded(tasks.TAGGING, {"tokens": words, "tags": [[1] * len(w) for w in words]}, tokenizer, max_length=8)
    assert [feature["pieceless"] for feature in features] == [2, 0, 1, 1]  # the last one's end is cut off
    assert unseen.counts(features) == {"cut": 1, "pieceless": 4}
    monkeypatch.setattr(progress, "_subjects", set())
    unseen.say("udpos", "de", features, 8)
    nothing = "4 words without a subword, so without a prediction"
    said = f"udpos (de): 1 of 4 records cut at 8 subwords, {nothing} (said once for a task)\n"
    assert capsys.readouterr().err == said


def test_a_sentence_without_words(tokenizer):
    (feature,) = encoded(tasks.TAGGING, {"tokens": [[]], "tags": [[]]}, tokenizer)
    assert feature["words"].tolist() == [NO_WORD] * len(feature["input_ids"])


def by_spaces(space):
    """Letters as pieces, the first of a word with the space before it: "Ġ" in bytes (RoBERTa), "▁" as in mmBERT."""
    letters = sorted(set("".join(WORDS) + "ab"))
    vocabulary = {piece: i for i, piece in enumerate(["<unk>", space, *letters, *(space + c for c in letters)])}
    tokenizer = Tokenizer(token_models.BPE(vocabulary, [(space, letter) for letter in letters], unk_token="<unk>"))
    if space == "▁":
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


@pytest.mark.parametrize("space", ["Ġ", "▁"])
def test_words_are_cut_as_in_running_text_where_they_are_known_by_the_space_before_them(space):
    tokenizer, words = by_spaces(space), ["Anna", "kauft", "ein", "", "Auto"]
    assert tokenizer(words, is_split_into_words=True)["input_ids"] != tokenizer("Anna kauft ein Auto")["input_ids"]
    (feature,) = encoded(tasks.TAGGING, {"tokens": [words], "tags": [[1, 2, 3, 4, 5]]}, tokenizer)
    assert feature["input_ids"].tolist() == tokenizer("Anna kauft ein Auto")["input_ids"]
    assert [label for label in feature["labels"] if label != IGNORED] == [1, 2, 3, 5]


def test_other_tokenizers_are_given_the_words_as_they_are(tokenizer):
    assert spaced([["Anna", "kauft"]], tokenizer) == [["Anna", "kauft"]]


def test_a_tokenizer_that_loses_where_words_begin_is_refused():
    whole = Tokenizer(token_models.WordLevel({"a b": 0, "a": 1, "b": 2, "<unk>": 3}, unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=whole, unk_token="<unk>")
    with pytest.raises(UserError, match="its tokenizer .* loses where words begin; take another encoder for tagging"):
        encoded(tasks.TAGGING, {"tokens": [["Anna"]], "tags": [[1]]}, tokenizer)


# spans ----------------------------------------------------------------------------------------

ANSWERS = {
    "de": ("der Hund sieht die Katze in Paris", "die Katze"),
    "first": ("Anna kauft ein Auto", "Anna"),
    "last": ("Anna kauft ein Auto", "Auto"),
    "whole": ("Anna", "Anna"),
    "ru": ("мир мирмир рим", "мирмир"),
    "zh": ("北京大学在北京", "大学"),
    "hi": ("दिल्ली दिल्लीदि दिल्ली", "दिल्लीदि"),
    "ar": ("كتاب كتابكتاب كتاب", "كتابكتاب"),
    "spaces": ("Anna   kauft  ein Auto", "ein Auto"),
    "lines": ("Anna\nkauft\nein Auto", "kauft"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_gold_positions_give_the_answer(tokenizer, name):
    context, answer = ANSWERS[name]
    (feature,) = encoded(tasks.SPAN, question(context, answer), tokenizer)
    assert gold(feature, context) == answer


INVISIBLE = {
    "a mark at its end, joined to its letter": ("das cafe\u0301 in Paris", "cafe\u0301", "cafe\u0301"),
    "a mark within": ("das cafe\u0301s in Paris", "cafe\u0301s", "cafe\u0301s"),
    "a zero-width space at its end": ("Anna\u200b kauft ein Auto", "Anna\u200b", "Anna"),
    "a zero-width space at the end of all": ("ein Auto\u200b", "Auto\u200b", "Auto"),
    "a byte-order mark before it": ("\ufeffAnna kauft", "Anna", "Anna"),
    "a space behind it": ("Anna kauft ", "kauft ", "kauft"),
    "a control character before it": ("ein \x10Auto", "\x10Auto", "Auto"),
}


@pytest.mark.parametrize("name", INVISIBLE)
def test_what_shows_nothing_takes_no_answer_away(tokenizer, name):
    context, answer, told = INVISIBLE[name]
    (feature,) = encoded(tasks.SPAN, question(context, answer), tokenizer)
    spans = feature["offsets"]
    begin, end = spans[feature["start_positions"]][0], spans[feature["end_positions"]][1]
    assert bare(context[begin:end]) == told


def test_text_without_any_shown_character_is_bare_of_all():
    assert bare("\u200b \ufeff") == "" and bare(" \u200fكتاب\u200b") == "كتاب"


def test_a_length_without_room_for_a_text_is_refused(tokenizer):
    """A tokenizer that finds no room beside its special tokens leaves the text whole."""
    pair = {"text_a": ["der Hund"], "text_b": ["die Katze"], "label": [0]}
    choice = {"prompt": ["der Hund"], "choices": [["sieht", "schläft"]], "label": [0]}
    tags = {"tokens": [["der", "Hund"]], "tags": [[0, 1]]}
    for family, rows, special, texts in (
        (tasks.CLASSIFICATION, pair, 4, 2), (tasks.CHOICE, choice, 4, 2), (tasks.TAGGING, tags, 2, 1),
    ):  # fmt: skip
        least = special + texts
        assert all(len(feature["input_ids"]) <= least for feature in encode(family, rows, tokenizer, least))
        with pytest.raises(UserError, match=f"max_length {least - 1} has no room for .* {special} special tokens"):
            encode(family, rows, tokenizer, least - 1)


@pytest.mark.parametrize("length", [8, 10, 12])
def test_windows_of_a_few_subwords_are_cut_somehow_or_refused(tokenizer, length):
    context = "der Hund sieht die Katze " * 3 + "in Paris"
    features = encoded(tasks.SPAN, question(context, "Hund", asked="what is " * 9), tokenizer, length, 128)
    assert all(len(feature["input_ids"]) <= length for feature in features)
    with pytest.raises(UserError, match="max_length 7 has no room for a question and a context"):
        encoded(tasks.SPAN, question(context, "Hund"), tokenizer, 7, 128)


@pytest.mark.parametrize("code", ["en", "de", "zh"])
def test_the_gold_positions_give_the_answers_of_the_world(shared, world, start, code):
    rows = world.load(tasks.get("xquad"), code, "test")
    features = encoded(tasks.SPAN, rows, tokenizer_of(shared, start), 512)
    assert [gold(f, rows["context"][f["row"]]) for f in features] == [a["text"][0] for a in rows["answers"]]


def test_an_answer_inside_a_subword_is_the_subword(tokenizer):
    (feature,) = encoded(tasks.SPAN, question("Anna kauft", "auf"), tokenizer)
    assert "auf" in gold(feature, "Anna kauft")


def test_a_long_context_gives_windows_and_the_second_has_the_answer(tokenizer):
    context = "der Hund sieht die Katze " * 8 + "in Paris"
    features = encoded(tasks.SPAN, question(context, "Paris"), tokenizer, max_length=40, stride=5)
    assert len(features) > 1 and {feature["row"] for feature in features} == {0}
    assert (features[0]["start_positions"], features[0]["end_positions"]) == (0, 0)
    assert gold(features[-1], context) == "Paris"
    assert all(len(feature["input_ids"]) <= 40 for feature in features)


def test_windows_overlap_by_the_stride_and_leave_nothing_out(tokenizer):
    context = "der Hund sieht die Katze " * 12
    features = encoded(tasks.SPAN, question(context, "Hund"), tokenizer, max_length=40, stride=6)
    spans = [[span for span in feature["offsets"].tolist() if any(span)] for feature in features]
    for one, other in zip(spans, spans[1:], strict=False):
        assert one[-6:] == other[:6]
    assert spans[0][0][0] == 0 and context[spans[-1][-1][1] :].strip() == ""


def test_an_answer_across_the_edge_is_in_no_window_by_halves(tokenizer):
    context = "der Hund sieht die Katze " * 8
    answer = context[25:99]
    features = encoded(tasks.SPAN, question(context, answer, start=25), tokenizer, 22, 2)
    found = [f for f in features if (f["start_positions"], f["end_positions"]) != (0, 0)]
    assert len(features) > 2 and all(gold(f, context) == answer for f in found)


def test_only_tokens_of_the_context_have_offsets(tokenizer):
    context = "Anna kauft"
    (feature,) = encoded(tasks.SPAN, question(context, "Anna"), tokenizer)
    first = int(feature["offsets"].any(1).argmax())
    assert pieces(tokenizer, feature)[first - 2 : first] == ["</s>", "</s>"]
    assert not feature["offsets"][-1].any()


@pytest.mark.parametrize("context", ["", "   "])
def test_an_empty_context_is_one_window_without_an_answer(tokenizer, context):
    rows = {"question": ["Who"], "context": [context], "answers": [{"text": ["Anna"], "answer_start": [0]}]}
    (feature,) = encoded(tasks.SPAN, rows, tokenizer)
    assert (feature["start_positions"], feature["end_positions"]) == (0, 0)


def test_a_question_without_an_answer(tokenizer):
    rows = {"question": ["Who"], "context": ["Anna kauft"], "answers": [{"text": [], "answer_start": []}]}
    (feature,) = encoded(tasks.SPAN, rows, tokenizer)
    assert (feature["start_positions"], feature["end_positions"]) == (0, 0)


@pytest.mark.parametrize("words", [12, 40, 400])
def test_a_long_question_leaves_half_of_the_window_to_the_context(tokenizer, words):
    context = "der Hund sieht die Katze " * 8 + "in Paris"
    rows = question(context, "Paris", asked="what where is " * words)
    features = encoded(tasks.SPAN, rows, tokenizer, max_length=48, stride=48)
    assert all(feature["offsets"].any(1).sum() <= 48 for feature in features)
    assert features[0]["offsets"].any(1).sum() >= 20
    assert gold(features[-1], context) == "Paris"


def test_a_usual_question_is_left_whole(tokenizer):
    assert _short(["Who buys what ?"], tokenizer, [64]) == ["Who buys what ?"]


def test_answers_in_no_window_are_counted_once_a_record(tokenizer, monkeypatch, capsys):
    context = "der Hund sieht die Katze " * 8
    long = question(context, context[:150])
    none = {"question": ["Who"], "context": [context], "answers": [{"text": [], "answer_start": []}]}
    short = question(context, "Hund")
    rows = {name: [*long[name], *none[name], *short[name]] for name in long}
    features = encoded(tasks.SPAN, rows, tokenizer, 30, 5)
    assert unseen.counts(features) == {"lost": 1} and len(features) > 3
    monkeypatch.setattr(progress, "_subjects", set())
    for _ in range(2):
        unseen.say("squad", "training", features, 30)
    said = "squad (training): 1 of 3 records with an answer in no window of 30 subwords (said once for a task)\n"
    assert capsys.readouterr().err == said


# choices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", ["ein Auto", "die Katze in Paris"])
def test_of_a_long_passage_the_beginning_is_cut_and_question_and_choice_stay(tokenizer, choice):
    rows = {"prompt": ["der Hund sieht die Katze " * 20 + "Who buys what"], "choices": [[choice, "x"]], "label": [0]}
    (feature,) = encoded(tasks.CHOICE, rows, tokenizer, max_length=24)
    text = "".join(pieces(tokenizer, feature["choices"][0])).replace("▁", " ")
    assert len(feature["choices"][0]["input_ids"]) == 24 and feature["cut"]
    assert text.endswith(f"Who buys what</s></s> {choice}</s>") and text.startswith("<s>")
    assert tokenizer.truncation_side == "right"


def test_a_choice_is_cut_only_where_it_leaves_too_little_to_its_prompt(tokenizer):
    """Room for 20 subwords beside the four special ones; every word here is one."""
    words = (
        "der Hund sieht die Katze in Paris Anna kauft ein Auto der Hund sieht die Katze in Paris Anna kauft ein Auto"
    )
    rows = {"prompt": ["Who buys what", words], "choices": [[words]] * 2, "label": [0, 0]}
    short, long = (feature["choices"][0] for feature in encoded(tasks.CHOICE, rows, tokenizer, max_length=24))
    sides = ["".join(pieces(tokenizer, f)).replace("▁", " ").split("</s></s>") for f in (short, long)]
    assert sides[0] == ["<s> Who buys what", " " + " ".join(words.split()[:17]) + "</s>"]
    assert sides[1] == ["<s> " + " ".join(words.split()[-10:]), " " + " ".join(words.split()[:10]) + "</s>"]


# batches --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize(("count", "size"), [(0, 4), (1, 4), (4, 4), (9, 4), (1000, 3), (7, 100)])
def test_every_index_exactly_once(count, size, shuffled):
    rng = np.random.default_rng(0)
    features = [{"input_ids": [0] * int(n)} for n in rng.integers(1, 40, count)]
    found = list(batching.batches(features, size, rng if shuffled else None))
    assert sorted(i for batch in found for i in batch) == list(range(count))
    assert all(0 < len(batch) <= (size if shuffled else 4 * size) for batch in found)


def test_batches_that_are_read_are_of_as_many_subwords_and_never_of_more_than_four_times_as_many_features():
    features = [{"input_ids": [0] * n} for n in [10, 10, 6, 5, 5, 5, *[1] * 20]]
    assert [len(batch) for batch in batching.batches(features, 2)] == [2, 3, 4, 8, 8, 1]
    padded = [len(b) * max(len(features[i]["input_ids"]) for i in b) for b in batching.batches(features, 2)]
    assert max(padded) == 2 * 10
    assert [len(batch) for batch in batching.batches([{"input_ids": []}] * 9, 2)] == [2, 2, 2, 2, 1]


def test_on_a_cpu_a_batch_ends_where_texts_are_much_shorter_than_its_longest(monkeypatch):
    """There padding takes as long as text; eight texts go together in any case, and a GPU takes all that fit."""
    features = [{"input_ids": [0] * n} for n in [*[40] * 10, *[30] * 5, *[29] * 6, *[10] * 20]]
    here = batching.compute()
    assert [len(batch) for batch in batching.batches(features, 64)] == [15, 8, 18]
    monkeypatch.setattr(batching, "compute", lambda: here._replace(device="cuda"))
    assert [len(batch) for batch in batching.batches(features, 64)] == [41]


def test_without_shuffling_the_longest_come_first():
    features = [{"input_ids": [0] * n} for n in (3, 9, 5, 9)]
    assert list(batching.batches(features, 2)) == [[1, 3], [2, 0]]


def test_shuffled_batches_hold_similar_lengths_in_random_order():
    rng = np.random.default_rng(0)
    features = [{"input_ids": [0] * int(n)} for n in rng.integers(1, 100, 400)]
    found = [[len(features[i]["input_ids"]) for i in batch] for batch in batching.batches(features, 8, rng)]
    assert np.mean([max(batch) - min(batch) for batch in found]) < 5
    firsts = [batch[0] for batch in found]
    assert firsts != sorted(firsts) and firsts != sorted(firsts, reverse=True)


def test_collate_pads_each_kind_with_its_own_filler():
    features = [
        {"input_ids": [5, 6, 7], "labels": [1, 2, 3], "token_type_ids": [0, 1, 1]},
        {"input_ids": [5], "labels": [1], "token_type_ids": [0]},
    ]
    batch = batching.collate(features, pad_id=9)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [5, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [[1, 2, 3], [1, IGNORED, IGNORED]]
    assert batch["token_type_ids"].tolist() == [[0, 1, 1], [0, 0, 0]]


def test_collate_leaves_one_number_for_each_example():
    batch = batching.collate([{"input_ids": [1], "labels": 2, "words": [None]}, {"input_ids": [1, 2], "labels": 0}], 0)
    assert torch.equal(batch["labels"], torch.tensor([2, 0])) and "words" not in batch


def test_positions_start_again_at_the_second_text():
    """<s> A A </s> </s> B </s>, XLM-R counts from 2; a single text just counts on."""
    batch = batching.collate([{"input_ids": [0, 7, 8, 2, 2, 9, 2]}, {"input_ids": [0, 7, 2]}], pad_id=1, restart_at=2)
    assert batch["position_ids"].tolist() == [[2, 3, 4, 5, 2, 3, 4], [2, 3, 4, 1, 1, 1, 1]]


def test_other_encoders_count_their_own_positions():
    assert "position_ids" not in batching.collate([{"input_ids": [0, 7, 2, 2, 8, 2]}], pad_id=1)


# cut records ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "family, rows",
    [
        (tasks.CLASSIFICATION, {"text_a": ["Anna", "Anna kauft ein Auto"], "text_b": ["x", "y"], "label": [0, 1]}),
        (tasks.TAGGING, {"tokens": [["Anna"], ["Anna"] * 9], "tags": [[0], [0] * 9]}),
        (tasks.CHOICE, {"prompt": ["x", "y"], "choices": [["a", "b"], ["c", "Anna " * 9]], "label": [0, 1]}),
        (tasks.SPAN, {k: v * 2 for k, v in question("Anna kauft ein Auto in Berlin", "Auto").items()}),
    ],
)
def test_features_of_records_that_did_not_fit_say_so(tokenizer, family, rows):
    short = encoded(family, rows, tokenizer, max_length=8 if family != tasks.SPAN else 12)
    if family == tasks.SPAN:  # windows hold all of a long context
        assert len(short) > 2 and not any(feature.get("cut") for feature in short)
    else:
        assert [feature["cut"] for feature in short] == [False, True]
    assert not any(feature.get("cut") for feature in encoded(family, rows, tokenizer))


def test_cut_texts_are_marked_in_every_family(tokenizer):
    long, short = "der Hund sieht die Katze " * 8, "der Hund"
    assert [feature["cut"] for feature in encode_sentences([long, short], tokenizer, 12)] == [True, False]
    lines = encode(tasks.MLM, {"text": [long, short]}, tokenizer, 12)
    assert [feature["cut"] for feature in lines] == [True, False]
    rows = {"query": [short, long, short], "target": [short, short, long]}
    assert [feature["cut"] for feature in encode(tasks.DUAL, rows, tokenizer, 12)] == [False, True, True]


def test_sentences_that_are_cut_for_retrieval_are_said(tokenizer, monkeypatch, capsys):
    from xlt.models import vectors

    monkeypatch.setattr(progress, "_subjects", set())
    monkeypatch.setattr(vectors, "_states", lambda *_: [])

    class Encoder:
        config = type("Config", (), {"hidden_size": 2})

    vectors.embed(["der Hund sieht die Katze " * 8, "der Hund"], tokenizer, Encoder, [], 12, 2, ("tatoeba", "de"))
    assert capsys.readouterr().err.startswith("tatoeba (de): 1 of 2 records cut at 12 subwords")
