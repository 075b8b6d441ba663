"""The tasks, declared: one entry says where the records are, what the columns mean and how it is scored.

Hub ids, configs, columns and label orders are those of the public data sets. `columns` maps our
column names to theirs. A target task without training data of its own names the task whose English
training split it uses (`trains_on`: MNLI for XNLI, SQuAD for XQuAD, as in XTREME); tasks that share a
head (`head`) can be evaluated with one another's models. `version` is raised when scores can change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xlt.errors import unknown
from xlt.languages import language

NLI = ("entailment", "neutral", "contradiction")
UPOS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
    "SYM", "VERB", "X",
)  # fmt: skip

# metric -> the task's score; the first of a task's metrics is its main one
CLASSIFICATION, TAGGING, SPAN, RETRIEVAL, MLM = "classification", "tagging", "span", "retrieval", "mlm"
_SPAN_COLUMNS = {"id": "id", "context": "context", "question": "question", "answers": "answers"}
_PAIR = {"text_a": "premise", "text_b": "hypothesis", "label": "label"}
_TAGS = {"tokens": "tokens", "tags": "pos_tags"}


@dataclass(frozen=True)
class Task:
    name: str
    family: str
    role: str  # intermediate | target | pretraining
    dataset: str
    config: str  # "{code}", "{name}" and "{iso3}" are filled in from the language table
    columns: Mapping[str, str]
    languages: tuple[str, ...]
    licence: str
    metrics: tuple[str, ...] = ()
    splits: Mapping[str, str] = field(default_factory=lambda: {"train": "train", "dev": "validation", "test": "test"})
    labels: tuple[str, ...] = ()
    trains_on: str | None = None
    head: str = ""
    version: int = 1

    def config_for(self, code: str) -> str:
        row = language(code)
        return self.config.format(code=row.code, name=row.name, iso3=row.iso3)

    @property
    def training(self) -> Task:
        """The task whose training split this one uses."""
        return TASKS[self.trains_on] if self.trains_on else self

    @property
    def head_name(self) -> str:
        return self.head or self.training.name


def _codes(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_DECLARED = (
    Task("mnli", CLASSIFICATION, "intermediate", "nyu-mll/glue", "mnli", _PAIR, ("en",), "OANC, CC BY, CC BY-SA",
         ("accuracy",), {"train": "train", "dev": "validation_matched"}, NLI),
    Task("squad", SPAN, "intermediate", "rajpurkar/squad", "plain_text", _SPAN_COLUMNS, ("en",), "CC BY-SA 4.0",
         ("f1", "exact_match"), {"train": "train", "dev": "validation"}),
    Task("pos", TAGGING, "intermediate", "google/xtreme", "udpos.{name}", _TAGS, ("en",), "UD, per treebank",
         ("chunk_f1", "token_accuracy"), labels=UPOS, head="udpos"),
    Task("xnli", CLASSIFICATION, "target", "facebook/xnli", "{code}", _PAIR,
         _codes("en ar bg de el es fr hi ru sw th tr ur vi zh"), "CC BY-NC 4.0",
         ("accuracy",), {"dev": "validation", "test": "test"}, NLI, trains_on="mnli"),
    Task("udpos", TAGGING, "target", "google/xtreme", "udpos.{name}", _TAGS,
         _codes("en af ar bg de el es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh"),
         "UD, per treebank", ("chunk_f1", "token_accuracy"), labels=UPOS),
    Task("xquad", SPAN, "target", "google/xquad", "xquad.{code}", _SPAN_COLUMNS,
         _codes("en ar de el es hi ru th tr vi zh"), "CC BY-SA 4.0",
         ("f1", "exact_match", "f1_language_aware"), {"test": "validation"}, trains_on="squad"),
    Task("tatoeba", RETRIEVAL, "target", "google/xtreme", "tatoeba.{iso3}",
         {"source": "source_sentence", "target": "target_sentence"},
         _codes("ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh kk tr et"
                " fi hu"),
         "CC BY 2.0 FR", ("accuracy_en_to_xx", "accuracy_xx_to_en"), {"test": "validation"}),
    Task("text", MLM, "pretraining", "xlt/world-text", "{code}", {"text": "text"}, (), "Apache-2.0",
         splits={"train": "train"}),
    Task("mnli-text", MLM, "pretraining", "xlt/mnli-translated", "{code}", {"text": "premise"},
         _codes("ar az cs da de en es et fi fr hu lt lv nl no pl sv sw tr ur uz vi zh"), "BSD-3-Clause, MNLI terms",
         splits={"train": "train"}),
)  # fmt: skip

TASKS: dict[str, Task] = {task.name: task for task in _DECLARED}


def get(name: str) -> Task:
    """The declared task `name`.

    Raises:
        UserError: no such task; says which names are near.
    """
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    return TASKS[name]
