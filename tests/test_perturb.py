"""What each perturbation does, by hand-made examples; lexicons, defences, errors, the command."""

from __future__ import annotations

import gzip
import io
import json
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
from tokenizers import normalizers

from xlt import cli
from xlt.core.errors import UserError
from xlt.perturb import (
    apply,
    edits,
    files,
    fold_confusables,
    identity,
    strip_ignorables,
    surviving,
    valid,
)
from xlt.perturb.keyboards import _LAYOUTS, letters, neighbours
from xlt.perturb.neighbours import stop_words
from xlt.report.perturbations import _marked, examples, gallery, sentences, table
from xlt.spec.case import upper
from xlt.spec.languages import language as language_row
from xlt.world.forms import paragraphs, qa_rows


def one(name: str, text: str, language: str, strength: float = 1.0, seed: int = 0) -> str:
    return apply(name, {"text": [text]}, "mlm", language, strength, seed)["text"][0]


@pytest.mark.parametrize(
    "name, language, before, after",
    [
        ("drop", "en", "Hello, you!", "H, y!"),
        ("split", "en", "ab c", "a b c"),
        ("join", "en", "a b  c", "abc"),
        ("punctuation", "es", "¿Qué? 8:15…", "Qué 8:15"),
        ("punctuation", "en", "Don't pay 3.50, well-known.", "Don't pay 3.50 well-known"),
        ("punctuation", "zh", "头发,3.5米。", "头发3.5米"),
        ("upper", "tr", "ılık su iç", "ILIK SU İÇ"),
        ("lower", "tr", "IŞIK İÇ", "ışık iç"),
        ("lower", "el", "ΣΟΦΟΣ", "σοφος"),
        ("case", "ru", "Мир", "мИР"),
        ("diacritics", "vi", "Đường phố Việt", "Duong pho Viet"),
        ("diacritics", "ar", "السُّوقِ مـرحبا", "السوق مرحبا"),
        ("diacritics", "ar", "أَكَلَ إلى آخر سؤال", "أكل إلى آخر سؤال"),  # hamza and madda are no vowel signs
        ("diacritics", "ur", "آپ کے لیے ﻋِﻠم", "آپ کے لیے ﻋﻠم"),
        ("diacritics", "he", "שָׁלוֹם", "שלום"),
        ("diacritics", "en", "nai\u0308ve हिंदी", "naive हिंदी"),
        ("reverse", "en", "The dog sleeps, the well-known cat eats.", "sleeps dog The, eats cat well-known the."),
        ("latin", "sr-Cyrl", "Његош купује џем", "Njegoš kupuje džem"),
        ("cyrillic", "sr-Latn", "Njegoš kupuje džem", "Његош купује џем"),
        ("traditional", "zh", "头发,发财。", "頭髮,發財。"),
        ("simplified", "zh", "頭髮,發財。", "头发,发财。"),
        ("romanise", "ru", "Москва, Berlin", "Moskva, Berlin"),
        ("indic:Beng", "hi", "कमल 5", "কমল 5"),
        ("indic:Telu", "hi", "लड़की", "లడకీ"),
        ("indic", "bn", "কো মৌ", "को मौ"),  # vowel signs of two parts, which stand before and after the letter
        ("indic", "bn", "ক\u09c7\u09be", "को"),  # the same in two characters
        ("indic", "kn", "ಕೊಡು", "कॊडु"),
        ("indic", "or", "ମୌ", "मौ"),
        ("indic", "ml", "കൊ", "कॊ"),
        ("romanise", "fa", "ویژه وقت", "vije vqt"),
        ("romanise", "el-cre", "βουνό", "vouno"),  # by the rules of Greek
        ("latin", "ru@0.5", "Москва", "Moskva"),
        ("code-mix:de", "en", "Two Apples are red", "Two Apfel are roten"),
        ("code-mix", "zh", "一个红苹果", "一个redapple"),
        ("code-mix:zh", "arz", "تفاحة", "苹果"),
        ("synonyms", "en", "apples and lamps", "fruits and lamps"),
        ("bidi", "en", "ab", "\u202eba\u202c"),
        ("bidi", "he", "אב", "\u202dבא\u202c"),
        ("bidi:isolate", "en", "ab", "\u2067\u2066b\u2069\u2066a\u2069\u2069"),
    ],
)
def test_by_hand(name, language, before, after):
    assert {one(name, before, language, seed=seed) for seed in range(4)} - {before} == {after}


def test_swaps_and_typos_stay_in_the_word_and_near_the_keys():
    assert {one("swap", "abc", "en", seed=seed) for seed in range(9)} == {"bac", "acb"}
    near = set("qwsz")
    assert {one("keyboard", "a", "en", seed=seed) for seed in range(40)} == near
    assert {one("keyboard", "A", "en", seed=seed) for seed in range(40)} == {letter.upper() for letter in near}
    assert "z" in neighbours("de")["t"] and "y" in neighbours("en")["t"] and "й" in neighbours("ru")["ц"]
    assert "ı" in neighbours("tr")["o"] and neighbours("zh") == {}
    assert set(neighbours("bn")["ক"]) >= {"র", "ত"} and "ख" in neighbours("hi")["क"]  # InScript: the next keys, shift
    assert {one("insert", "ж", "ru", seed=seed)[1] for seed in range(60)} <= set(letters("ru"))
    assert {one("substitute", "苹果园", "zh", seed=seed)[0] for seed in range(20)} == {"果", "园"}  # no keyboard


def test_the_two_letters_i_have_capitals_of_their_own_in_turkish():
    for capital, letter in (("I", "ı"), ("İ", "i")):
        near = {upper(other, "tr") for other in neighbours("tr")[letter]}
        assert {one("keyboard", capital, "tr", seed=seed) for seed in range(80)} == near
    assert {"U", "O", "J", "K"} == {upper(other, "tr") for other in neighbours("tr")["ı"]}
    drawn = {one("substitute", "I", "tr", seed=seed) for seed in range(400)}
    assert "İ" in drawn and "I" not in drawn
    assert "İ" in {one("insert", "A", "az", seed=seed)[1] for seed in range(400)}


def test_a_version_is_raised_where_alone_something_is_drawn_otherwise():
    for name in ("typos", "keyboard", "insert", "substitute"):
        assert [identity(name, code)["version"] for code in ("en", "tr", "az")] == [1, 2, 2]
    assert [identity("romanise", code)["version"] for code in ("ru", "el", "el-cre", "fa", "fa@0.5")] == [1, 1, 2, 2, 2]


def test_a_korean_key_is_a_part_of_a_syllable():
    # neighbours of the keys for ㅅ, ㅏ and ㄴ that leave one syllable: consonants first and last, a vowel between
    first, vowel, last = set("간란한깐싼"), set("샨샌선신슨섄"), set("샂삳삼상샄샅")
    made = {one("keyboard", "산", "ko", seed=seed) for seed in range(300)}
    assert made == first | vowel | last
    assert one("keyboard", "값 ㅋㅋ 漢字 abc", "ko")[1:] == " ㅋㅋ 漢字 abc"
    assert letters("ko") == [] and one("substitute", "가나", "ko")[0] in "가나"


def test_macedonian_has_its_own_letters():
    assert set(letters("mk")) == set("абвгдѓежзѕијклљмнњопрстќуфхцчџш")


def test_every_layout_is_within_its_script_and_symmetric():
    for layout in _LAYOUTS.values():
        keys = [key for layer in ("rows", "shift") for row in layout.get(layer, []) for key in row if key != "_"]
        assert len(keys) == len(set(keys)) and all(key.isalpha() and key == key.lower() for key in keys)
    for code in ("de", "fr", "uk", "el", "ar", "th", "ta", "ka"):
        near = neighbours(code)
        assert near and all(a in near[b] for a, others in near.items() for b in others)


def test_a_gold_span_moves_as_one_and_the_gold_follows():
    context = "Today Anna buys a red apple, and Bob sleeps."
    row = {"context": [context], "question": ["Who?"], "id": ["1"]}
    answers = {"text": ["a red apple", "red"], "answer_start": [16, 18]}
    new = apply("reverse", {**row, "answers": [answers]}, "span", "en", 1)
    assert new["context"] == ["a red apple buys Anna Today, sleeps Bob and."]
    assert new["answers"] == [{"text": ["a red apple", "red"], "answer_start": [0, 2]}]
    new = apply("upper", {**row, "answers": [answers]}, "span", "en", 1)
    assert new["answers"] == [{"text": ["A RED APPLE", "RED"], "answer_start": [16, 18]}]
    elsewhere = {"text": ["Anna", ""], "answer_start": [0, 99]}  # bad gold stays what it was
    assert apply("upper", {**row, "answers": [elsewhere]}, "span", "en", 1)["answers"][0]["text"] == ["Anna", ""]


def test_a_false_answer_has_the_digits_of_the_true_one():
    row = {"context": ["भारत १९५० में गणतंत्र बना और संविधान लागू हुआ।"], "question": ["भारत कब गणतंत्र बना?"]}
    answers = [{"text": ["१९५०"], "answer_start": [5]}]
    made = [apply("distractor", row | {"answers": answers}, "span", "hi", 1, seed)["context"][0] for seed in range(9)]
    added = [context.removeprefix(row["context"][0]).rstrip("।").split() for context in made]
    false = {words[-1] for words in added if words}
    assert false and all(len(year) == 4 and set(year) <= set("१२३४५६७८९") for year in false)


def test_no_text_and_no_answer_becomes_blank():
    assert one("punctuation", "!?", "en") == "!?" and one("diacritics", "ـ", "ar") == "ـ"
    answers = {"text": ["?!"], "answer_start": [4]}
    new = apply("punctuation", {"context": ["Yes ?! no."], "question": [""], "answers": [answers]}, "span", "en", 1)
    assert new["context"] == ["Yes ?! no"] and new["answers"] == [answers] and new["question"] == [""]


@pytest.mark.parametrize(
    "tags",
    [
        "B-LOC E-LOC O O S-PER O", "LOC-B LOC-I O O PER-B O", "B I O O B O", "B-LOC L-LOC O O U-PER O",
        "b-loc i-loc o o b-per o", "LOC LOC O O PER O", "I-LOC I-LOC O O I-PER O",
    ],
)  # fmt: skip
def test_names_stay_together_in_every_scheme_of_tags(tags):
    rows = {"tokens": [["New", "York", "greets", "old", "Anna", "today"]], "tags": [tags.split()]}
    new = apply("reverse", rows, "tagging", "en", 1)
    assert new["tokens"] == [["today", "Anna", "old", "greets", "New", "York"]]
    assert new["tags"][0][-2:] == tags.split()[:2]


@pytest.mark.parametrize(("tags", "labels"), [("I-PER O I-PER O", ("O", "I-PER", "B-PER")), ("PER O PER O", ())])
def test_chunks_that_would_become_one_stay_apart(tags, labels):
    """Where no tag says that a chunk begins, two of a kind side by side are one: then the words stay."""
    rows = {"tokens": [["Anna", "und", "Berta", "heute"]], "tags": [tags.split()]}
    made = [apply("shuffle", rows, "tagging", "de", 1, seed, labels=labels) for seed in range(30)]
    for new in made:
        names = [i for i, tag in enumerate(new["tags"][0]) if tag != "O"]
        assert len(names) == 2 and names[1] - names[0] > 1, new
    assert any(new["tokens"] != rows["tokens"] for new in made)


def test_words_without_a_tag_are_named():
    with pytest.raises(UserError, match="3 words with 2 tags"):
        apply("reverse", {"tokens": [["Das", "ist", "gut"]], "tags": [["O", "B-PER"]]}, "tagging", "de", 1)


def test_neighbours_that_are_no_chunk_move_alone():
    rows = {"tokens": [["one", "two", "three"]], "tags": [["B-ORG", "B-ORG", "B-ORG"]]}
    assert apply("reverse", rows, "tagging", "en", 1)["tokens"] == [["three", "two", "one"]]
    rows["tags"] = [["NOUN", "NOUN", "VERB"]]
    assert apply("reverse", rows, "tagging", "en", 1)["tags"] == [["VERB", "NOUN", "NOUN"]]


def test_words_do_not_move_under_tags_that_are_not_understood():
    rows = {"tokens": [["New", "York"]], "tags": [["B-LOC", "FOO"]]}
    with pytest.raises(UserError, match="words cannot move: tags B-LOC and FOO follow no one scheme"):
        apply("reverse", rows, "tagging", "en", 1)


def test_tagged_chunks_stay_together_when_their_labels_say_so():
    labels = ("O", "B-PER", "I-PER")
    rows = {"tokens": [["met", "Ada", "King", "today", ".", "Bye"]], "tags": [[0, 1, 2, 0, 0, 0]]}
    new = apply("reverse", rows, "tagging", "en", 1, labels=labels)
    assert new["tokens"] == [["today", "Ada", "King", "met", ".", "Bye"]] and new["tags"] == [[0, 1, 2, 0, 0, 0]]
    rows = {"tokens": [["我", "吃", "饭"]], "tags": [[0, 1, 2]]}  # without spaces, but the words are given
    assert apply("reverse", rows, "tagging", "zh", 1)["tags"] == [[2, 1, 0]]


@pytest.mark.parametrize("language", ["en", "de", "ar", "hi", "zh"])
def test_a_distractor_has_the_questions_words_and_no_answer(language):
    from random import Random

    rows = qa_rows(paragraphs(Random(1), "dev", 40), language)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    new = apply("distractor", columns, "span", language, 1)
    added = 0
    for row, context in zip(rows, new["context"], strict=True):
        assert context.startswith(row["context"])
        sentence = context.removeprefix(row["context"])
        added += bool(sentence)
        assert row["answers"]["text"][0].casefold() not in sentence.casefold()
        if sentence and language != "zh":
            words = row["question"].rstrip("?؟").split()
            assert sum(word in sentence for word in words) >= len(words) - 2
    assert added >= 30 and new["answers"] == columns["answers"] and new["question"] == columns["question"]


def test_inflection_keeps_the_lemma_and_the_capital():
    made = {one("inflection", "The Children buy", "en", seed=seed) for seed in range(20)}
    assert "The Child buy" in made and all(text.startswith("The Child") and text.endswith(" buy") for text in made)


def test_edits_are_the_candidates_of_which_a_strength_takes_some():
    text = "Anna buys a red apple"
    candidates = edits("substitute", text, "en", seed=4, spans=[(12, 15)])
    assert [(e.start, e.end) for e in candidates] == [(i, i + 1) for i, c in enumerate(text) if c != " "]
    with pytest.raises(UserError, match="moves words"):
        edits("shuffle", text, "en")


# Lexicons


@pytest.fixture
def wordnets(tmp_path, monkeypatch):
    def write(code: str, *rows: str) -> None:
        lines = ["english\tpos\ttranslation\tsynset", *(row.replace(" | ", "\t") for row in rows)]
        (tmp_path / f"en-{code}.tsv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))

    write(
        "fr", "dog | n | chien | 1", "car | n | auto | 2", "car | n | voiture | 2", "car | n | wagon | 3",
        "book | n | livre | 4", "book | v | réserver | 5", "menu | n | menu | 6", "hot dog | n | saucisse | 7",
    )  # fmt: skip
    write("it", "dog | n | cane | 1", "wagon | n | vagone | 3")
    monkeypatch.setenv("XLT_LEXICONS", str(tmp_path))
    return tmp_path


def test_wordnets_use_the_first_sense_of_unambiguous_words(wordnets):
    assert one("code-mix:fr", "Dogs book a menu", "en") == "Chien book a menu"
    assert {one("code-mix:fr", "cars", "en", seed=seed) for seed in range(9)} == {"auto", "voiture"}
    assert one("code-mix:fr", "a hot dog", "en") == "a saucisse"
    assert one("code-mix", "un chien", "fr") == "un dog"
    assert one("code-mix:it", "chien voiture wagon", "fr") == "cane voiture vagone"  # joined by the synset
    assert one("synonyms", "voiture chien", "fr") == "auto chien"
    assert list(files("code-mix:fr+it", "en")) == ["en-fr.tsv.gz", "en-it.tsv.gz"] and files("typos", "en") == {}


def test_of_another_language_the_english_word_is_taken_that_shares_most(wordnets):
    """A file ranks the senses of English words alone: cane's first row is that of bad person, by the alphabet."""
    rows = (
        "bad person\tn\tcane\t1", "bad person\tn\tcattivo\t1", "dog\tn\tcane\t2", "have\tv\tavere\t3",
        "water\tn\tacqua\t4", "own\tv\tavere\t5", "have\tv\tavere\t5", "dog\tn\tcane\t1",
    )  # fmt: skip
    text = "\n".join(["english\tpos\ttranslation\tsynset", *rows])
    (wordnets / "en-it.tsv.gz").write_bytes(gzip.compress(text.encode()))
    assert {one("code-mix", "cane avere acqua", "it", seed=seed) for seed in range(9)} == {"dog have water"}
    (wordnets / "en-fr.tsv.gz").write_bytes(
        gzip.compress(b"english\tpos\ttranslation\tsynset\nbad person\tn\tvaurien\t1\ndog\tn\tchien\t2")
    )
    assert one("code-mix:fr", "cane", "it") == "chien"  # joined by the sense that dog and cane share
    assert one("code-mix:it", "bad person", "en") in ("cane", "cattivo")  # English senses as the file has them


def test_a_users_files(tmp_path):
    (tmp_path / "near.json").write_text('{"good": ["nice"], "bad": []}')
    assert one(f"synonyms:{tmp_path}/near.json", "Good or bad", "en") == "Nice or bad"
    (tmp_path / "words.tsv").write_text("word\ttranslation\nno\tnein\n")
    assert one(f"code-mix:{tmp_path}/words.tsv", "No way", "en") == "Nein way"


def test_words_of_a_list_are_found_and_put_with_the_capitals_of_the_language(tmp_path, wordnets):
    """Turkish and Azerbaijani have two i, each with its own capital; capitals stay capitals."""
    (tmp_path / "tr.tsv").write_text("word\ttranslation\nışık\tlight\nızgara\tgrill\niyi\tgood\n")
    mixed = one(f"code-mix:{tmp_path}/tr.tsv", "ışık iyi Izgara İyi IŞIK I\u0307yi", "tr")
    assert mixed == "light good Grill Good LIGHT Good"
    (tmp_path / "near.json").write_text('{"güzel": ["iyi"], "ışıklı": ["ılık"]}')
    for code in ("tr", "az"):
        assert one(f"synonyms:{tmp_path}/near.json", "Güzel GÜZEL Işıklı", code) == "İyi İYİ Ilık"
        assert one(f"rs-da-clean:{tmp_path}/near.json", "Işıklı", code, seed=1) in ("Ilık", "Işıklı")
    (wordnets / "en-tr.tsv.gz").write_bytes(gzip.compress(b"english\tpos\ttranslation\tsynset\ncow\tn\tinek\t1"))
    assert one("code-mix:tr", "Cow", "en") == "İnek" and one("code-mix", "İnek", "tr") == "Cow"
    assert one("code-mix:fr", "CAR", "en") in ("AUTO", "VOITURE")


@pytest.mark.parametrize("text", ['{"hello": [""]}', '{"hello": [null, 3]}', '{"hello": ["a", " "]}'])
@pytest.mark.parametrize("name", ["synonyms", "rs-da", "rs-da-clean", "code-mix"])
def test_the_words_of_a_users_file_are_texts(tmp_path, text, name):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(UserError, match="'hello' has .* among its words"):
        one(f"{name}:{tmp_path}/bad.json", "Hello you", "en")
    (tmp_path / "bad.tsv").write_text("word\tneighbour\ttranslation\nhello\t \t \n")
    with pytest.raises(UserError, match="'hello' has a blank"):
        one(f"{name}:{tmp_path}/bad.tsv", "Hello you", "en")


def test_a_users_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "near.json").write_text('{"good": ["nice"]}', encoding="utf-8-sig")
    (tmp_path / "near.tsv").write_text("word\tneighbour\ngood\tnice\n", encoding="utf-8-sig")
    for form in ("json", "tsv"):
        assert one(f"synonyms:{tmp_path}/near.{form}", "good", "en") == "nice"


def test_norwegian_reads_the_lists_of_bokmaal(wordnets):
    gzipped = gzip.compress(b"english\tpos\ttranslation\tsynset\ndog\tn\thund\t1")
    (wordnets / "en-nb.tsv.gz").write_bytes(gzipped)
    assert one("code-mix", "hunden sover", "no") == "dog sover"  # by its lemma
    assert one("code-mix:no", "dogs sleep", "en") == "hund sleep" and list(files("code-mix", "no")) == ["en-nb.tsv.gz"]
    assert {one("inflection", "hunder", "no", seed=seed) for seed in range(20)} >= {"hund"}
    assert "ikke" in stop_words("no")


# Defences


def test_stripping_undoes_invisible_characters_and_leaves_spelling():
    text = "Anna buys\ta red apple\n"
    for kind in ("spaces", "joiners", "hyphens", "marks", "variation", "tags", "controls"):
        assert one(f"invisible:{kind}", text, "en") != text
        assert strip_ignorables(one(f"invisible:{kind}", text, "en"), "en") == text
    assert strip_ignorables("می\u200cخواهم\u202e", "fa") == "می\u200cخواهم"


def test_folding_undoes_look_alikes_and_leaves_other_scripts():
    for language, text in (("en", "Anna paid for coffee"), ("ru", "Анна пьёт кофе"), ("el", "Η Άννα πίνει καφέ")):
        noisy = one("homoglyphs", text, language)
        assert noisy != text and fold_confusables(noisy, language) == text
        assert fold_confusables(text, language) == text
    text = "Anna paid for coffee"
    assert fold_confusables(one("homoglyphs:compatibility", text, "en"), "en") == text
    assert fold_confusables("Юрий stays, Ευ looks like Eu", "en") == "Юрий stays, Eu looks like Eu"


def test_what_a_normaliser_does_is_measured():
    nfkc, bert = normalizers.NFKC(), normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=False)
    tokenizer = SimpleNamespace(backend_tokenizer=SimpleNamespace(normalizer=nfkc))
    left = surviving(tokenizer).set_index("class")  # NFKC, then the two defences: each has its own kind
    assert left.loc["invisible: spaces"].tolist() == [3, 1, 0, 1] and left.loc["bidi: isolate"].tolist() == [3, 1, 0, 1]
    # of 404 look-alikes one stands for two letters, of which folding takes the other
    assert left.loc["homoglyphs: scripts"].tolist() == [404, 1, 1, pytest.approx(1 / 404)]
    assert left.loc["homoglyphs: compatibility"].tolist()[1:] == [0, 1, 0]
    assert "homoglyphs: compatibility" not in set(surviving(tokenizer, "hi")["class"])
    tokenizer.backend_tokenizer.normalizer = bert
    assert surviving(tokenizer).set_index("class")["normaliser"]["invisible: controls"] == 0
    tokenizer.backend_tokenizer.normalizer = None
    assert set(surviving(tokenizer)["normaliser"]) == {1}
    # XLM-R's rules turn a zero-width space into a space: the character is gone, and the word is two
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("\u200b", " ")
    assert surviving(tokenizer).set_index("class")["normaliser"]["invisible: spaces"] == 1
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("\u200b", "")
    assert surviving(tokenizer).set_index("class")["normaliser"]["invisible: spaces"] == pytest.approx(2 / 3)


def test_where_a_perturbation_is_valid(tmp_path):
    """By language, family and the word lists that are here; what does not exist is an error everywhere."""
    told = {name: [c for c in ("en", "de", "zh", "hi") if valid(name, c, "span")] for name in VALID}
    assert told == VALID
    assert not valid("distractor", "en", "classification") and valid("shuffle", "th", "tagging")
    for name in ("typoz", f"code-mix:{tmp_path}/none.tsv"):
        with pytest.raises(UserError):
            valid(name, "en", "span")


VALID = {"typos": ["en", "de", "hi"], "romanise": ["zh", "hi"], "code-mix:en": ["de", "zh", "hi"],
         "distractor": ["en", "de", "zh", "hi"]}  # fmt: skip


# Errors, tables, the command


@pytest.mark.parametrize(
    "name, language, strength, says",
    [
        ("typoz", "en", 1, "did you mean typos"),
        ("typos", "xx", 1, "unknown language 'xx'"),
        ("typos", "zh", 1, "not valid for zh"),
        ("inflection", "th", 1, "not valid for th"),
        ("shuffle", "th", 1, "needs spaces"),
        ("distractor", "en", 1, "has no meaning for mlm"),
        ("typos", "en", 1.5, "from 0 to 1"),
        ("typos", "en", "a lot", "from 0 to 1"),
        ("typos", "en", float("nan"), "from 0 to 1"),
        ("typos:en", "en", 1, "takes no argument"),
        ("invisible:joiner", "en", 1, "did you mean joiners"),
        ("code-mix", "en", 1, "with itself"),
        ("code-mix:th", "en", 1, "no lexicon from en to th"),
        ("synonyms:none.tsv", "en", 1, "cannot be read"),
        ("indic:Deva", "hi", 1, "already"),
        ("homoglyphs:compatibility", "ru", 1, "no compatibility homoglyphs of Cyrl"),
        ("rs-da", "zh", 1, "needs spaces"),
        ("rs-da-clean", "zh", 1, "needs spaces"),
    ],
)
def test_bad_input_is_one_line(name, language, strength, says, monkeypatch):
    monkeypatch.delenv("XLT_LEXICONS", raising=False)
    with pytest.raises(UserError, match=says) as raised:
        one(name, "Anna", language, strength)
    assert "\n" not in str(raised.value)


def test_a_lexicon_with_wrong_columns_and_rows_without_columns(tmp_path):
    (tmp_path / "wrong.tsv").write_text("word,translation\nno,nein\n")
    with pytest.raises(UserError, match="wrong.tsv has no column word"):
        one(f"code-mix:{tmp_path}/wrong.tsv", "no", "en")
    (tmp_path / "short.tsv").write_text("word\ttranslation\nno\n")
    with pytest.raises(UserError, match="line 2"):
        one(f"code-mix:{tmp_path}/short.tsv", "no", "en")
    with pytest.raises(UserError, match="no column answers"):
        apply("typos", {"context": [], "question": []}, "span", "en", 1)


def test_the_gallery_shows_every_perturbation_in_several_scripts(monkeypatch):
    monkeypatch.delenv("XLT_LEXICONS", raising=False)
    shown = examples()
    assert set(shown["perturbation"]) == set(table()["name"]) and set(shown["language"]) == set(sentences())
    assert len(shown) <= 3 * len(table()) and (shown["before"] != shown["after"]).all()
    assert all(row.answer in row.after for row in shown.itertuples())
    scripts = shown["language"].map(lambda code: language_row(code).script)
    assert not pd.DataFrame({"name": shown["perturbation"], "script": scripts}).duplicated().any()
    html = gallery().html
    assert html.count("<tr>") == len(shown) + 1 and "<mark>" in html and "U+200B" in html
    assert table()["what"].str.endswith(".").all()


def test_the_gallery_is_escaped():
    assert _marked("a <b> c", "a <i> c") == "a <mark>&lt;i&gt;</mark> c"


def test_the_sentences_of_the_gallery_hold_their_answers():
    for code, row in sentences().items():
        assert row["answer"] in row["context"], code
        if "tokens" in row:
            assert len(row["tokens"]) == len(row["tags"]) and "".join(row["tokens"]) == row["context"], code


def command(monkeypatch, capfdbinary, lines: bytes, *arguments: str) -> tuple[int, list[bytes], str]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    code = cli.main(["perturb", *arguments])
    out, err = capfdbinary.readouterr()
    return code, out.splitlines(), err.decode()


def test_the_command_keeps_columns_and_goes_on_after_bad_lines(monkeypatch, capfdbinary):
    hub = {"premise": "a cat", "hypothesis": "No", "label": 1, "more": [1]}
    odd = '{"context": 3, "question": 4, "answers": 5}'
    lines = ["a cat", "", json.dumps(hub), '{"x": 1}', '{"text": "a \\ud83d b"}', odd]
    raw = "\n".join(lines).encode() + b"\n\xff\nlast"
    settings = ("--name", "upper", "--strength", "1", "--language", "en")
    code, out, err = command(monkeypatch, capfdbinary, raw, *settings)
    assert code == 2 and out[0] == b"A CAT" and out[1] == b"" and out[-2:] == [b"\xff", b"LAST"]
    assert json.loads(out[2]) == hub | {"premise": "A CAT", "hypothesis": "NO"}
    assert out[3] == b'{"x": 1}' and json.loads(out[4]) == {"text": "A \ud83d B"} and out[5].decode() == odd
    assert [line.split(":")[1] for line in err.splitlines()] == [" line 2", " line 4", " line 6", " line 7"]
    code, out, err = command(monkeypatch, capfdbinary, b"a cat\n", *settings, "--family", "span")
    assert code == 2 and "no columns of span records" in err


def reversed_records(monkeypatch, capfdbinary, records: list[dict], *arguments: str) -> tuple[list[dict], list[str]]:
    lines = "\n".join(map(json.dumps, records)).encode()
    settings = ("--name", "reverse", "--strength", "1", "--language", "en", *arguments)
    _, out, err = command(monkeypatch, capfdbinary, lines, *settings)
    return list(map(json.loads, out)), err.splitlines()


def test_the_command_keeps_entities_whole_where_words_move(monkeypatch, capfdbinary):
    tokens = ["Ada", "King", "met", "Bob"]
    named, numbered = ["B-PER", "I-PER", "O", "B-PER"], [1, 2, 0, 1]
    records = [{"tokens": tokens, "tags": named}, {"tokens": tokens, "ner_tags": numbered},
               {"tokens": tokens, "tags": numbered}]  # fmt: skip
    made, said = reversed_records(monkeypatch, capfdbinary, records)
    assert made[0] == {"tokens": ["Bob", "met", "Ada", "King"], "tags": ["B-PER", "O", "B-PER", "I-PER"]}
    assert made[1] == {"tokens": ["Bob", "met", "Ada", "King"], "ner_tags": [1, 0, 1, 2]}  # labels as PAN-X declares
    assert made[2] == records[2] and len(said) == 1 and "line 3: the tags are numbers" in said[0]
    rows = {"tokens": [tokens], "tags": [named]}
    assert apply("reverse", rows, "tagging", "en", 1, labels=("O",)) == apply("reverse", rows, "tagging", "en", 1)


def test_the_command_reads_the_first_record_behind_a_byte_order_mark(monkeypatch, capfdbinary):
    asked = ("--name", "upper", "--strength", "1", "--language", "en")
    lines = b'{"text_a": "the house", "label": 1}\r\n{"text_a": "a door", "label": 0}\r\n'
    code, out, err = command(monkeypatch, capfdbinary, b"\xef\xbb\xbf" + lines, *asked)
    assert (code, err) == (0, "")
    assert out == [b'{"text_a": "THE HOUSE", "label": 1}', b'{"text_a": "A DOOR", "label": 0}']
    code, out, err = command(monkeypatch, capfdbinary, lines.decode().encode("utf-16"), *asked)
    assert (code, out, err) == (2, [], "xlt: the input is UTF-16; save it as UTF-8\n")


def test_the_command_names_empty_texts_and_goes_on(monkeypatch, capfdbinary):
    empty = [
        {"text": ""},
        {"text": None},
        {"premise": "a b", "hypothesis": " "},
        {"prompt": "a b", "choices": ["", "c"]},
    ]
    records = [*empty, {"tokens": [], "tags": []}, {"text_a": "a b", "text_b": None}]
    made, said = reversed_records(monkeypatch, capfdbinary, records)
    assert made == [*records[:-1], {"text_a": "b a", "text_b": None}]
    what = ["text", "text", "hypothesis", "choices", "tokens"]
    assert said == [f"xlt: line {i + 1}: {name} is empty; left as it is" for i, name in enumerate(what)]


def test_the_command_reads_choices_as_their_data_sets_have_them(monkeypatch, capfdbinary):
    copa = {"premise": "a b", "choice1": "c d", "choice2": "e f", "question": "cause", "label": 1}
    siqa = {"context": "a b", "question": "c d", "answerA": "e", "answerB": "f g", "answerC": "h i", "label": "1"}
    csqa = {"question": "a b", "choices": {"label": ["A", "B"], "text": ["c d", "e f"]}, "answerKey": "A"}
    for family in ((), ("--family", "choice")):
        made, said = reversed_records(monkeypatch, capfdbinary, [copa, siqa, csqa], *family)
        assert made[0] == copa | {"premise": "b a", "choice1": "d c", "choice2": "f e"} and not said
        assert made[1] == siqa | {"context": "b a", "question": "d c", "answerB": "g f", "answerC": "i h"}
        assert made[2] == csqa | {"question": "b a", "choices": {"label": ["A", "B"], "text": ["d c", "f e"]}}


def test_the_command_complains_once_about_the_perturbation_itself(monkeypatch, capfdbinary):
    code, out, err = command(monkeypatch, capfdbinary, b"a\nb\n", "--name", "code-mix:none.tsv", "--language", "en")
    assert (
        (code, out) == (2, []) and err.startswith("xlt: lexicon file none.tsv cannot be read") and err.count("\n") == 1
    )
    code, out, _ = command(monkeypatch, capfdbinary, b"", "--list")
    assert code == 0 and len(out) == len(table()) + 1
    code, _, err = command(monkeypatch, capfdbinary, b"", "--language", "en")
    assert code == 2 and "--list" in err
