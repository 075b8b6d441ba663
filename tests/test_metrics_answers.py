"""Answers: golden values by hand in ar, de, en, es, hi, ja, th, vi, zh; agreement with slow readings of the scripts."""

import random
import string
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlt.evaluation import metrics


def test_squad2_counts_questions_without_an_answer_and_splits_them():
    references = [["Paris"], [], ["a cat sat"], ["x"], [], ["..."], [], ["...", "x"]]
    predictions = ["Paris!", "", "the cat", None, "dog", "", None, ""]
    exact = metrics.squad2_exact_match(predictions, references)
    overlap = metrics.squad2_f1(predictions, references)
    assert exact.tolist() == [1, 1, 0, 0, 0, 1, 0, 0]  # "" is right where nothing is left of any reference
    assert overlap == pytest.approx([1, 1, 2 / 3, 0, 0, 1, 0, 0], abs=1e-12)
    assert metrics.mean(metrics.with_answer(overlap, references)) == pytest.approx(
        (1 + 2 / 3 + 0 + 1 + 0) / 5, abs=1e-12
    )
    assert metrics.mean(metrics.without_answer(exact, references)) == pytest.approx(1 / 3, abs=1e-12)


def test_no_question_of_a_kind_gives_no_number():
    assert np.isnan(metrics.mean(metrics.without_answer(np.ones(2), [["a"], ["b"]])))


@pytest.mark.parametrize(
    ("language", "prediction", "reference", "exact", "overlap"),
    [
        ("en", "the Tower – of London", "tower of London", 1, 1),
        ("en", "a", "the", 1, 0),  # nothing left: they match, but share no token
        ("de", "die Stadt Köln", "Köln", 0, 2 * 1 / (2 + 1)),
        ("es", "«Los Ángeles»", "Ángeles", 1, 1),
        ("vi", "của Nguyễn Trãi", "Nguyễn Trãi", 1, 1),
        ("hi", "दिल्ली।", "दिल्ली", 1, 1),
        ("hi", "नई दिल्ली", "दिल्ली", 0, 2 * 1 / (2 + 1)),
        ("zh", "北京大学", "北京", 0, 2 * 2 / (4 + 2)),
        ("zh", "3号线。", "3号", 0, 2 * 2 / (3 + 2)),
        ("zh", "iPhone 手机", "iphone手机", 1, 1),
        ("zh", "\u9fd4\u9fd5", "\u9fd4", 0, 0),  # beyond the characters that the script knows: one word
        ("ar", "القاهرة، مصر", "قاهرة مصر", 1, 1),
    ],
)
def test_mlqa(language, prediction, reference, exact, overlap):
    for mended in (False, True):
        assert metrics.mlqa_exact_match([prediction], [[reference]], language, mended).tolist() == [exact]
        assert metrics.mlqa_f1([prediction], [[reference]], language, mended) == pytest.approx([overlap], abs=1e-12)


@pytest.mark.parametrize(
    ("prediction", "reference", "published", "mended"),
    [
        ("سالم", "س م", (1, 1), (0, 0)),  # the published rule cuts the name in two
        # published: م ك and م ك ثاني; mended: مالك and مالك ثاني
        ("مالك", "مالك الثاني", (0, 2 * 2 / (2 + 3)), (0, 2 * 1 / (1 + 2))),
        ("في البيت", "في بيت", (1, 1), (1, 1)),
    ],
)
def test_mlqas_arabic_article_as_published_and_mended(prediction, reference, published, mended):
    for (exact, overlap), rule in ((published, False), (mended, True)):
        assert metrics.mlqa_exact_match([prediction], [[reference]], "ar", rule)[0] == exact
        assert metrics.mlqa_f1([prediction], [[reference]], "ar", rule)[0] == pytest.approx(overlap, abs=1e-12)


def test_every_form_of_the_greek_articles_is_taken_off():
    articles = "ο η το τον την τη του της τους τις των οι τα ένας μια ένα ενός μιας έναν"
    for article in articles.split():
        assert metrics.f1_language_aware(["Γερμανία"], [[f"{article} Γερμανία"]], "el")[0] == 1, article


def test_languages_that_mlqa_does_not_have_lose_no_articles():
    assert metrics.mlqa_f1(["ο κήπος"], [["κήπος"]], "el")[0] == pytest.approx(2 * 1 / (1 + 2))


@pytest.mark.parametrize(
    ("language", "prediction", "reference", "exact", "overlap"),
    [
        ("zh", "１９９８年", "1998年", 1, 1),  # width is folded
        ("zh", "一九九八年", "九八", 0, 2 * 2 / (5 + 2)),
        ("ja", "ｻｰﾊﾞｰ", "サーバー", 1, 1),
        ("ja", "東京都は", "東京", 0, 2 * 2 / (4 + 2)),
        ("th", "น้ำ", "นำ", 0, 2 * 1 / (2 + 2)),  # a tone mark belongs to its letter: นํ้ and า, นํ and า
        ("th", "กรุงเทพ ไทย", "ไทย", 0, 2 * 3 / (9 + 3)),  # ก รุ ง เ ท พ ไ ท ย
        ("my", "ရန်ကုန်", "ရန်ကုန်", 1, 1),
        ("en", "$5+", "5", 1, 1),
        ("ko", "서울 시", "서울", 0, 2 * 1 / (2 + 1)),  # words
    ],
)
def test_language_aware_scores_of_scripts_without_spaces(language, prediction, reference, exact, overlap):
    assert metrics.exact_match_language_aware([prediction], [[reference]], language)[0] == exact
    assert metrics.f1_language_aware([prediction], [[reference]], language)[0] == pytest.approx(overlap, abs=1e-12)


ascii_text = st.text(st.sampled_from("aAn theT,.$_-1\t") | st.sampled_from(string.printable[:95]), max_size=20)


@given(ascii_text, ascii_text)
def test_of_english_in_ascii_the_language_aware_scores_are_the_official_ones(prediction, reference):
    aware = metrics.f1_language_aware([prediction], [[reference]], "en")
    assert aware == pytest.approx(metrics.squad2_f1([prediction], [[reference]]), abs=1e-12)
    exact = metrics.exact_match_language_aware([prediction], [[reference]], "en")
    assert exact == metrics.exact_match([prediction], [[reference]])


# slow and literal: a text is walked letter by letter, shared tokens are struck off a list

ARTICLES = {
    "squad": "a an the",
    "en": "a an the",
    "es": "un una unos unas el la los las",
    "de": "ein eine einen einem eines einer der die das den dem des",
    "hi": "",
    "zh": "",
}


def slow_tokens(text: str, rule: str) -> list[str]:
    spaced = ""
    for letter in text.lower():
        unicode_mark = rule != "squad" and unicodedata.category(letter)[0] == "P"
        if letter in string.punctuation or unicode_mark:
            continue
        spaced += f" {letter} " if rule == "zh" and 0x4E00 <= ord(letter) <= 0x9FA5 else letter
    return [word for word in spaced.split() if word not in ARTICLES[rule].split()]


def slow_f1(prediction: str, reference: str, rule: str) -> float:
    predicted, left = slow_tokens(prediction, rule), slow_tokens(reference, rule)
    wanted, shared = len(left), 0
    for token in predicted:
        if token in left:
            left.remove(token)
            shared += 1
    if not shared:
        return 0.0
    precision, recall = shared / len(predicted), shared / wanted
    return 2 * precision * recall / (precision + recall)


PIECES = "the a Der die Los la London 北京 大学 3号 दिल्ली। नई القاهرة، ไทย x-y U.S. “quoted” 1998 , 。 été"


@pytest.mark.parametrize("rule", ARTICLES)
def test_agreement_with_a_slow_reading_of_the_scripts(rule):
    dice = random.Random(0)
    texts = [
        dice.choice([" ", "", ", "]).join(dice.choices(PIECES.split(" "), k=dice.randint(0, 5))) for _ in range(400)
    ]
    predictions, references = texts[:200], [[a, b] for a, b in zip(texts[100:300], texts[200:], strict=True)]
    if rule == "squad":
        f1, exact = metrics.f1(predictions, references), metrics.exact_match(predictions, references)
    else:
        f1 = metrics.mlqa_f1(predictions, references, rule)
        exact = metrics.mlqa_exact_match(predictions, references, rule)
    pairs = list(zip(predictions, references, strict=True))
    assert f1 == pytest.approx([max(slow_f1(p, r, rule) for r in rs) for p, rs in pairs], abs=1e-9)
    assert exact.tolist() == [any(slow_tokens(p, rule) == slow_tokens(r, rule) for r in rs) for p, rs in pairs]
    assert 0 < f1.mean() < 1 and 0 < exact.mean() < 1
