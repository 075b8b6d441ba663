"""What a task's declaration says, and what is wrong in one. See tasks.yaml for the declared ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

from xlt.core.errors import UserError, unknown
from xlt.spec import schemes, slices
from xlt.spec.families import CLASSIFICATION, FAMILIES, MLM, TAGGING
from xlt.spec.languages import canonical, language, one_each
from xlt.spec.readas import Read


def _words(value: Any) -> Any:
    """ "en ar de" is a short form of a list."""
    return tuple(value.split()) if isinstance(value, str) else value


def _word(value: Any) -> Any:
    """YAML reads true and false as booleans, but they may be the names of labels."""
    return str(value).lower() if isinstance(value, bool) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Word = Annotated[str, BeforeValidator(_word)]
Spelled = Annotated[Words, AfterValidator(one_each)]  # language codes, kept as the data set spells them


def _by_code(table: Any) -> Any:
    """A table by language with canonical codes; any other value is returned as it is."""
    return {canonical(code): value for code, value in table.items()} if isinstance(table, Mapping) else table


class Declaration(BaseModel):
    """What YAML says of one task, field by field.

    columns     our name: theirs. Theirs may be a path into a nested column ("choices.text"), or a list of columns,
                whose texts are joined by a space (of `choices`: each is one choice). `text_b: null` for single
                texts. A `prompt` that is too long loses its beginning, so the passage comes before the question.
    dataset     a hub id, or the path of a folder or of one file: ./mine, ../mine, /data/mine, ~/mine.csv
    config      the data set's config of a language, in which {code} stands for the code as `languages` spells it,
                {name} and {lower} for its name and that in lower case, {iso3} for its ISO 639-3 code; or a table
                language: config. Of a folder without a card that names configs, the name of a folder in it.
    revision    branch, tag or commit on the hub: of a repository that is a loading script, its parquet branch
    elsewhere   language: fields that differ for it, when its records are in another data set
    labels      names in the order of their numbers, or the texts of a label column that holds text. A file that
                names its labels is read by these names, so it may number them otherwise. For tagging, names follow a
                scheme of spec.schemes; without any, those of the training file are taken.
    splits      ours: theirs. Theirs may be a part of a split: train[:80%] and train[80%:] (see xlt.spec.slices)
    relabel     label names, theirs: ours. Of a compound ("CONJ+NOUN"), the part that comes first in this table counts.
    drop        labels (theirs) that are left out: of classification the row (SNLI's -1: annotators disagreed), of
                tagging the word (UD's "_": a contraction, whose words follow it)
    read        how CSV, TSV and CoNLL files are read where that cannot be seen from them: `Read`
    words       column: {value: text} replaces values by texts before columns are joined (COPA's cause/effect)
    prefix      column: text that begins the rows of a language, filled in like config; for files that hold several
                languages (TyDiQA's ids)
    pool        the tasks (family pool) whose records are searched: for mining the foreign and the English sentences,
                for dual retrieval the entries that `target` names by their id
    trains_on   the task whose English training split this target is trained on (MNLI for XNLI, as in XTREME)
    translation_of  the task of which this is a translation: learning from it is learning from that task's data
    parts       the tasks whose training splits this one joins (ANLI+)
    clean       of a test set that people perturbed, the task with the same rows before that
    records_of  the task whose test records these are, too: read otherwise, or with other labels. A contrast that has
                both counts each once. The same names (`id`, or places where there are none) must mean the same records
    rows_of     the task whose column `idx` holds the numbers of the rows to take, in the order to take them
    rows        split: number of rows in the public data set, or of each language; checked when records are read
    subwords    mean length of a record with XLM-R's tokenizer, of choices with one of them: plans count with it
    languages   those in which it is evaluated unless the profile names others: XTREME's; see xlt.lab.evaluated
    licence, citation  of the data set, in words: both stand in the report beside its name
    xtreme_r    XTREME-R's languages, evaluated where the profile names them
    unread      true where the records could not be downloaded for a check: columns and numbers are from documentation
    version     raised when a change of the declaration can change scores
    """

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    name: str
    family: Literal[*FAMILIES]
    role: Literal["intermediate", "target", "pretraining", "training", "pool"] = "target"
    dataset: str = ""
    config: str | Mapping[str, str] = "default"
    revision: str = ""
    elsewhere: Mapping[str, Mapping[str, Any]] = {}
    columns: Mapping[str, str | list[str] | None] = {}
    languages: Spelled = ("en",)
    licence: str = "not stated"
    citation: str = "not stated"
    metrics: Words = ()
    splits: Mapping[Literal["train", "dev", "test"], str] = {"train": "train", "dev": "validation", "test": "test"}
    labels: tuple[Word, ...] = ()
    relabel: Mapping[Word, Word] = {}
    drop: tuple[int | Word, ...] = ()
    read: Read = Read()
    words: Mapping[str, Mapping[str, str]] = {}
    prefix: Mapping[str, str] = {}
    pool: Words = ()
    trains_on: str | None = None
    translation_of: str | None = None
    parts: Words = ()
    clean: str | None = None
    records_of: str | None = None
    rows_of: str | None = None
    rows: Mapping[str, int | Mapping[str, int]] = {}
    subwords: int | None = Field(None, ge=1)
    xtreme_r: Spelled = ()
    note: str = ""
    unread: bool = False
    version: int = Field(1, ge=1)
    _spelled: dict[str, str] = PrivateAttr({})  # canonical code: as declared

    def model_post_init(self, _: Any) -> None:
        # The model is frozen for its users; here defaults that depend on the family are filled in.
        family = FAMILIES[self.family]
        columns = {**family.columns, **self.columns}.items()
        object.__setattr__(self, "columns", {ours: theirs for ours, theirs in columns if theirs})
        object.__setattr__(self, "metrics", self.metrics or family.usual)
        self._spelled = {canonical(code): code for code in (*self.xtreme_r, *self.languages)}
        for name in ("languages", "xtreme_r"):
            object.__setattr__(self, name, tuple(map(canonical, getattr(self, name))))
        for name in ("elsewhere", "config"):
            object.__setattr__(self, name, _by_code(getattr(self, name)))
        object.__setattr__(self, "rows", {split: _by_code(rows) for split, rows in self.rows.items()})

    def at(self, code: str) -> Self:
        """The task as it is in one language."""
        if code not in self.elsewhere:
            return self
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        fields |= {name: tuple(map(self._spelled.get, fields[name])) for name in ("languages", "xtreme_r")}
        return type(self)(**{**fields, "elsewhere": {}, **self.elsewhere[code]})

    def filled(self, text: str, code: str) -> str:
        """The text with its {code}, {name}, {lower} and {iso3} replaced by those of a language."""
        row = language(code)
        spelled = self._spelled.get(row.code, row.code)
        return text.format(code=spelled, name=row.name, lower=row.name.lower(), iso3=row.iso3)

    def config_for(self, code: str) -> str:
        spelled = self._spelled.get(code, code)
        return self.filled(self.config, code) if isinstance(self.config, str) else self.config.get(code, spelled)

    @property
    def multilingual(self) -> bool:
        """Whether each language has records of its own here."""
        texts = [self.config, *self.prefix.values()]
        return bool(self.elsewhere) or any(not isinstance(text, str) or "{" in text for text in texts)

    @property
    def own(self) -> bool:
        """Whether the data set is a folder that the user named by its path."""
        return self.dataset.startswith((".", "/", "~"))

    @property
    def called(self) -> str:
        """What pages call the data set: its id, of the user's own the name of its folder or file alone.

        Where that lies is nobody else's concern, and would make another page of the same report on another machine.
        """
        return PurePath(self.dataset).name if self.own else self.dataset

    def on_a_page(self, text: str) -> str:
        """A text about the data set that a page shows: without the folders above the user's own."""
        return text.replace(self.dataset, self.called)

    @property
    def unanswerable(self) -> bool:
        """Whether its questions may have no answer: SQuAD 2.0's metrics alone can score such ones."""
        return any(_of_squad2(metric) for metric in self.metrics)

    @property
    def everywhere(self) -> tuple[str, ...]:
        """Its languages in XTREME and in XTREME-R."""
        return tuple(dict.fromkeys((*self.languages, *self.xtreme_r)))


def _of_squad2(metric: str) -> bool:
    return metric.startswith("squad2_")


def check(task: Declaration, where: str) -> None:
    """What can be held against the declaration alone, without the records and the other tasks.

    Raises:
        UserError: an unknown column, metric or language; metrics of two kinds of questions; a data set that is neither
            an id nor a path; labels that are missing or follow no scheme; two splits that are the same one.
    """
    family = FAMILIES[task.family]
    for column in (column for place in (task, *map(task.at, task.elsewhere)) for column in place.columns):
        if column not in family.columns:
            raise unknown("column", column, family.columns, f"{where}, family {task.family}")
    for metric in task.metrics:
        if metric not in family.metrics.split():
            raise unknown("metric", metric, family.metrics.split(), f"{where}, family {task.family}")
    if task.unanswerable and not all(map(_of_squad2, task.metrics)):
        other = next(metric for metric in task.metrics if not _of_squad2(metric))
        mixed = f"{other} cannot score the questions without an answer that squad2_* is for"
        raise UserError(f"{where}: metrics: {mixed}; name metrics of one kind")
    if not (task.dataset or task.parts):
        raise UserError(f"{where}: give dataset: a hub id or the path of a folder")
    if task.dataset and not (task.own or "/" in task.dataset):
        raise UserError(f"{where}: dataset {task.dataset} is no hub id (owner/name); if a folder, ./{task.dataset}")
    if task.family == CLASSIFICATION and not task.labels:
        raise UserError(f"{where}: give labels: their names, in the order of their numbers")
    if task.family == TAGGING and task.labels:
        check_tags(task, task.labels, where)
    _check_splits(task, where)
    _check_languages(task, where)


def check_tags(task: Declaration, labels: tuple[str, ...], where: str) -> None:
    """Hold the names of a task's tags against its metrics.

    Raises:
        UserError: the tags follow no scheme (xlt.spec.schemes), or name no chunks and chunks are to be scored.
    """
    try:
        scheme = schemes.scheme_of(labels)
        if "entity_f1" in task.metrics or ("chunk_f1" in task.metrics and scheme != schemes.Scheme.POS):
            schemes.need_chunks(labels)
    except ValueError as error:
        raise UserError(f"{where}: labels: {error}") from None


def _check_splits(task: Declaration, where: str) -> None:
    try:
        slices.check(task.splits)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None


def _check_languages(task: Declaration, where: str) -> None:
    if not task.everywhere and task.family != MLM:
        raise UserError(f"{where}: names no language; give languages: en")
    for code in (*task.everywhere, *task.elsewhere):
        try:
            language(code)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        if isinstance(task.at(code).config, Mapping) and code not in task.at(code).config:
            raise UserError(f"{where}: config names none for language {code}; add it there")
