"""Adversarial filtering: what each set holds, that no model reads what it has learned, and slices of training rows."""

import numpy as np
import pandas as pd
import pytest
from conftest import SIZES, tiny

from xlt import cli
from xlt.core.errors import UserError
from xlt.data import rows
from xlt.data.store import Store, predictions
from xlt.lab import cluster, estimate, filtering
from xlt.lab.lab import Lab
from xlt.models import mixture
from xlt.models.encoder import tokenizer_of
from xlt.spec import tasks
from xlt.spec.stage import Stage


@pytest.mark.parametrize(
    ("cut", "ends"),
    [(None, (0, 9)), (":", (0, 9)), (":50%", (0, 4)), ("50%:", (4, 9)), ("2:5", (2, 5)), ("8:4", (8, 8))],
)
def test_a_slice_has_these_rows(cut, ends):
    assert rows.bounds(cut, 9) == ends


def test_two_stages_with_slices_that_do_not_meet_share_no_record():
    part = Stage(task="mnli", examples=3).parts[0]
    first, last = (
        rows.RowDraw(Stage(task="mnli", examples=3, slice=cut, seed=1)).rows(part, 10) for cut in (":60%", "60%:")
    )
    assert len(first) == len(last) == 3 and max(first) < 6 <= min(last)


def test_what_is_no_slice_is_refused():
    with pytest.raises(ValueError, match="slice"):
        Stage(task="mnli", slice="70")


def test_a_stage_learns_its_slice_alone(store, start):
    tokenizer = tokenizer_of(store, start)
    sizes = [
        sum(len(learned) for learned in mixture.features(store, Stage(task="mnli", slice=cut), tokenizer))
        for cut in (None, ":25%", "25%:")
    ]
    assert sizes == [SIZES["nli_train"], SIZES["nli_train"] // 4, SIZES["nli_train"] * 3 // 4]
    assert sizes == [sum(estimate.records(store, Stage(task="mnli", slice=cut))) for cut in (None, ":25%", "25%:")]


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A lab whose encoder and runs are those of the test session, and whose made data sets are this test's."""
    monkeypatch.setattr("xlt.core.paths.made_root", lambda: tmp_path / "made")
    lab = Lab(tiny())
    lab.store = Store(tmp_path / "runs", lab.source)
    return lab


@pytest.fixture
def guesses(lab, monkeypatch):
    """`guesses(wrong)` says by `wrong(text)` which records are read wrongly; nothing is trained, but noted."""
    asked, wrongly = [], []

    def run(self, recipes, evaluations, seeds):
        asked.extend(zip(recipes.values(), evaluations, strict=True))

    def made(file):
        read = lab.source.load(tasks.get("-".join(file.name.split("-")[:3])), "en", "test")
        return [
            {"gold": gold, "prediction": gold + wrongly[-1](text)}
            for text, gold in zip(read["text_a"], read["label"], strict=True)
        ]

    monkeypatch.setattr(Lab, "run", run)
    monkeypatch.setattr(filtering, "predictions", made)
    return lambda wrong: wrongly.append(wrong) or asked


def table(folder, config, split="train"):
    return pd.read_parquet(folder / config / f"{split}-00000-of-00001.parquet")


def test_hard_records_are_those_read_wrongly_and_no_model_reads_what_it_has_learned(lab, guesses):
    asked = guesses(lambda text: text.count("o") % 2)
    found = filtering.filtered(lab, ["mnli[:75%]"], keep=3, name="half")
    hard, easy, drawn = (table(found.folder, kind) for kind in filtering.SETS)
    assert all(hard["text_a"].str.count("o") % 2 == 1) and all(easy["text_a"].str.count("o") % 2 == 0)
    for rows_of in (hard, easy, drawn):
        assert rows_of["label"].value_counts().nunique() == 1 and len(rows_of) == found.size
    assert found.read["records"].sum() == SIZES["nli_train"] * 3 // 4
    assert set(drawn["row"]) <= set(range(18)) and set(drawn["task"]) == {"mnli"}
    dev = [table(found.folder, kind, "dev") for kind in filtering.SETS]
    assert dev[0].equals(dev[1]) and not set(dev[0]["row"]) & set(pd.concat([hard, easy, drawn])["row"])
    for (recipe, evaluation), half in zip(asked, "ab", strict=True):
        assert recipe.stages[-1].task == evaluation.task == f"filtered-half-{half}"
        learned, read = (set(table(found.folder, half, split)["row"]) for split in ("train", "test"))
        assert not learned & read and len(learned | read) == 18


def test_what_the_sets_are_tested_on_is_like_the_pool():
    """Of 1,000 records 100 of a label are read wrongly, of which the hard set has taken 80: a tenth of the dev records
    are such ones, though of those that are left they are one in 36."""
    counts = {("a", True): (100, 20), ("a", False): (300, 250), ("b", True): (200, 150), ("b", False): (400, 300)}
    rows = [
        {"label": label, "wrong": wrong, "left": place < left}
        for (label, wrong), (all_of_it, left) in counts.items()
        for place in range(all_of_it)
    ]
    pool = pd.DataFrame(rows)
    dev = filtering._like(pool, pool[pool["left"]], np.random.default_rng(0))
    drawn = {("a", True): 20, ("a", False): 60, ("b", True): 40, ("b", False): 80}
    assert dev.groupby(["label", "wrong"]).size().to_dict() == drawn and dev["left"].all() and dev.index.is_unique
    gone = pool[pool["left"] & ~((pool["label"] == "a") & pool["wrong"])]
    with pytest.raises(UserError, match="of the records of a that were read wrongly none is left to test with; lower"):
        filtering._like(pool, gone, np.random.default_rng(0))


def test_what_is_made_is_a_task_that_can_be_learned(lab, monkeypatch, guesses):
    guesses(lambda text: len(text) % 2)
    monkeypatch.setattr("xlt.data.places.made_root", lambda: filtering.paths.made_root())
    lab.source.places.world = False
    found = filtering.filtered(lab, ["mnli"], keep=3, name="mine")
    declared = tasks.get("nli-hard").model_dump(include={"family", "config", "labels", "splits"})
    task = tasks.parse("mine-hard", {**declared, "dataset": "xlt/filtered-mine"}, "test")
    read = lab.source.load(task, "en", "train")
    wanted = table(found.folder, "hard")
    assert read["text_a"][:] == wanted["text_a"].tolist()
    assert [task.labels[number] for number in read["label"]] == wanted["label"].tolist()
    assert len(lab.source.load(task, "en", "dev")) == len(table(found.folder, "hard", "dev"))


def test_what_cannot_be_filtered_is_said(lab, guesses):
    with pytest.raises(UserError, match="udpos is of family tagging; only classification"):
        filtering.filtered(lab, ["udpos"], keep=6, name="none")
    with pytest.raises(UserError, match="qqp has labels .*, but mnli entailment"):
        filtering.filtered(lab, ["mnli", "qqp"], keep=6, name="none")
    guesses(lambda text: 0)
    with pytest.raises(
        UserError, match="of each label two must have been read rightly and two wrongly, which is not so among 24"
    ):
        filtering.filtered(lab, ["mnli"], keep=6, name="none")


def test_records_of_one_text_are_filtered_as_well(tmp_path, lab, guesses):
    texts = [f"a mood {'o' * place} told in words" for place in range(24)]
    rows_of = [f"{text},{'ab'[place // 2 % 2]}\n" for place, text in enumerate(texts)]
    (tmp_path / "moods.csv").write_text("text_a,label\n" + "".join(rows_of))
    fields = {"family": "classification", "dataset": str(tmp_path / "moods.csv"), "labels": ["a", "b"],
              "columns": {"text_b": None}, "splits": {"train": "train[:80%]", "test": "train[80%:]"}}  # fmt: skip
    tasks.add([tasks.parse("one-text", fields, "test")])
    guesses(lambda text: text.count("o") % 2)
    found = filtering.filtered(lab, ["one-text"], keep=4, name="single")
    hard = table(found.folder, "hard")
    assert found.size == 4 and len(hard) == 4 and "text_b" not in hard
    assert all(hard["text_a"].str.count("o") % 2 == 1)
    mixed = tasks.parse("two-texts", fields | {"columns": {"text_b": "text_a"}}, "test")
    tasks.add([mixed])
    with pytest.raises(
        UserError, match="two-texts and one-text have records of one text and of two; filter them apart"
    ):
        filtering.filtered(lab, ["one-text", "two-texts"], keep=4, name="mixed")


@pytest.mark.parametrize(
    ("of", "name", "said"),
    [
        ("mnli[abc]", "n", "filter: --of 'mnli[abc]' is no part of a split: write train[:80%], train[80%:] or train"),
        ("mnli[", "n", "filter: --of 'mnli[' is no part of a split"),
        ("mnli[:1]", "n", "which is not so among 1 records; give more"),  # and nothing is trained to find that
        ("mnli[5:2]", "n", "which is not so among 0 records; give more"),
        (
            "mnli",
            "../../evil",
            "filter: --name: '../../evil' cannot name a file: leave out / and a dot at the beginning",
        ),
        ("mnli", "", "filter: --name: '' cannot name a file"),
    ],
)
def test_what_is_no_slice_or_no_name_is_said_in_one_line(lab, guesses, of, name, said):
    asked = guesses(lambda text: 0)
    with pytest.raises(UserError) as error:
        filtering.filtered(lab, [of], keep=6, name=name)
    assert said in str(error.value) and "\n" not in str(error.value) and not asked


@pytest.mark.slow
def test_models_of_the_profile_read_each_others_halves(lab, tmp_path):
    """Each has learned 12 records and reads the other 12; what is not predicted as it is labelled is read wrongly."""
    pool, labels = filtering._pool(lab, ["mnli"], 0)
    try:
        wrong = filtering._read(lab, tmp_path / "made", pool, labels, "trained")
    finally:
        cluster.close()
    assert len(wrong) == 24
    for place, half in enumerate("ab"):
        (file,) = Lab(tiny()).store.root.glob(f"*filtered-trained-{half}-*/scores/*.json")
        read = predictions(file)
        assert [one["gold"] for one in read] == pool["label"][1 - place :: 2].tolist()
        assert [one["accuracy"] == 0 for one in read] == wrong[1 - place :: 2].tolist()


def test_the_generated_world_is_not_filtered(capsys):
    assert cli.main(["filter", "--of", "mnli", "--profile", "smoke"]) == 2
    assert "smoke reads the generated world" in capsys.readouterr().err
