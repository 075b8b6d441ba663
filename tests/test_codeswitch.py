"""Code-switched text: English phrases in other frames, others in the English one, negation kept."""

from random import Random

import pytest

from xlt.world.codeswitch import code_switched
from xlt.world.concepts import Event
from xlt.world.forms import passages, switched_rows
from xlt.world.render import realise, text

EVENT = Event("anna", "buy", "apple", "red", place="market", time="morning")


def said(language, event=EVENT, asked=""):
    return {text(code_switched(Random(seed), event, asked, language)) for seed in range(200)}


def test_every_phrase_is_switched_or_not():
    roles = [("Anna",), ("kauft", "buys"), ("am Morgen", "in the morning"), ("auf dem Markt", "at the market")]
    roles.append(("einen roten Apfel", "a red apple"))
    wanted = [""]
    for phrases in roles:
        wanted = [f"{start} {phrase}".strip() for start in wanted for phrase in phrases]
    assert said("de") == {f"{sentence}." for sentence in wanted}


@pytest.mark.parametrize(("guest", "kept"), [("einen roten Apfel", "Anna buys"), ("在市场", "a red apple")])
def test_the_english_frame_takes_phrases_of_every_language(guest, kept):
    assert any(guest in sentence and kept in sentence for sentence in said("en"))


def test_negation_stays_where_its_language_says_it():
    sentences = said("de", Event("anna", "buy", "apple", place="market", negated=True))
    assert sentences == {f"Anna kauft {place} keinen Apfel." for place in ("auf dem Markt", "at the market")}


def test_what_has_no_role_stays():
    assert said("de", Event("anna", "break", "clock")) >= {"Anna macht a clock kaputt.", "Anna breaks eine Uhr kaputt."}
    assert all(sentence.endswith("?") for sentence in said("es", asked="object"))


def test_text_is_switched_and_the_same_at_every_call():
    records = passages(Random(0), "train", 100)
    rows = switched_rows(records, "tr")
    assert rows == switched_rows(records, "tr")
    plain = [text(*(realise(event, "tr") for event, asked in passage)) for passage in records]
    assert 60 < sum(row["text"] != sentence for row, sentence in zip(rows, plain, strict=True)) <= 100
