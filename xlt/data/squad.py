"""SQuAD's JSON: articles of paragraphs of questions, as questions with their context, one a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def questions(text: str) -> list[dict[str, Any]] | None:
    """The questions of a file that has SQuAD's form; None of any other.

    Raises:
        ValueError: it has that form, but an article, a paragraph or a question lacks something.
    """
    if not text.lstrip().startswith("{") or '"paragraphs"' not in text:
        return None
    try:
        whole = json.loads(text)
    except (json.JSONDecodeError, RecursionError):  # as of one object a line; or it is none, which is said there
        return None
    articles = whole.get("data", [whole])
    if not isinstance(articles, list) or not all(isinstance(one, dict) and "paragraphs" in one for one in articles):
        return None
    return [row for number, article in enumerate(articles, start=1) for row in _article(article, number)]


def answers(value: Any) -> Any:
    """Answers as a table of lists, as the hub has them, of a list of answers, as SQuAD's JSON has them."""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return {name: [one.get(name) for one in value] for name in ("text", "answer_start")}
    return value


def _article(article: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    for place, paragraph in enumerate(_list(article, "paragraphs", f"article {number}: "), start=1):
        where = f"article {number}, paragraph {place}: "
        for question in _list(paragraph, "qas", where):
            yield {
                "id": str(_get(question, "id", where)),
                "title": article.get("title", ""),
                "context": _get(paragraph, "context", where),
                "question": _get(question, "question", where),
                "answers": answers(question.get("answers") or []),
            }


def _get(table: Any, name: str, where: str) -> Any:
    if not isinstance(table, dict) or name not in table:
        raise ValueError(f"{where}no {name}")
    return table[name]


def _list(table: Any, name: str, where: str) -> list:
    found = _get(table, name, where)
    if not isinstance(found, list):
        raise ValueError(f"{where}{name} is {json.dumps(found)[:40]}, not a list")
    return found
