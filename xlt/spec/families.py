"""The families of tasks: which columns their records have, and how they are scored."""

from __future__ import annotations

from typing import NamedTuple

CLASSIFICATION, TAGGING, SPAN, CHOICE = "classification", "tagging", "span", "choice"
RETRIEVAL, MINING, ANSWERS, DUAL, POOL, MLM = "retrieval", "mining", "answers", "dual", "pool", "mlm"


class Family(NamedTuple):
    """A family of tasks.

    columns  our name: the data set's, where a task does not declare another
    usual    metrics of a task that names none; the first is the main one
    metrics  all that a task of the family may name, in one string
    """

    columns: dict[str, str]
    usual: tuple[str, ...] = ()
    metrics: str = ""


_QUESTIONS = {"id": "id", "context": "context", "question": "question", "answers": "answers"}
FAMILIES: dict[str, Family] = {
    CLASSIFICATION: Family(
        {"text_a": "text_a", "text_b": "text_b", "label": "label"}, ("accuracy",),
        "accuracy f1_binary accuracy_and_f1",
    ),
    TAGGING: Family({"tokens": "tokens", "tags": "tags"}, ("token_accuracy",), "token_accuracy chunk_f1 entity_f1"),
    SPAN: Family(
        _QUESTIONS, ("f1", "exact_match"),
        "f1 f1_language_aware exact_match exact_match_language_aware "
        "squad2_f1 squad2_f1_has_answer squad2_f1_no_answer "
        "squad2_exact_match squad2_exact_match_has_answer squad2_exact_match_no_answer "
        "mlqa_f1 mlqa_f1_mended mlqa_exact_match mlqa_exact_match_mended",
    ),
    CHOICE: Family({"prompt": "prompt", "choices": "choices", "label": "label"}, ("accuracy",), "accuracy"),
    RETRIEVAL: Family(
        {"source": "source_sentence", "target": "target_sentence"}, ("accuracy_en_to_xx", "accuracy_xx_to_en"),
        "accuracy_en_to_xx accuracy_xx_to_en",
    ),
    MINING: Family(
        {"source_id": "source_lang", "target_id": "target_lang"},  # where google/xtreme keeps the ids of BUCC
        ("bucc_f1", "bucc_f1_dropped", "bucc_f1_oracle", "bucc_precision", "bucc_recall"),
        "bucc_f1 bucc_f1_dropped bucc_f1_oracle bucc_precision bucc_recall",
    ),
    ANSWERS: Family(_QUESTIONS, ("map_at_20",), "map_at_20"),
    DUAL: Family({"query": "query", "target": "target"}, ("map_at_20",), "map_at_20"),
    POOL: Family({"id": "id", "text": "text"}),
    MLM: Family({"text": "text"}),
}  # fmt: skip
HEADED = (CLASSIFICATION, CHOICE, TAGGING, SPAN)  # trained and evaluated with a head of the task's own
SEARCHES = (RETRIEVAL, MINING, ANSWERS, DUAL)  # evaluated by search among sentence vectors, so without a head
