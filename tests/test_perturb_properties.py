"""What holds for every perturbation, in every script, on any text: gold stays, strengths nest, seeds repeat."""

from __future__ import annotations

from itertools import pairwise

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xlt.core.errors import UserError
from xlt.perturb import PERTURBATIONS, Aligned, apply, edits
from xlt.perturb.draw import Draw
from xlt.spec.languages import language as language_row

# Words of every script here, with what is hard in them: marks, joiners, no spaces, emoji, half of a surrogate pair.
WORDS = {
    "en": ["Apple", "market", "don't", "8:15", "well-known", "naïve", "e\u0301te\u0301", "👩\u200d👧", "\ud83d"],
    "vi": ["Hà", "Nội", "đường", "người", "phở", "tiếng", "Việt"],
    "tr": ["İstanbul", "ısırık", "elmayı", "güzel"],
    "ru": ["яблоко", "Москва", "покупает", "ёлка", "й"],
    "sr-Cyrl": ["јабуку", "Његош", "црвен"], "sr-Latn": ["jabuku", "Njegoš", "crven"],
    "el": ["μήλο", "κόκκινο", "Αθήνα", "τις"],
    "ar": ["تفاحة", "حمراء", "ٱلسُّوقِ", "مـــرحبا", "كتاب"],
    "fa": ["می\u200cخواهم", "سیب", "بازار"],
    "he": ["שָׁלוֹם", "תפוח", "צה״ל", "ג׳ירפה"],
    "hi": ["सेब", "लड़की", "क्षत्रिय", "बाज़ार", "ज़्यादा"], "ta": ["ஆப்பிள்", "குழந்தை"],
    "th": ["แอปเปิ้ล", "ตลาด", "ที่", "น้ำ"],
    "zh": ["苹果", "頭髮", "头发", "干净", "一"], "ja": ["りんご", "市場", "ガギグ"], "ko": ["사과", "시장"],
}  # fmt: skip
NAMES = {  # with the argument that makes them valid everywhere they are
    **{name: name for name in PERTURBATIONS}, "code-mix": "code-mix:{words}", "synonyms": "synonyms:{neighbours}",
    "indic": "indic:Telu", "rs-da": "rs-da:{neighbours}", "rs-da-clean": "rs-da-clean:{neighbours}",
}  # fmt: skip
BREAKS = st.sampled_from([" ", " ", " ", ", ", ". ", "! 😀 ", "\n", " \u200f"])
QUICK = settings(max_examples=40, deadline=None, database=None, derandomize=True)


def languages(name: str, family: str) -> list[str]:
    """Languages of WORDS that the perturbation is valid for; two for inflection, whose dictionaries are large."""
    return [code for code in WORDS if valid(name, code, family) and (name != "inflection" or code in ("en", "hi"))]


def valid(name: str, code: str, family: str) -> bool:
    try:
        PERTURBATIONS[name].check(code, family)
    except UserError:
        return False
    return True


def every(family: str):
    """For every perturbation that the family can have."""
    return pytest.mark.parametrize("name", [name for name in PERTURBATIONS if languages(name, family)])


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """Perturbation -> its name with a file of words of all the languages."""
    folder = tmp_path_factory.mktemp("words")
    words = [word for listed in WORDS.values() for word in listed if word != "\ud83d"]
    for column in ("translation", "neighbour"):
        lines = [f"word\t{column}", *(f"{word}\tmot {i}" for i, word in enumerate(words))]
        (folder / f"{column}.tsv").write_text("\n".join(lines), encoding="utf-8")
    files = {"words": folder / "translation.tsv", "neighbours": folder / "neighbour.tsv"}
    return {name: full.format(**files) for name, full in NAMES.items()}


def sentences(code: str):
    """Words of the language and others, with what may stand between them."""
    word = st.one_of(
        st.sampled_from(WORDS[code]), st.sampled_from(WORDS[code]), st.sampled_from(WORDS["en"]), st.text(max_size=4)
    )
    separated = st.tuples(word, st.just("") if language_row(code).script in ("Hans", "Thai", "Jpan") else BREAKS)
    return st.lists(separated, min_size=1, max_size=8).map(lambda parts: "".join(a + b for a, b in parts))


@every("span")
def test_answers_stand_at_their_offsets(named, name):
    @QUICK
    @given(data=st.data(), code=st.sampled_from(languages(name, "span")), strength=st.floats(0, 1))
    def holds(data, code, strength):
        text = data.draw(sentences(code))
        spans = data.draw(st.lists(st.tuples(*[st.integers(0, len(text))] * 2).map(sorted), max_size=3))
        gold = [(a, b) for a, b in spans if text[a:b].strip()]
        answers = {"text": [text[a:b] for a, b in gold], "answer_start": [a for a, _ in gold]}
        rows = {"id": ["7"], "context": [text], "question": [text[::-1]], "answers": [answers]}
        new = apply(named[name], rows, "span", code, strength)
        found, context = new["answers"][0], new["context"][0]
        assert list(new) == list(rows) and new["id"] == ["7"]
        assert len(found["text"]) == len(gold) and bool(context.strip()) == bool(text.strip())
        for answer, start in zip(found["text"], found["answer_start"], strict=True):
            assert answer.strip() and context[start : start + len(answer)] == answer
        if len(gold) == 1 and PERTURBATIONS[name].kind in ("order", "distractor"):
            assert found["text"] == answers["text"]  # moved as one, or not at all
        assert apply(named[name], rows, "span", code, 0) == rows

    holds()


@every("tagging")
def test_tags_stay_with_their_tokens(named, name):
    @QUICK
    @given(data=st.data(), code=st.sampled_from(languages(name, "tagging")), strength=st.floats(0, 1))
    def holds(data, code, strength):
        tokens = data.draw(st.lists(st.sampled_from(WORDS[code] + [".", "d'", "-"]), max_size=10))
        rows = {"tokens": [tokens], "tags": [list(range(len(tokens)))]}  # each token's tag is its number
        new = apply(named[name], rows, "tagging", code, strength)
        assert sorted(new["tags"][0]) == rows["tags"][0] and len(new["tokens"][0]) == len(tokens)
        assert all(token and not any(c.isspace() for c in token) for token in new["tokens"][0])
        if PERTURBATIONS[name].kind == "order":
            assert new["tokens"][0] == [tokens[tag] for tag in new["tags"][0]]
        else:
            assert new["tags"] == rows["tags"]

    holds()


@every("mlm")
def test_more_strength_makes_more_of_the_same_changes(named, name):
    most = 0
    for code in languages(name, "mlm"):
        text = " ".join(WORDS[code] * 2) + "."
        for seed in range(4):
            drawn = [Draw(named[name], "mlm", code, strength, seed).text(text, "") for strength in (0, 0.1, 0.5, 1)]
            made = [changes(new, text) for new in drawn]
            assert made[0] == set() and all(less <= more for less, more in pairwise(made)), code
            most = max(most, len(made[-1]))
    assert most >= 1


def changes(new: Aligned, text: str) -> set[tuple]:
    """Pieces of the text that are another text, and places that hold another piece."""
    replaced = {piece for piece in new.pieces if piece.new != text[piece.start : piece.end]}
    moved = [(place, piece) for place, piece in enumerate(new.pieces) if piece != sorted(new.pieces)[place]]
    return replaced | set(moved)


@every("mlm")
def test_a_row_depends_on_its_seed_and_number_alone(named, name):
    for code in languages(name, "mlm"):
        texts = [" ".join(WORDS[code] * 3)] * 6
        whole = apply(named[name], {"text": texts}, "mlm", code, 0.5, seed=3)["text"]
        parts = [apply(named[name], {"text": texts[i:]}, "mlm", code, 0.5, 3, first=i)["text"][0] for i in range(6)]
        assert whole == parts, code


@every("choice")
def test_labels_and_the_number_of_choices_stay(named, name):
    @example(texts=["", " "], code=languages(name, "choice")[0])
    @QUICK
    @given(
        texts=st.lists(st.text(max_size=12), min_size=3, max_size=3), code=st.sampled_from(languages(name, "choice"))
    )
    def holds(texts, code):
        rows = {"prompt": [texts[0]], "choices": [texts[1:]], "label": [1], "idx": [5]}
        new = apply(named[name], rows, "choice", code, 0.7)
        assert new["label"] == [1] and new["idx"] == [5] and len(new["choices"][0]) == len(texts) - 1
        pair = {"text_a": [texts[0]], "text_b": [None], "label": [2]}
        assert apply(named[name], pair, "classification", code, 0.7) | {"text_a": [texts[0]]} == pair

    holds()


@every("mlm")
def test_no_grapheme_cluster_is_cut(named, name):
    for code in languages(name, "mlm"):
        text = " ".join(WORDS[code] * 2)
        whole = {match.start() for match in regex.finditer(r"\X", text)} | {len(text)}
        if PERTURBATIONS[name].form == "edit":
            assert all({edit.start, edit.end} <= whole for edit in edits(named[name], text, code)), code
