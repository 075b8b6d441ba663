"""Word lists are read as they are now, whatever a process has read before."""

import gzip
import json

import pytest

from xlt.core.errors import UserError
from xlt.perturb import lexicons

COLUMNS = "english\tpos\ttranslation\tsynset\n"


def wordnet(folder, word):
    (folder / "en-de.tsv.gz").write_bytes(gzip.compress(f"{COLUMNS}house\tn\t{word}\t1\n".encode()))


def test_a_list_that_was_written_again_gives_its_new_words(tmp_path):
    file = tmp_path / "mine.json"
    for word in ("fine", "nice", "well"):
        file.write_text(json.dumps({"good": [word]}))
        assert lexicons.synonyms("en", str(file)).table == {"good": [word]}
        assert lexicons.translations("en", str(file)).table == {"good": [word]}


def test_a_wordnet_that_was_written_again_gives_its_new_words(tmp_path, monkeypatch):
    monkeypatch.setenv("XLT_LEXICONS", str(tmp_path))
    for word in ("Haus", "Bude"):
        wordnet(tmp_path, word)
        assert lexicons.translations("en", "de").table == {"house": [word]}


def test_a_list_that_was_taken_away_is_missed(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"good": ["fine"]}))
    assert lexicons.synonyms("en", str(file)).table
    file.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        lexicons.synonyms("en", str(file))


def test_a_list_that_is_nested_too_deep_is_named(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text("[" * 3000 + "]" * 3000)
    with pytest.raises(UserError, match="lexicon file .*mine.json cannot be read"):
        lexicons.synonyms("en", str(file))
