"""The examples of params/examples: each is what `xlt new-task` writes, and each runs."""

from pathlib import Path

import pytest
import yaml
from test_newtask import bare, put  # noqa: F401

from xlt import cli
from xlt.core import paths
from xlt.lab import profiles, studies, work
from xlt.lab.lab import Lab
from xlt.spec import tasks

EXAMPLES = sorted((paths.ROOT / "params/examples").glob("*.yaml"))


def test_there_is_an_example_of_each_family():
    families = {task["family"] for file in EXAMPLES for task in yaml.safe_load(file.read_text())["tasks"].values()}
    assert families == {tasks.CLASSIFICATION, tasks.TAGGING, tasks.SPAN, tasks.CHOICE, tasks.RETRIEVAL}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_is_what_the_command_writes(put, bare, capsys, file):  # noqa: F811
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    (name,) = said["tasks"]
    data = file.parent / said["tasks"][name]["dataset"]
    assert cli.main(["new-task", str(data), "--output", "again.yaml"]) == 0
    again = yaml.safe_load(Path("again.yaml").read_text(encoding="utf-8"))
    again["tasks"][name]["dataset"] = said["tasks"][name]["dataset"]
    assert again["tasks"] == said["tasks"] and again["target"].keys() == said["target"].keys()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_runs(put, bare, in_process, monkeypatch, tmp_path, file):  # noqa: F811
    """With the tiny encoder and two updates: every language gets a score."""
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    profile = profiles.load(str(file))
    (name,) = profile.target
    stages = {task: fields | {"steps": 2, "max_length": 64} for task, fields in profile.target.items()}
    short = {"target": profile.target if tasks.get(name).headless else stages, "seeds": 1}
    short |= {"evaluation": {"default": {"max_length": 64, "examples": 4}}}
    lab = Lab(profile.model_copy(update=short))
    monkeypatch.setattr(work, "_store", lambda _: lab.store)
    study = studies.transfer(lab)
    scores = lab.run(study.recipes, study.evaluations)
    assert set(scores["language"]) == set(tasks.get(name).languages) and set(scores["task"]) == {name}


def test_the_file_in_the_readme_is_that_of_the_example():
    shown = (
        (paths.ROOT / "README.md").read_text(encoding="utf-8").partition("moods.yaml:\n")[2].partition("\nrecords ")[0]
    )
    (example,) = [file.read_text(encoding="utf-8") for file in EXAMPLES if file.stem == "moods"]
    written = [line.replace("./data/", "./params/examples/data/") for line in example.splitlines()]
    assert shown.strip().splitlines()[1:] == written[2:]
