"""Further forms of question answering, in the columns of the real data sets.

squad2     a third of the questions is answered nowhere
advsquad   a statement that looks like an answer comes last, in English (AddSent, AddOneSent)
advqa      questions whose words lead astray, in English
mlqa       longer contexts, in every language
tydiqa     questions that say less than what answers them, all languages in one config
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from xlt.spec.languages import language as language_row
from xlt.world.columns import ANSWERS, STRING, Row, features, sets
from xlt.world.forms import qa_row
from xlt.world.readings import Attacked, Reading, advqa, advsquad, mlqa, readings, squad2, tydiqa
from xlt.world.render import ask, realise


def reading_rows(records: Iterable[Reading], language: str, prefix: str = "world") -> list[Row]:
    """The columns of SQuAD."""
    return [_row(reading, language, f"{prefix}-{i:06d}") for i, reading in enumerate(records)]


def _row(reading: Reading, language: str, name: str) -> Row:
    statements = [realise(event, language) for event in reading.events]
    question = ask(reading.question, reading.asked, language)
    return qa_row(name, statements, question, reading.which, reading.asked)


def tydiqa_rows(records: Iterable[Reading], language: str) -> list[Row]:
    """As in TyDiQA-GoldP: the id begins with the English name of the language."""
    return reading_rows(records, language, language_row(language).name.lower())


def advqa_rows(records: Iterable[Reading], language: str, split: str) -> list[Row]:
    """As in adversarial_qa, whose rows name their split."""
    metadata = {"split": split, "model_in_the_loop": "Combined"}
    return [row | {"metadata": metadata} for row in reading_rows(records, language)]


def add_sent_rows(records: Iterable[Attacked], language: str, most: int | None = None) -> list[Row]:
    """Each question as it was, then with each of its distractors (at most so many) at the end of the context."""
    rows = []
    for i, (reading, distractors) in enumerate(records):
        rows.append(_row(reading, language, f"world-{i:06d}"))
        for k, event in enumerate(distractors[:most]):
            longer = reading._replace(events=(*reading.events, event))
            rows.append(_row(longer, language, f"world-{i:06d}-high-conf-turk{k}"))
    return rows


_SQUAD = features("id title context question", answers=ANSWERS)
_TYDIQA, _ADVSQUAD = "google-research-datasets/tydiqa", "stanfordnlp/squad_adversarial"
FEATURES = {
    "rajpurkar/squad_v2": _SQUAD,
    _ADVSQUAD: _SQUAD,
    "UCLNLP/adversarial_qa": features(
        "id title context question", answers=ANSWERS, metadata={"split": STRING, "model_in_the_loop": STRING}
    ),
    "facebook/mlqa": features("context question", answers=ANSWERS, id=STRING),
    _TYDIQA: _SQUAD,
}
_ADD_SENT = {"AddSent": add_sent_rows, "AddOneSent": partial(add_sent_rows, most=1)}
SETS = {
    **sets("squad2", "train dev", partial(readings, squad2), reading_rows, "rajpurkar/squad_v2", "squad_v2"),
    "advsquad_test": (
        "test", partial(readings, advsquad), _ADD_SENT, [(_ADVSQUAD, config, "validation") for config in _ADD_SENT]
    ),
    **{
        f"advqa_{split}": (split, partial(readings, advqa), partial(advqa_rows, split=name), [
            ("UCLNLP/adversarial_qa", "adversarialQA", name),
        ])
        for split, name in (("train", "train"), ("dev", "validation"))
    },
    **sets("mlqa", "dev test", partial(readings, mlqa), reading_rows, "facebook/mlqa", "mlqa.{code}.{code}"),
    "tydiqa_train": ("train", partial(readings, tydiqa), tydiqa_rows, [(_TYDIQA, "secondary_task{all}", "train")]),
    "tydiqa_test": ("test", partial(readings, tydiqa), tydiqa_rows, [(_TYDIQA, "secondary_task{all}", "validation")]),
}  # fmt: skip
