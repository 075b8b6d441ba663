"""`epochs` that a file states are not silently overruled by `steps` that it inherits; and the profile to start from."""

import pytest

from xlt.lab import profiles


@pytest.fixture
def loaded(tmp_path):
    """The profile of these files, each of which extends the one before it."""

    def load(*texts):
        base = "bare"
        for number, text in enumerate(texts):
            file = tmp_path / f"p{number}.yaml"
            file.write_text(f"extends: {base}\ndescription: d\n{text}", encoding="utf-8")
            base = str(file)
        return profiles.load(base)

    return load


@pytest.mark.parametrize(
    ("texts", "steps"),
    [
        (["training: {steps: 9}", "target: {xquad: {epochs: 3}}"], None),
        (["training: {steps: 9}\ntarget: {xquad: {epochs: 3}}"], None),
        (["target: {xquad: {steps: 9}}", "target: {xquad: {epochs: 3}}"], None),
        (["training: {steps: 9}", "training: {epochs: 3}\ntarget: {xquad: {}}"], None),
        (["target: {xquad: {epochs: 3}}", "training: {steps: 9}"], 9),
        (["training: {steps: 9}", "target: {xquad: {epochs: 3, steps: 5}}"], 5),
        (["training: {steps: 9}", "target: {xquad: {lr: 0.1}}"], 9),
        (["target: {xquad: {epochs: 3}}", "target: {xquad: {steps: 9}}"], 9),
    ],
)
def test_what_is_stated_nearest_says_how_long_a_target_trains(loaded, texts, steps):
    assert loaded(*texts).stage("xquad", "target").steps == steps


def test_so_it_is_in_studies(loaded):
    study = "studies: {s: {question: q, targets: [xquad], arms: {a: {stages: [mnli], target: {epochs: 1}}}, %s}}"
    profile = loaded(
        "training: {steps: 9}\n" + study % "training: {steps: 7}", "studies: {s: {stages: {mnli: {epochs: 2}}}}"
    )
    assert profile.study_stage("mnli", "s").steps is None and profile.study_stage("squad", "s").steps == 7
    assert profile.study_target("xquad", "s", "a").steps is None


def test_the_bare_profile_has_nothing_to_take_out(loaded):
    profile = profiles.load("bare")
    empty = ("intermediate", "controls", "target", "studies", "tasks", "languages", "pretraining")
    assert not any(getattr(profile, section) for section in empty)
    assert [stage.task for stage in loaded("target: {xquad: {}}").stages] == ["squad"]
