"""The words of the world: one YAML file for each language, one line for each concept.

Sections: names, people, nouns (hypernyms too), adjectives, verbs, places, times, words; surnames, cities and
organisations, which the dialects share with their standard language. What a line holds
(plural, gender, cases) is between the file and the grammar module of the same name. Mind YAML:
the words on, off, yes, no, y and n need quotes.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def lexicon(code: str) -> dict[str, dict[str, Any]]:
    """The lexicon of one language, read once."""
    path = Path(__file__).with_name(f"{code}.yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))
