"""The declared tasks against the facts of the benchmarks, and what is said about a wrong declaration."""

import csv
import os
from collections import defaultdict
from pathlib import Path

import pytest

from xlt.core.errors import UserError
from xlt.data.sources import Source
from xlt.evaluation.metrics import SCORERS
from xlt.lab.lab import Lab
from xlt.lab.studies import intermediate, transfer
from xlt.spec import tasks
from xlt.spec.languages import LANGUAGES, language
from xlt.spec.tasks import TASKS, parse

# How many languages, and which: as in XTREME's and XTREME-R's evaluation script (google-research/xtreme, evaluate.py).
POS = "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh"
NER = f"{POS} bn jv ka ml ms my sw"
PAIRS = "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh kk tr et fi hu"
XNLI, XQUAD = "ar bg de el en es fr hi ru sw th tr ur vi zh", "en es de el ru tr ar vi th zh hi"
MLQA, TYDIQA = "en es de ar hi vi zh", "en ar bn fi id ko ru sw te"
XTREME = {
    "xnli": (15, XNLI), "pawsx": (7, "de en es fr ja ko zh"), "udpos": (33, POS), "panx": (40, NER),
    "xquad": (11, XQUAD), "mlqa": (7, MLQA), "tydiqa": (9, TYDIQA), "bucc": (4, "de fr ru zh"), "tatoeba": (36, PAIRS),
}  # fmt: skip
XTREME_R = {
    "xnli": (15, XNLI), "xcopa": (11, "et ht id it qu sw ta th tr vi zh"), "udpos": (38, f"{POS} lt pl uk wo ro"),
    "panx": (48, f"{NER} qu pl uk az lt pa gu ro"), "xquad": (12, f"{XQUAD} ro"), "mlqa": (7, MLQA),
    "tydiqa": (9, TYDIQA), "tatoeba": (41, f"{PAIRS} az lt pl uk ro"), "lareqa": (11, XQUAD),
    "mewslix": (11, "ar de en es fa ja pl ro ta tr uk"),
}  # fmt: skip


@pytest.mark.parametrize("name", XTREME)
def test_languages_of_xtreme(name):
    number, codes = XTREME[name]
    assert len(codes.split()) == number and sorted(tasks.get(name).languages) == sorted(codes.split())


@pytest.mark.parametrize("name", XTREME_R)
def test_languages_of_xtreme_r(name):
    number, codes = XTREME_R[name]
    assert len(codes.split()) == number and sorted(tasks.get(name).xtreme_r) == sorted(codes.split())


def test_what_xtreme_r_dropped():
    assert not tasks.get("pawsx").xtreme_r and not tasks.get("bucc").xtreme_r


SIZES = {  # of the public data sets: train, dev, test
    "mnli": (392_702, 9_815, None), "qqp": (363_846, 40_430, None), "snli": (550_152, 10_000, 10_000),
    "anli-r1": (16_946, 1_000, 1_000), "anli-r2": (45_460, 1_000, 1_000), "anli-r3": (100_459, 1_200, 1_200),
    "squad": (87_599, 10_570, None), "squad2": (130_319, 11_873, None), "hellaswag": (39_905, 10_042, None),
    "cosmosqa": (25_262, 2_985, None), "commonsenseqa": (9_741, 1_221, None), "siqa": (33_410, 1_954, None),
    "copa": (400, 100, None), "ccg": (11_303, 1_864, 1_956), "paws": (49_401, 8_000, 8_000),
    "adversarial-qa": (30_000, 3_000, None), "hans": (30_000, 30_000, None), "xnli": (None, 2_490, 5_010),
    "pawsx": (49_401, 2_000, 2_000), "xquad": (None, None, 1_190), "xcopa": (None, 100, 500),
    "lareqa": (None, None, 1_190), "adv-squad": (None, None, 3_560), "adv-squad-one": (None, None, 1_787),
    "adv-mnli": (None, None, 121), "adv-mnli-mismatched": (None, None, 162), "adv-qqp": (None, None, 78),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_rows_of_the_public_data_sets(name):
    rows = tasks.get(name).rows
    assert list(rows.values()) == [size for size in SIZES[name] if size]


def test_rows_by_language():
    mlqa, tydiqa = tasks.get("mlqa").rows, tasks.get("tydiqa").rows
    assert min(mlqa["test"].values()) == mlqa["test"]["de"] == 4_517 and max(mlqa["test"].values()) == 11_590
    assert mlqa["dev"] == {"ar": 517, "de": 512, "en": 1_148, "es": 500, "hi": 507, "vi": 511, "zh": 504}
    assert sum(tydiqa["test"].values()) == 5_077 and tydiqa["train"] == {"en": 3_696}
    anli = [tasks.get(f"anli-r{i}").rows["train"] for i in (1, 2, 3)]
    snli_without_the_rows_without_gold = 549_367
    assert sum(anli) + snli_without_the_rows_without_gold + tasks.get("mnli").rows["train"] == 1_104_934
    assert set(tasks.get("anli-plus").parts) == {"snli", "mnli", "anli-r1", "anli-r2", "anli-r3"}


def test_declared_tasks_fit_together():
    for task in TASKS.values():
        assert task.training.family == task.family
        assert not task.training.labels or task.training.labels == task.labels
        assert task.licence and set(task.rows) <= set(task.splits)
        assert all(language(code) for code in task.everywhere)
        for split, rows in task.rows.items():
            assert isinstance(rows, int) or set(rows) <= set(task.everywhere), (task.name, split)


def test_every_metric_has_a_family_and_a_scorer():
    assert {metric for family in tasks.FAMILIES.values() for metric in family.metrics.split()} >= set(SCORERS)
    for family in tasks.FAMILIES.values():
        assert set(family.usual) <= set(family.metrics.split())


def test_configs_follow_the_language():
    assert tasks.get("udpos").config_for("de") == "udpos.German"
    assert tasks.get("tatoeba").config_for("zh") == "tatoeba.cmn"
    assert tasks.get("tatoeba").config_for("bar@0.5") == "tatoeba.bar@0.5"
    assert tasks.get("xsid-slots").config_for("no") == "no-B"
    assert tasks.get("mnli-translated").config_for("no") == "no"


def test_a_language_that_lies_elsewhere():
    polish = tasks.get("udpos").at("pl")
    assert (polish.dataset, polish.config_for("pl"), polish.columns["tags"], polish.drop) == (
        "universal-dependencies/universal_dependencies", "pl_pdb", "upos", ("_",),
    )  # fmt: skip
    assert polish.labels == tasks.get("udpos").labels and tasks.get("udpos").at("de") is tasks.get("udpos")
    azeri = tasks.get("tatoeba").at("az")
    assert (azeri.dataset, azeri.config_for("az"), azeri.splits["test"]) == (
        "mteb/tatoeba-bitext-mining", "aze-eng", "test",
    )  # fmt: skip


def test_a_variety_has_its_standard_in_the_table():
    standard = {row.code: row.standard for row in LANGUAGES.values() if row.standard}
    assert set(standard.values()) <= set(LANGUAGES) and not set(standard) & set(standard.values())
    for name in ("dialect-copa", "copal-id", "xnli-var", "xsid-slots"):
        codes = tasks.get(name).languages
        assert any(code in standard for code in codes)
        assert {standard[code] for code in codes if code in standard} <= set(codes)


# a user's declarations -------------------------------------------------------------------------------

MINE = {"family": "classification", "dataset": "./mine", "labels": ["yes", "no"]}


SPANS = {"family": "span", "labels": []}


def complaint(fields):
    with pytest.raises(UserError) as error:
        parse("mine", fields, "mine.yaml")
    message = str(error.value)
    assert message.count("\n") == 0 and "mine.yaml: task mine" in message
    return message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"famly": "span"}, "unknown setting 'famly'; did you mean family?"),
        ({"family": "clasification"}, "family: input should be 'classification'"),
        ({"dataset": ""}, "give dataset: a hub id or the path of a folder"),
        ({"dataset": "mine"}, "dataset mine is no hub id (owner/name); if a folder, ./mine"),
        ({"labels": []}, "give labels: their names, in the order of their numbers"),
        ({"columns": {"txt_a": "t"}}, "unknown column 'txt_a'"),
        ({"columns": {"tokens": "t"}}, "known: label, text_a, text_b"),
        ({"metrics": ["acuracy"]}, "unknown metric 'acuracy'"),
        ({"metrics": "acuracy"}, "did you mean accuracy"),
        ({"metrics": "entity_f1"}, "family classification; known: accuracy, accuracy_and_f1, f1_binary"),
        (
            SPANS | {"metrics": "squad2_f1 f1_language_aware"},
            "metrics: f1_language_aware cannot score",
        ),
        (
            SPANS | {"metrics": "f1 squad2_f1_no_answer"},
            "metrics: f1 cannot score the questions without an answer that",
        ),
        (SPANS | {"metrics": "mlqa_f1 squad2_f1"}, "that squad2_* is for; name metrics of one kind"),
        ({"languages": "en deutsch"}, "unknown language 'deutsch'; did you mean de (German)"),
        ({"languages": ""}, "names no language; give languages: en"),
        ({"splits": {"training": "train"}}, "'train', 'dev' or 'test'"),
        ({"splits": {"train": "train", "test": "train"}}, "splits overlap: train and test are both 'train'"),
        ({"config": {"en": "a"}, "languages": "en de"}, "config names none for language de; add it there"),
        ({"elsewhere": {"de": {"datset": "./other"}}}, "unknown setting 'datset'; did you mean dataset?"),
        ({"drop": 3}, "drop: input should be"),
    ],
)
def test_a_wrong_declaration_is_named(change, said):
    assert said in complaint(MINE | change)


@pytest.mark.parametrize("metrics", ["f1 exact_match f1_language_aware mlqa_f1", "squad2_f1 squad2_f1_no_answer"])
def test_metrics_of_one_kind_of_questions_go_together(metrics):
    assert parse("mine", MINE | SPANS | {"metrics": metrics}, "mine.yaml").unanswerable is metrics.startswith("squad2")


def test_a_declaration_that_is_no_table():
    assert "is no table of settings" in complaint("classification")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"labels": ["O", "B-PER", "I-PER", "OTHER"]}, "tags B-PER and OTHER follow no one scheme"),
        ({"labels": ["NN", "VBZ"], "metrics": "entity_f1"}, "tags such as NN, VBZ name no chunks"),
        ({"labels": ["NOUN", "VERB"], "metrics": "entity_f1"}, "name no chunks"),
        ({"labels": ["NN", "VBZ"], "metrics": "chunk_f1"}, "name no chunks"),
    ],
)
def test_tags_that_are_not_understood_are_refused_when_the_task_is_read(fields, said):
    with pytest.raises(UserError, match=said):
        parse("mine", {"family": "tagging", "dataset": "./mine"} | fields, "mine.yaml")
    parse("mine", {"family": "tagging", "dataset": "./mine", "labels": ["NN", "VBZ"]}, "mine.yaml")  # no chunks scored


def test_figures_as_labels_are_their_names():
    assert parse("mine", MINE | {"labels": [0, 1]}, "mine.yaml").labels == ("0", "1")


@pytest.fixture
def added():
    """Add tasks of a user; they are forgotten afterwards."""
    names = []

    def add(**declared):
        names.extend(declared)
        tasks.add(parse(name, fields, "mine.yaml") for name, fields in declared.items())

    yield add
    for name in names:
        if name not in tasks.DECLARED:
            TASKS.pop(name, None)


def test_tasks_of_a_user_are_known_and_decide_what_results_are(added):
    added(mine=MINE)
    added(mine=MINE)
    assert tasks.get("mine").metrics == ("accuracy",) and tasks.get("xnli").definition == {}
    other = parse("mine", MINE | {"labels": ["no", "yes"]}, "mine.yaml")
    assert tasks.get("mine").definition != other.definition


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("xnli", {}, "task xnli: there is another of this name"),
        ("mine", {"trains_on": "mnlii"}, "unknown task 'mnlii'; did you mean mnli"),
        ("mine", {"records_of": "xnly"}, "unknown task 'xnly'; did you mean xnli"),
        ("mine", {"trains_on": "squad"}, "task mine is of family classification, but squad is not"),
        ("mine", {"trains_on": "mnli"}, "labels are yes, no, but mnli has entailment, neutral, contradiction"),
    ],
)
def test_a_task_that_does_not_fit_the_others(added, name, change, said):
    with pytest.raises(UserError, match=said):
        added(**{name: MINE | change})


def test_whose_test_records_are_read_is_declared_and_decides_no_result(added):
    tagged = {"family": "tagging", "dataset": "./mine", "labels": ["NN", "VBZ"], "records_of": "mine"}
    added(mine=MINE, again=MINE | {"records_of": "mine"}, tagged=tagged)
    assert {tasks.get(name).test_set for name in ("mine", "again", "tagged")} == {"mine"}
    assert tasks.get("again").definition == tasks.get("mine").definition
    assert [tasks.get(name).test_set for name in ("xnli-typos", "xsid-intents", "planted-nli-misleading")] == [
        "xnli-typos-clean", "xsid-slots", "planted-nli-absent",
    ]  # fmt: skip


def test_declared_tasks_that_read_one_test_set_whole_say_so():
    """In a contrast of both its records would count as two samples."""
    read = defaultdict(set)
    for task in TASKS.values():
        if task.role == "target" and not task.rows_of and "test" in task.splits:
            read[task.dataset, str(task.config), task.revision, task.splits["test"]].add(task.test_set)
    assert {place: sets for place, sets in read.items() if len(sets) > 1} == {}


def test_another_task_of_the_same_name(added):
    added(mine=MINE)
    with pytest.raises(UserError, match="rename it, or restart if you changed it"):
        added(mine=MINE | {"labels": ["no", "yes"]})


PROFILE = """
description: data of a user
data: {source: world, world: {sizes: {text: 60}}}
languages: [en, de]
seeds: 1
encoder: {layers: 1, width: 32, heads: 2, vocabulary: 300, text: text, languages: [en, de]}
training: {steps: 2, batch: 4, lr: 1.0e-3, max_length: 48}
intermediate: {weather: {}}
target: {moods: {}}
evaluation: {default: {max_length: 48}}
resources: {workers: 1, eval_batch: 4}
tasks:
  weather:
    family: classification
    role: intermediate
    dataset: ../data/weather
    columns: {text_a: report, text_b: null, label: fine}
    labels: [yes, no]
    splits: {train: train, dev: validation}
  moods:
    family: classification
    dataset: ../data/moods
    config: "{code}"
    columns: {text_a: first, text_b: second, label: mood}
    labels: [glad, sad]
    relabel: {happy: glad}
    languages: [en, de]
    splits: {train: train, test: test}
    metrics: [f1_binary, accuracy]
"""


@pytest.fixture
def brought(tmp_path):
    """A profile that brings two data sets, in other folders than the project's and in formats of their own."""
    files = {
        "params/mine.yaml": PROFILE,
        "data/weather/train.csv": "report,fine\n" + "It rains.,no\nThe sun shines.,yes\n" * 4,
        "data/weather/validation.csv": "report,fine\nIt snows.,no\n",
        "data/moods/en/train.jsonl": '{"first": "a", "second": "b", "mood": "happy"}\n' * 6,
        "data/moods/en/test.jsonl": '{"first": "a", "second": "b", "mood": "sad"}\n' * 3,
        "data/moods/de/test.jsonl": '{"first": "a", "second": "b", "mood": "glad"}\n' * 2,
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    yield tmp_path / "params/mine.yaml"
    for name in ("weather", "moods"):
        TASKS.pop(name, None)


@pytest.mark.slow
def test_data_of_a_user_as_intermediate_and_as_target(brought, places):
    """From a params file alone, in worker processes."""
    lab = Lab.from_params(str(brought))
    study = transfer(lab)
    assert list(study.recipes) == ["none → moods", "weather → moods"]
    scores = lab.run(study.recipes, study.evaluations)
    assert set(zip(scores["language"], scores["metric"], scores["n"], strict=True)) == {
        ("en", "f1_binary", 3), ("en", "accuracy", 3), ("de", "f1_binary", 2), ("de", "accuracy", 2),
    }  # fmt: skip
    assert set(scores["recipe"]) == set(study.recipes) and scores["value"].between(0, 1).all()
    english = intermediate(lab)
    assert [(e.task, e.split) for e in english.evaluations] == [("weather", "dev")]
    assert lab.store.source.load(tasks.get("weather"), "en", "train").column_names == ["text_a", "label"]


def test_what_the_records_of_a_user_are_and_not_where_they_lie(brought, places):
    def identity(profile):
        lab = Lab.from_params(str(profile))
        return lab.store.source.identity(tasks.get("moods"), "en", "train")

    before = identity(brought)
    assert str(brought.parents[1]) not in str(before)
    TASKS.pop("moods"), TASKS.pop("weather")
    moved = brought.parents[1].rename(brought.parents[1].with_name("moved")) / "params/mine.yaml"
    assert identity(moved) == before
    moved.write_text(PROFILE.replace("[glad, sad]", "[sad, glad]"))
    TASKS.pop("moods"), TASKS.pop("weather")
    assert identity(moved) != before


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ('"scond": "b", "mood": "sad"', "missing column second; it has first, scond, mood"),
        ('"second": "b", "mood": "angry"', "label 'angry' is outside 0..1 (glad, sad)"),
        ('"second": null, "mood": "sad"', "row 1: text_b is empty"),
        ('"second": ', "damaged or unreadable"),
    ],
)
def test_bad_records_of_a_user(brought, places, second, said):
    (brought.parents[1] / "data/moods/en/test.jsonl").write_text('{"first": "a", ' + second + "}\n")
    source = Lab.from_params(str(brought)).store.source
    with pytest.raises(UserError) as error:
        source.load(tasks.get("moods"), "en", "test")
    assert said in str(error.value) and "moods/en/test" in str(error.value)


def test_a_language_of_a_user_without_any_record(brought, places):
    for file in (brought.parents[1] / "data/moods/de").iterdir():
        file.unlink()
    with pytest.raises(UserError, match="task moods: unknown config 'de' in .*moods; known: en"):
        Lab.from_params(str(brought))


def test_a_hub_id_of_a_user_is_not_in_the_world(brought, places):
    brought.write_text(PROFILE.replace("../data/moods", "somebody/moods"))
    with pytest.raises(UserError, match="somebody/moods is not in the generated world; give a folder's path"):
        Lab.from_params(str(brought)).evaluations("moods")


# the folder of real records ----------------------------------------------------------------------------

HUB = Path(os.environ.get("XLT_HUB_ROOT") or "nowhere")  # conftest takes it out of the environment of the tests


@pytest.mark.slow
@pytest.mark.skipif(not (HUB / "COUNTS.tsv").is_file(), reason="XLT_HUB_ROOT with COUNTS.tsv is not set")
def test_every_task_in_the_folder_of_real_records(places):
    """Whatever of the declared tasks is in the folder loads, and has as many records as the folder says."""
    source, counted, found = Source(HUB), {}, defaultdict(dict)
    with (HUB / "COUNTS.tsv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            counted[row["id"], row["config"], row["split"]] = int(row["rows"])
    for task in TASKS.values():
        for split in task.splits:
            for code in source.languages(task, split):
                found[task.name][split, code] = len(source.load(task, code, split))
    for name, sizes in found.items():
        task = tasks.get(name)
        for (split, code), size in sizes.items():
            key = task.dataset, task.config_for(code), task.splits[split]
            if not (task.prefix or task.rows_of or (split == "train" and task.parts)):
                assert size == counted[key], (name, *key)
    assert len(found) >= 45 and sum(map(len, found.values())) >= 600
    assert found["tydiqa"] == {("train", "en"): 3_696, ("test", "ko"): 1_625, ("test", "sw"): 2_755}
    assert found["xsid-slots"]["test", "no"] == 500 and found["mnli-translated"]["train", "no"] == 12_000
    here = {name for name, task in TASKS.items() if (HUB / task.dataset).is_dir() and task.dataset}
    assert here - set(found) == set()
