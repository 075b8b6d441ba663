"""Which rows the languages of a stage draw: no item in two of them while there are enough."""

import pytest

from xlt.core.errors import UserError
from xlt.data import rows
from xlt.lab import estimate
from xlt.models import mixture
from xlt.models.encoder import tokenizer_of
from xlt.spec import tasks
from xlt.spec.stage import Part, Stage

LANGUAGES = ("en", "de", "zh")


@pytest.fixture
def parallel_nli(monkeypatch, world, places):
    """The test split of XNLI, six rows, parallel in all languages, as training data."""
    fields = {
        "family": "classification", "dataset": f"{world.root}/facebook/xnli", "config": "{code}",
        "languages": "en de zh",
        "columns": {"text_a": "premise", "text_b": "hypothesis"},
        "labels": ["entailment", "neutral", "contradiction"], "splits": {"train": "test"},
        "translation_of": "mnli",
    }  # fmt: skip
    monkeypatch.setitem(tasks.TASKS, "parallel-nli", tasks.parse("parallel-nli", fields, "test"))
    return world


def stage(task="parallel-nli", **fields):
    return Stage(task=task, **({"languages": LANGUAGES, "examples": 2, "seed": 0, "max_length": 40} | fields))


def draw(world, some):
    """Row numbers by language, for each part."""
    drawing, load = rows.RowDraw(some), world.load
    return [
        {code: drawing.rows(part, len(load(tasks.get(part.task), code, "train"))).tolist() for code in part.languages}
        for part in some.parts
    ]


def drawn(world, some):
    (found,) = draw(world, some)
    return [set(found[code]) for code in some.languages]


def test_no_item_stands_in_two_languages_while_there_are_enough(parallel_nli):
    for seed in range(5):
        found = drawn(parallel_nli, stage(seed=seed))
        assert [len(some) for some in found] == [2, 2, 2] and set.union(*found) == set(range(6))


def test_where_items_are_too_few_each_repeats_as_seldom_as_possible(parallel_nli):
    found = drawn(parallel_nli, stage(examples=5))  # 15 records of six items: 2 or 3 of each, never two in a language
    often = [sum(item in some for some in found) for item in range(6)]
    assert [len(some) for some in found] == [5, 5, 5] and sorted(often) == [2, 2, 2, 3, 3, 3]
    assert drawn(parallel_nli, stage(examples=99)) == [set(range(6))] * 3


def test_parallel_draws_the_same_items_in_every_language(parallel_nli):
    first, *others = drawn(parallel_nli, stage(parallel=True))
    assert len(first) == 2 and others == [first, first]


def test_the_first_language_draws_what_it_would_draw_alone(parallel_nli):
    task = tasks.get("parallel-nli")
    (alone,) = drawn(parallel_nli, stage(languages=("en",)))
    assert drawn(parallel_nli, stage())[0] == alone
    texts = parallel_nli.load(task, "en", "train")["text_a"][:]
    assert parallel_nli.load(task, "en", "train", 2, 0)["text_a"][:] == [texts[i] for i in sorted(alone)]


def test_parts_that_learn_one_task_share_its_items_out_too(parallel_nli):
    some = stage(languages=("en",), also=[Part(task="parallel-nli", languages=("de", "zh"), examples=2)])
    english, others = draw(parallel_nli, some)
    assert len(set(english["en"]) | set(others["de"]) | set(others["zh"])) == 6
    assert rows.identity(some) == {"rows": rows.DISJOINT}


def test_translation_pairs_need_the_same_rows(world):
    text = {"task": "text", "languages": ("en", "de"), "examples": 10}
    first, second = drawn(world, stage(**text))
    assert not first & second
    first, second = drawn(world, stage(**text, pairs=0.5))
    assert first == second
    assert drawn(world, stage(**text)) == drawn(world, stage(**text, seed=1))  # every run reads the same text


def test_a_stage_learns_from_the_rows_that_it_draws(parallel_nli, store, start):
    (found,) = draw(parallel_nli, some := stage())
    texts = {code: parallel_nli.load(tasks.get("parallel-nli"), code, "train")["text_a"][:] for code in LANGUAGES}
    tokenizer = tokenizer_of(store, start)
    (features,) = mixture.features(store, some, tokenizer)
    begins = [tokenizer.decode(f["input_ids"]) for f in features]
    wanted = [texts[code][row] for code in LANGUAGES for row in found[code]]
    assert len(begins) == 6
    for begin, text in zip(begins, wanted, strict=True):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"][:5]
        assert tokenizer.decode(ids) in begin


def test_only_runs_that_draw_in_several_languages_have_another_key(store, start):
    def key(task="mnli", **fields):
        return store.key(start.then(Stage(task=task, seed=0, **fields)))

    assert "rows" not in key() and "rows" not in key(examples=3) and "rows" not in key("text", languages=("en", "de"))
    assert key("text", languages=("en", "de"), examples=3)["rows"] == rows.DISJOINT
    assert "rows" not in key("text", languages=("en", "de"), examples=3, pairs=0.5)
    alike = key("text", languages=("en", "de"), examples=3, parallel=True)
    assert "rows" not in alike and alike["stage"]["parallel"]


def test_parallel_where_nothing_is_drawn_is_refused():
    for fields in ({"languages": ("en",)}, {"examples": None}):
        with pytest.raises(ValueError, match="parallel: no part draws in several languages"):
            stage(parallel=True, **fields)


THREE = "3 languages (en de zh)"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, f"mixed: 2 records in each of {THREE}, no row in two of them: 6 different rows."),
        ({"examples": 5}, f"5 records in each of {THREE}, more than there are: each of the 6 rows is in 2 or 3"),
        ({"examples": 4}, "each of the 6 rows is in 2 languages."),
        ({"examples": 9}, f"6 records in each of {THREE}, more than there are: each of the 6 rows is in 3"),
        ({"parallel": True}, f"mixed: 2 records in each of {THREE}, the same 2 rows in all."),
        ({"languages": ("en",)}, "No stage draws records in several languages."),
        ({"examples": 4, "task": "mnli", "slice": ":50%"}, f"3 records in each of {THREE}, more than"),
        ({"examples": None}, "No stage draws records in several languages."),
        ({"task": "panx"}, f"mixed: 2 records in each of {THREE}, each its own, as they are no translations."),
        ({"task": "mnli-translated"}, f"mixed: 2 records in each of {THREE}, no row in two of them: 6 different"),
        ({"languages": ("en",), "also": [Part(task="text", languages=("en", "de"), examples=3)]}, "mixed, text: 3 "),
    ],
)  # fmt: skip
def test_what_the_languages_share_is_said(parallel_nli, fields, said):
    assert said in rows.told([stage(label="mixed", **fields)], lambda part: 6)


@pytest.mark.parametrize("cut", ["100:200", ":0%", "3:3", "5:2"])
@pytest.mark.parametrize("duration", [{"steps": 2}, {"epochs": 1}])
def test_a_slice_that_leaves_no_record_is_named_in_a_plan_and_in_a_run(store, cut, duration):
    mnli = Stage(task="mnli", slice=cut, role="intermediate", **duration)
    said = f"stage mnli: slice '{cut}' leaves none of the 24 training records of mnli; give one that leaves some"
    with pytest.raises(UserError, match=said):
        estimate.records(store, mnli)
    with pytest.raises(UserError, match=said):
        rows.RowDraw(mnli).rows(mnli.parts[0], 24)


def test_a_slice_is_of_the_own_task_of_a_stage_alone(store):
    both = Stage(task="mnli", slice=":50%", also=[{"task": "pos", "examples": 4}])
    assert estimate.records(store, both) == [12, 4]
