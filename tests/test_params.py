"""Profiles: every mistake is one line that says where, and what was perhaps meant."""

import pytest

from xlt.core import paths
from xlt.core.errors import UserError
from xlt.lab import profiles
from xlt.spec import tasks

MINIMAL = "description: d\nencoder: {text: text, languages: [en]}\n"


@pytest.fixture
def written(tmp_path):
    """Write a profile; its path."""

    def write(text, name="mine.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


def complaint(name):
    with pytest.raises(UserError) as error:
        profiles.load(name)
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", profiles.profiles())
def test_every_profile_loads(name):
    profile = profiles.load(name)
    assert profile.name == name
    assert all(stage.role in ("intermediate", "target") for stage in profile.stages)


@pytest.mark.parametrize("name", [name for name in profiles.profiles() if "ordering" in profiles.load(name).studies])
def test_the_control_with_shuffled_labels_differs_in_nothing_else(name):
    stages = [profiles.load(name).study_stage(label, "ordering") for label in ("mnli-long", "mnli-shuffled")]
    assert stages[1].shuffle_labels and stages[0] == stages[1].model_copy(update={"shuffle_labels": False})


CONTROLLED = [name for name in profiles.profiles() if profiles.load(name).controls]


@pytest.mark.parametrize("name", CONTROLLED)
def test_the_controls_of_the_matrix_are_as_long_as_the_rows_that_they_stand_beside(name):
    """Shuffled labels: as MNLI, but the last checkpoint, as there is nothing to choose by. Longer: updates of the size
    of SQuAD's, on the target's own records."""
    profile = profiles.load(name)
    shuffled = profile.stage("mnli, labels shuffled", "intermediate")
    mnli, free = profile.stage("mnli", "intermediate"), {"shuffle_labels": False, "select": "last", "patience": None}
    assert shuffled.shuffle_labels and shuffled.model_copy(update=free) == mnli.model_copy(update=free)
    squad = profile.stage("squad", "intermediate") if "squad" in profile.intermediate else shuffled
    for target in (t for t in profile.target if not tasks.get(t).headless):
        longer, own = profile.stage("target, longer", "intermediate", target), profile.stage(target, "target")
        assert (longer.task, longer.max_length, longer.lr) == (own.task, own.max_length, own.lr)
        assert longer.role == "intermediate" and longer.steps and longer.accumulate == squad.accumulate


def test_the_longer_training_of_mini_is_as_long_as_squad():
    profile = profiles.load("mini")
    squad = profile.stage("squad", "intermediate")
    assert squad.updates([profile.data.world.sizes["qa_train"]]) == profile.controls["target, longer"]["steps"]


def test_all_profiles_are_there():
    assert {"mini", "smoke", "local", "base", "paper", "paper_lora"} <= set(profiles.profiles())


def test_an_unknown_profile():
    assert complaint("minni") == "unknown profile 'minni'; did you mean mini?"
    assert "known: bare, base" in complaint("qqqq")


def test_a_missing_file(tmp_path):
    assert "unknown profile" in complaint(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "intermediate: {mnli: {}}\ncontrols: {mnli: {task: mnli}}",
            "controls.mnli: another row has that name; give the control one of its own",
        ),
        ("controls: {x: {task: tatoeba}}", "mine: controls.x: tatoeba is evaluated on the encoder as it is"),
        ("sedes: 3", "unknown setting 'sedes' in mine.yaml; did you mean seeds or studies?"),
        ("resources: {worker: 3}", "unknown setting 'worker' in mine.yaml; did you mean workers?"),
        ("data: {world: {seeed: 3}}", "unknown setting 'seeed' in mine.yaml; did you mean seed?"),
        (
            "training: {lerning_rate: 1, lr: 1}\ntarget: {xnli: {}}",
            "unknown setting 'lerning_rate' in mine: target.xnli",
        ),
        ("target: {xnli: {epoch: 3}}", "unknown setting 'epoch' in mine: target.xnli; did you mean epochs?"),
        (
            "evaluation: {mnli: {exampels: 3}}",
            "unknown setting 'exampels' in mine: evaluation.mnli; did you mean examples?",
        ),
        ("evaluation: {default: {langth: 3}}\ntarget: {xnli: {}}", "unknown setting 'langth' in mine: evaluation.xnli"),
        ("target: {xnl: {}}", "unknown task 'xnl'; did you mean xnli"),
        ("intermediate: {mnnli: {}}", "unknown task 'mnnli'; did you mean mnli"),
        ("evaluation: {tatoebaa: {}}", "unknown task 'tatoebaa'; did you mean tatoeba?"),
        ("pretraining: {task: txt}", "unknown task 'txt'; did you mean text?"),
        ("tasks: {mine: {family: span}}", "mine: task mine: give dataset: a hub id or the path of a folder"),
        ("tasks: {mine: {family: span, dataset: ./a, metrics: f2}}", "unknown metric 'f2' in mine: task mine"),
        ("tasks: {mine: ./folder}", "tasks.mine: input should be a valid dictionary"),
        ("tasks: {a/b: {family: span, dataset: ./a}}", "mine: tasks: 'a/b' cannot name a file: leave out / and"),
        (
            "studies: {../../evil: {question: q, targets: [xnli], arms: {none: []}}}",
            "mine: studies: '../../evil' cannot name a file: leave out / and a dot at the beginning",
        ),
        ("languages: [en, xx]", "unknown language 'xx'; any BCP 47 or ISO 639 code is known"),
        ("languages: [barr]", "unknown language 'barr'; did you mean bar"),
        ("pretraining: {task: text, languages: [arxy]}", "unknown language 'arxy'; did you mean"),
        ("seeds: many", "mine.yaml: seeds: input should be a valid integer"),
        ("seeds: 0", "mine.yaml: seeds: input should be greater than 0, got 0"),
        ("seeds: 2.5", "mine.yaml: seeds: input should be a valid integer"),
        ("data: {source: huub}", "mine.yaml: data.source: input should be 'world' or 'hub', got 'huub'"),
        ("target: {xnli: {lr: fast}}", "mine: target.xnli: lr: input should be a valid number"),
        ("target: [xnli]", "mine.yaml: target: input should be a valid dictionary"),
        ("resources: {threads: -1}", "mine.yaml: resources.threads: input should be greater than 0, got -1"),
        ("target: {xnli: {max_length: 257}}", "mine.yaml: mnli: max_length 257: too few encoder.positions"),
        ("pretraining: {task: text, max_length: 255}", "text: max_length 255: too few encoder.positions"),
        ("data: {world: {sizes: {text: 0}}}", "mine.yaml: data.world.sizes.text: input should be greater than 0"),
    ],
)
def test_a_mistake_is_named(written, text, said):
    assert said in complaint(written(MINIMAL + text))


def test_a_missing_section_is_named_without_the_rest(written):
    assert complaint(written("description: d\n")) == "mine.yaml: encoder: field required"


def test_an_encoder_from_nowhere(written):
    assert "encoder: give either model, or text" in complaint(written("description: d\nencoder: {layers: 2}\n"))


@pytest.mark.parametrize("text", ["a: [1, 2", "a: b: c", "\tx: 1", "x: *nothing"])
def test_invalid_yaml(written, text):
    assert complaint(written(text)).startswith("mine.yaml is not valid YAML: ")


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\x00x")
    assert complaint(str(tmp_path / "mine.yaml")) == "mine.yaml is not UTF-8 (byte 0); save it as UTF-8"


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n- b\n", "text"])
def test_a_file_without_settings(written, text):
    assert complaint(written(text)) == "mine.yaml holds no settings; begin with `extends: bare`"


def test_a_path_gives_a_profile_named_after_the_file(written):
    assert profiles.load(written(MINIMAL, "other.yaml")).name == "other"


def test_extends_changes_only_what_it_states(written):
    mini = profiles.load("mini")
    mine = profiles.load(written("extends: mini\ndescription: d\nencoder: {layers: 1}\nseeds: 1\n"))
    assert (mine.name, mine.seeds, mine.encoder.layers) == ("mine", 1, 1)
    assert mine.encoder == mini.encoder.model_copy(update={"layers": 1})
    assert (mine.pretraining, mine.target, mine.data) == (mini.pretraining, mini.target, mini.data)


def test_extends_a_path(written):
    base = written(MINIMAL + "seeds: 7\n", "base.yaml")
    assert profiles.load(written(f"extends: {base}\n")).seeds == 7


def test_a_list_is_replaced_whole(written):
    assert profiles.load(written("extends: mini\nlanguages: [de]\n")).languages == ("de",)


def test_no_is_norwegian_and_not_false(written):
    text = "languages: [en, no]\npretraining: {task: text, languages: [no]}\n"
    profile = profiles.load(written(MINIMAL + text))
    assert profile.languages == ("en", "no") and profile.pretraining.languages == ("no",)


@pytest.fixture
def forgetting():
    yield
    tasks.TASKS.pop("placed", None)


def test_paths_of_data_start_at_the_file_that_declares_them(written, tmp_path, forgetting):
    (tmp_path / "deep").mkdir()
    written(
        MINIMAL + "tasks: {placed: {family: span, dataset: ../data, elsewhere: {en: {dataset: ./en}}}}",
        "deep/base.yaml",
    )
    profile = profiles.load(written(f"extends: {tmp_path}/deep/base.yaml\n"))
    placed = tasks.get("placed")
    assert placed.dataset == str(tmp_path / "data") and placed.at("en").dataset == str(tmp_path / "deep/en")
    assert profile.tasks["placed"]["dataset"] == placed.dataset


def test_a_path_inside_the_project_stays_the_same_everywhere():
    declared = {"mine": {"dataset": "../tests"}, "other": {"dataset": "owner/name"}, "third": {"dataset": "~/x"}}
    placed = profiles._placed(declared, paths.ROOT / "params")
    assert [task["dataset"] for task in placed.values()] == ["./tests", "owner/name", "~/x"]


def test_extends_an_unknown_profile(written):
    assert complaint(written("extends: mimi\n")) == "unknown profile 'mimi'; did you mean mini?"
    assert "unknown profile '5'" in complaint(written("extends: 5\n"))


def test_a_profile_that_extends_itself(written, tmp_path):
    assert (
        complaint(written(f"extends: {tmp_path / 'mine.yaml'}\n")) == "mine.yaml extends itself; give it another base"
    )


def test_training_holds_for_every_stage_and_the_task_has_the_last_word(written):
    text = "training: {lr: 1e-3, batch: 8}\nintermediate: {mnli: {}}\ntarget: {xnli: {batch: 4}}\n"
    profile = profiles.load(written(MINIMAL + text))
    mnli, xnli = profile.stage("mnli", "intermediate"), profile.stage("xnli", "target")
    assert (mnli.lr, mnli.batch, mnli.role) == (1e-3, 8, "intermediate")
    assert (xnli.lr, xnli.batch, xnli.role) == (1e-3, 4, "target")


def test_a_task_that_the_profile_does_not_have():
    with pytest.raises(UserError, match="unknown target task 'mnli' in profile mini; did you mean xnli"):
        profiles.load("mini").stage("mnli", "target")


def test_evaluation_of_a_task_goes_over_the_default(written):
    text = "evaluation: {default: {examples: 5, max_length: 60}, xnli: {max_length: 70}}\n"
    evaluation = profiles.load(written(MINIMAL + text)).evaluate("xnli", "de")
    assert (evaluation.examples, evaluation.max_length, evaluation.language) == (5, 70, "de")


def test_retrieval_is_no_training_stage():
    assert "tatoeba" not in [stage.task for stage in profiles.load("mini").stages]


def test_cache_and_reports_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "c"))
    monkeypatch.setenv("XLT_REPORTS", str(tmp_path / "r"))
    assert (paths.cache_root(), paths.reports_root()) == (tmp_path / "c", tmp_path / "r")
    monkeypatch.delenv("XLT_CACHE")
    assert paths.cache_root() == paths.ROOT / ".cache"


def test_null_that_stands_for_nothing_survives_another_profile(written):
    """A null over `training` is still there when a profile over it says something else of the same entry."""
    first = written(
        MINIMAL + "training: {patience: 3, select: dev}\n"
        "target: {xnli: {patience: null, select: last}, pawsx: {steps: 5, beta2: 0.9}}",
        "first.yaml",
    )
    second = written(f"extends: {first}\ntarget: {{xnli: {{steps: 7}}, pawsx: {{steps: null}}}}", "second.yaml")
    target = profiles.load(second).target
    assert target == {"xnli": {"patience": None, "select": "last", "steps": 7}, "pawsx": {"beta2": 0.9}}
