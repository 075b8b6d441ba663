"""Queries as features, as the evaluation encodes its records; of classification each text is cut only once.

Of a premise and a hypothesis a search changes one at a time, so most queries hold a text whose subwords are known. What
the tokenizer puts around texts is read off once, and put around the subwords of one or two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from xlt.evaluation.attack.texts import Columns, Texts
from xlt.models.columns import Feature
from xlt.models.features import encode
from xlt.spec import tasks
from xlt.spec.recipe import Evaluation
from xlt.spec.tasks import Task

Query = tuple[int, Texts]  # the number of a record, and its texts as they are tried


class QueryEncoder:
    """The features of queries; of other families than classification by the tokenizer as a whole.

    That a tokenizer cuts a text for itself, whatever stands beside it, is checked: of each record the first query is
    encoded as a whole too, and from the first difference on all queries are.
    """

    def __init__(self, task: Task, evaluation: Evaluation, tokenizer: Any):
        self.task, self.evaluation, self.tokenizer = task, evaluation, tokenizer
        self.known = KnownTexts(tokenizer) if task.family == tasks.CLASSIFICATION else None
        self.checked: set[int] = set()

    def forget(self) -> None:
        """What is known of the records so far: at most one chunk of them is kept."""
        self.checked.clear()
        if self.known:
            self.known.subwords.clear()

    def features(self, queries: Sequence[Query], rows: Columns) -> Sequence[Feature]:
        """`rows` are the records of the queries: one for each, with its texts."""
        if self.known is None:
            return self._whole(rows)
        self.known.read(text for _, texts in queries for text in texts)
        made: list[Feature] = [
            self.known.feature(texts) | {"labels": label}
            for (_, texts), label in zip(queries, rows["label"], strict=True)
        ]
        first = {row: place for place, (row, _) in reversed(list(enumerate(queries))) if row not in self.checked}
        too_long = [i for i, feature in enumerate(made) if len(feature["input_ids"]) > self.evaluation.max_length]
        places = sorted({*first.values(), *too_long})
        whole = self._whole({name: [values[place] for place in places] for name, values in rows.items()})
        for place, feature in zip(places, whole, strict=True):
            if place not in too_long and list(feature["input_ids"]) != made[place]["input_ids"]:
                self.known = None
                return self._whole(rows)
            made[place] = feature
        self.checked |= first.keys()
        return made

    def _whole(self, rows: Columns) -> Sequence[Feature]:
        if not next(iter(rows.values())):
            return []
        limits = self.evaluation.max_length, self.evaluation.stride
        return encode(self.task.family, rows, self.tokenizer, *limits)


class _Part(NamedTuple):
    """Of a feature: a text by its number, or if that is None the special token `token`; and the type of either."""

    text: int | None
    token: int
    kind: int


class KnownTexts:
    """The subwords of texts that were `read`; `feature(texts)` is what the tokenizer makes of one or two of them."""

    def __init__(self, tokenizer: Any):
        self.tokenizer, self.subwords = tokenizer, dict[str, list[int]]()
        self.typed = "token_type_ids" in tokenizer.model_input_names
        self.frames = [self._frame(["a"]), self._frame(["a", "a"])]

    def _frame(self, texts: list[str]) -> list[_Part]:
        sample = self.tokenizer(*texts, return_token_type_ids=True)
        columns = sample.sequence_ids(0), sample["input_ids"], sample["token_type_ids"]
        frame: list[_Part] = []
        for text, group in groupby(map(_Part, *columns), key=lambda part: part.text):
            parts = list(group)
            frame += parts if text is None else parts[:1]
        return frame

    def read(self, texts: Iterable[str]) -> None:
        """Cut the texts that are new, by the tokenizer's core: most of its time goes into what is around that."""
        new = [text for text in dict.fromkeys(texts) if text not in self.subwords]
        core = self.tokenizer.backend_tokenizer
        core.no_truncation()  # whatever an earlier call has left; each call of the tokenizer sets its own
        core.no_padding()
        encodings = core.encode_batch_fast(new, add_special_tokens=False)
        self.subwords |= {text: encoding.ids for text, encoding in zip(new, encodings, strict=True)}

    def feature(self, texts: Texts) -> Feature:
        """`input_ids` and, where the encoder has them, `token_type_ids`; nothing is cut off."""
        ids: list[int] = []
        kinds: list[int] = []
        for part in self.frames[len(texts) - 1]:
            piece = [part.token] if part.text is None else self.subwords[texts[part.text]]
            ids += piece
            kinds += [part.kind] * len(piece)
        return {"input_ids": ids} | ({"token_type_ids": kinds} if self.typed else {})
