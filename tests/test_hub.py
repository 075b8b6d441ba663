"""Without network: everything that is missing is named at once, before any work."""

import os
import subprocess
import sys
import time

import pytest
import small_hub

from xlt import cli
from xlt.core.errors import UserError
from xlt.data import repository
from xlt.data.sources import Source
from xlt.lab import hub, inputs, jobs, profiles, studies
from xlt.lab.lab import Lab
from xlt.spec import tasks
from xlt.spec.profile import Profile

DATA = [
    "Rowan/hellaswag",
    "allenai/cosmos_qa",
    "aps/super_glue",
    "cambridgeltl/xcopa",
    "facebook/anli",
    "facebook/mlqa",
    "facebook/xnli",
    "google-research-datasets/paws",
    "google-research-datasets/paws-x",
    "google-research-datasets/tydiqa",
    "google-research-datasets/xquad_r",
    "google/xquad",
    "google/xtreme",
    "izhx/mewsli-x",
    "lighteval/siqa",
    "nyu-mll/glue",
    "rajpurkar/squad",
    "rajpurkar/squad_v2",
    "stanfordnlp/snli",
    "tau/commonsense_qa",
    "unimelb-nlp/wikiann",
]  # all that base takes from the hub
PINNED = profiles.load("base").data.revisions


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network, an empty hub cache, no folder; what `hub` switches off is switched on again afterwards."""
    monkeypatch.setattr(hub, "_online", lambda: False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "xlt"))
    small_hub.a_new_run(monkeypatch)
    yield tmp_path
    small_hub.a_new_run(monkeypatch)


def cached(folder, name, kind, revision="main"):
    repository = folder / f"{kind}s--{name.replace('/', '--')}"
    for place, content in ((f"refs/{revision}", "abc"), ("snapshots/abc/config.json", "{}")):
        (repository / place).parent.mkdir(parents=True, exist_ok=True)
        (repository / place).write_text(content)


def all_cached(folder, names=DATA):
    for name in names:
        cached(folder, name, "dataset", PINNED.get(name, "main"))
    cached(folder, "FacebookAI/xlm-roberta-base", "model")


def test_everything_missing_is_named_at_once_and_quickly(offline):
    began = time.monotonic()
    with pytest.raises(UserError) as error:
        Lab.from_params("base")
    said = str(error.value)
    assert time.monotonic() - began < 2 and "\n" not in said
    assert said.startswith("profile base needs FacebookAI/xlm-roberta-base, ")
    for name in DATA:
        assert f"hf download {name} --repo-type dataset" in said
    assert 'hf download FacebookAI/xlm-roberta-base --include "*.json" "*.model" "*.txt" "*.safetensors";' in said
    assert "XLT_HUB_ROOT" in said and "mini" in said


def test_only_what_is_missing_is_named(offline):
    all_cached(offline, DATA[1:])
    with pytest.raises(UserError) as error:
        hub.check(profiles.load("base"))
    assert "needs Rowan/hellaswag and there is no network" in str(error.value)


def test_a_download_that_was_cut_off_is_missing(offline):
    repository.use_cache_only()
    cached(offline, "facebook/xnli", "dataset")
    (offline / "datasets--facebook--xnli/snapshots/abc/config.json").unlink()
    cached(offline, "google/xquad", "dataset")
    wanted = [(name, "dataset", None) for name in ("facebook/xnli", "google/xquad")]
    assert list(hub.lost(wanted)) == wanted[:1]


def test_of_a_script_the_parquet_branch_must_be_there(offline, monkeypatch):
    base = profiles.load("base").model_dump(exclude={"intermediate", "target", "evaluation"})
    asked = Profile(**base, intermediate={"hans": {}}, target={"xnli": {}})
    all_cached(offline, ("facebook/xnli", "nyu-mll/glue", "jhu-cogsci/hans"))
    wanted = "hf download jhu-cogsci/hans --repo-type dataset --revision refs/convert/parquet"
    with pytest.raises(UserError, match=wanted):
        hub.check(asked)
    cached(offline, "jhu-cogsci/hans", "dataset", tasks.PARQUET)
    small_hub.a_new_run(monkeypatch)
    hub.check(asked)


def test_languages_that_lie_elsewhere_are_needed_when_they_are_asked_for(offline):
    asked = profiles.load("base").model_copy(update={"languages": ("en", "uk")})
    needed = {name for name, *_ in hub._needed(asked)}
    assert needed - {name for name, *_ in hub._needed(profiles.load("base"))} == {
        "mteb/tatoeba-bitext-mining", "universal-dependencies/universal_dependencies",
    }  # fmt: skip


def test_with_a_folder_only_the_model_is_asked_for(offline, monkeypatch, tmp_path):
    monkeypatch.setenv("XLT_HUB_ROOT", str(tmp_path))
    for name in DATA:
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(UserError) as error:
        hub.check(profiles.load("base"))
    said = str(error.value)
    assert "needs FacebookAI/xlm-roberta-base and there is no network" in said
    assert "xnli" not in said and "set XLT_HUB_ROOT" not in said


def test_a_folder_that_is_none_is_said_before_what_is_missing(offline, monkeypatch, tmp_path):
    monkeypatch.setenv("XLT_HUB_ROOT", str(tmp_path / "nothing"))
    with pytest.raises(UserError, match="nothing is not a folder; point it at data sets in hub layout, or unset it"):
        Lab.from_params("local")


def test_what_is_offered_instead_holds_for_local_too(offline):
    with pytest.raises(UserError) as error:
        hub.check(profiles.load("local"))
    assert "needs xlt/mnli-translated, xlt/ud-ccg, which the hub does not have: set XLT_HUB_ROOT" in str(error.value)
    assert str(error.value).endswith("Without such a folder: mini")


def test_a_run_stops_before_its_first_notebook_starts(offline, monkeypatch, capsys):
    monkeypatch.setattr("xlt.report.notebooks.run_notebooks", lambda *_: pytest.fail("started"))
    assert cli.main(["run", "--profile", "base"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("xlt: profile base needs ") and said.err.count("\n") == 1
    assert "hf download unimelb-nlp/wikiann --repo-type dataset, or set XLT_HUB_ROOT" in said.err


def test_the_command_itself_says_so_too(tmp_path):
    """In a process of its own, where no other module has imported anything yet."""
    quiet = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "XLT_CACHE": str(tmp_path), "XLT_REPORTS": str(tmp_path)}
    command = [sys.executable, "-m", "xlt.cli", "run", "--profile", "base"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **quiet})
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith("xlt: profile base needs ")


def test_positions_of_the_encoder_are_asked_for_before_the_first_notebook_too(monkeypatch, tmp_path, capsys):
    file = tmp_path / "long.yaml"
    file.write_text("extends: local\ndescription: d\ntraining: {max_length: 4096}\n")
    monkeypatch.setattr(hub, "check", lambda profile, _: profile)
    monkeypatch.setattr("xlt.data.weights.given_positions", lambda _: 512)
    monkeypatch.setattr("xlt.report.notebooks.run_notebooks", lambda *_: pytest.fail("started"))
    assert cli.main(["run", "--profile", str(file)]) == 2
    assert "max_length 4096: too few encoder.positions (512)" in capsys.readouterr().err


def test_with_everything_in_the_cache_the_network_is_not_tried_again(offline):
    all_cached(offline)
    hub.check(profiles.load("base"))
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_what_only_a_study_needs_may_be_missing(offline):
    """Studies of base ask for more than DATA, some of it on no hub: none of that is named."""
    base = profiles.load("base")
    asked = {name for name, *_ in hub._data(base, base.studied)}
    assert {"UCLNLP/adversarial_qa", "xlt/xnli-typos"} <= asked - set(DATA)
    all_cached(offline)
    hub.check(base)


SHIPPED = {name: profiles.load(name) for name in profiles.profiles() if name != "bare"}
FROM_THE_HUB = [name for name, profile in SHIPPED.items() if profile.data.source == "hub" and not profile.benchmark]


@pytest.mark.parametrize("name", FROM_THE_HUB)
def test_every_split_that_a_shipped_profile_reads_on_the_hub_is_declared(monkeypatch, name):
    """In every language that it asks for, of all phases and studies."""
    monkeypatch.setattr(hub, "ready", lambda profile, _: profile)
    monkeypatch.setattr(Source, "_holds", lambda _, task, *__: not task.dataset.startswith(tasks.NOT_ON_THE_HUB))
    lab = Lab.from_params(name)
    read = set()
    for study in studies.of(lab).values():
        for _, _, recipe, chosen in lab.wanted(study.recipes, study.evaluations, 1):
            read.update(one for step in recipe.lineage() for one in inputs._splits(jobs.Job(step, tuple(chosen))))
    assert {("mnli", "en", "train"), ("xnli", "de", "test")} < read
    for task, code, split in read:
        there = tasks.get(task).at(code)
        assert split in there.splits, (task, code, split)
        assert there.multilingual or code in there.languages, (task, code)


def test_a_profile_with_local_weights_and_a_folder_asks_nobody(monkeypatch, tmp_path):
    monkeypatch.setenv("XLT_HUB_ROOT", str(tmp_path))
    local = profiles.load("local")
    for name in {name for name, *_ in [*hub._needed(local), *hub._data(local, local.studied)]}:
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(hub, "_online", lambda: pytest.fail("asked"))
    hub.check(local)


def test_what_no_hub_has_must_lie_in_a_folder(offline, monkeypatch, tmp_path):
    with pytest.raises(UserError, match="needs xlt/bucc-pool, xlt/ud-ccg, which the hub does not have: set XLT_HUB"):
        hub.check(profiles.load("paper_full"))
    monkeypatch.setenv("XLT_HUB_ROOT", str(tmp_path))
    for name in ("xlt/bucc-pool", "xlt/ud-ccg"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(UserError, match="no network"):
        hub.check(profiles.load("paper_full"))


def test_the_world_needs_no_hub(places, monkeypatch):
    from conftest import tiny

    monkeypatch.setattr(hub, "_online", lambda: pytest.fail("asked"))
    Lab(tiny())


@pytest.mark.parametrize("error", [OSError("no route"), TimeoutError(), RuntimeError("proxy")])
def test_whatever_the_network_raises_means_offline(monkeypatch, error):
    class Session:
        def head(self, *_, **__):
            raise error

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.get_session", Session)
    assert not hub._online()


def test_told_to_stay_offline_it_does_not_try(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.get_session", lambda: pytest.fail("tried"))
    assert not hub._online()
