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

from datasets import Features, List, Value

from xlt.spec.languages import language as language_row
from xlt.world.forms import Row
from xlt.world.readings import Attacked, Reading, advqa, advsquad, mlqa, readings, squad2, tydiqa
from xlt.world.render import ask, realise, span, text


def reading_rows(records: Iterable[Reading], language: str, prefix: str = "world") -> list[Row]:
    """The columns of SQuAD; without an answer the lists are empty, as in SQuAD 2.0."""
    return [_row(made, language, f"{prefix}-{i:06d}") for i, made in enumerate(records)]


def _row(made: Reading, language: str, name: str) -> Row:
    said = [realise(event, language) for event in made.events]
    context = text(*said)
    start, end = (0, 0) if made.which is None else span(said, made.which, made.asked)
    return {
        "id": name,
        "title": "World",
        "context": context,
        "question": text(ask(made.question, made.asked, language)),
        "answers": {"text": [context[start:end]] * (end > 0), "answer_start": [start] * (end > 0)},
    }


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
    for i, (made, distractors) in enumerate(records):
        rows.append(_row(made, language, f"world-{i:06d}"))
        for k, event in enumerate(distractors[:most]):
            longer = made._replace(events=(*made.events, event))
            rows.append(_row(longer, language, f"world-{i:06d}-high-conf-turk{k}"))
    return rows


_STRING = Value("string")
_ANSWERS = {"text": List(_STRING), "answer_start": List(Value("int32"))}
_SQUAD = {"id": _STRING, "title": _STRING, "context": _STRING, "question": _STRING, "answers": _ANSWERS}
FEATURES = {
    "rajpurkar/squad_v2": Features(_SQUAD),
    "stanfordnlp/squad_adversarial": Features(_SQUAD),
    "UCLNLP/adversarial_qa": Features(_SQUAD | {"metadata": {"split": _STRING, "model_in_the_loop": _STRING}}),
    "facebook/mlqa": Features({"context": _STRING, "question": _STRING, "answers": _ANSWERS, "id": _STRING}),
    "google-research-datasets/tydiqa": Features(_SQUAD),
}
_SQUAD2, _ADVSQUAD, _ADVQA = "rajpurkar/squad_v2", "stanfordnlp/squad_adversarial", "UCLNLP/adversarial_qa"
_MLQA, _TYDIQA = "facebook/mlqa", "google-research-datasets/tydiqa"
SETS = {  # as in xlt.world.files
    "squad2_train": ("train", partial(readings, squad2), reading_rows, [(_SQUAD2, "squad_v2", "train")]),
    "squad2_dev": ("dev", partial(readings, squad2), reading_rows, [(_SQUAD2, "squad_v2", "validation")]),
    "advsquad_test": (
        "test", partial(readings, advsquad), {"AddSent": add_sent_rows, "AddOneSent": partial(add_sent_rows, most=1)},
        [(_ADVSQUAD, "AddSent", "validation"), (_ADVSQUAD, "AddOneSent", "validation")],
    ),
    "advqa_train": ("train", partial(readings, advqa), partial(advqa_rows, split="train"), [
        (_ADVQA, "adversarialQA", "train"),
    ]),
    "advqa_dev": ("dev", partial(readings, advqa), partial(advqa_rows, split="validation"), [
        (_ADVQA, "adversarialQA", "validation"),
    ]),
    "mlqa_dev": ("dev", partial(readings, mlqa), reading_rows, [(_MLQA, "mlqa.{code}.{code}", "validation")]),
    "mlqa_test": ("test", partial(readings, mlqa), reading_rows, [(_MLQA, "mlqa.{code}.{code}", "test")]),
    "tydiqa_train": ("train", partial(readings, tydiqa), tydiqa_rows, [(_TYDIQA, "secondary_task{all}", "train")]),
    "tydiqa_test": ("test", partial(readings, tydiqa), tydiqa_rows, [(_TYDIQA, "secondary_task{all}", "validation")]),
}  # fmt: skip
