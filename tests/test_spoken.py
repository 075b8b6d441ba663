"""In which languages a task of the user's own is learned and evaluated."""

import pytest

from xlt import cli
from xlt.core.errors import UserError
from xlt.lab import profiles
from xlt.lab.lab import Lab
from xlt.lab.studies import transfer
from xlt.spec import stage_rules, tasks

BASE = """
description: the languages of a profile that others extend
data: {source: world, world: {sizes: {text: 60, nli_train: 24, nli_test: 6}}}
languages: [en, de]
seeds: 1
encoder: {layers: 1, width: 32, heads: 2, vocabulary: 300, text: text, languages: [en, de]}
training: {steps: 2, batch: 4, lr: 1.0e-3, max_length: 48}
intermediate: {mnli: {}}
evaluation: {default: {max_length: 48}}
resources: {workers: 1, eval_batch: 4}
"""
TASK = "{family: classification, dataset: ./moods, columns: {text_b: null}, labels: [neg, pos], FIELDS}"


@pytest.fixture
def mine(tmp_path):
    """A profile over BASE with the task moods: its `fields`, records in these folders, what else the profile says."""

    def write(fields="languages: [fr]", folders=(".",), rest="target: {moods: {}}", splits=("train", "test")) -> str:
        for file in (f"moods/{folder}/{split}.csv" for folder in folders for split in splits):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text("text_a,label\n" + "gut,pos\nschlecht,neg\n" * 4, encoding="utf-8")
        (tmp_path / "base.yaml").write_text(BASE, encoding="utf-8")
        said = f"extends: {tmp_path}/base.yaml\ntasks: {{moods: {TASK.replace('FIELDS', fields)}}}\n{rest}\n"
        (tmp_path / "mine.yaml").write_text(said, encoding="utf-8")
        return str(tmp_path / "mine.yaml")

    yield write
    tasks.TASKS.pop("moods", None)


FRENCH = [("moods", "fr")]


def places(profile: str) -> list[tuple[str, str]]:
    return [(e.task, e.language) for e in transfer(Lab.from_params(profile)).evaluations]


def test_a_task_that_a_profile_adds_is_learned_and_evaluated_in_its_own_language(mine):
    """The languages of the base, which knows nothing of it, hold for the base's tasks."""
    profile = mine(rest="target: {moods: {}, xnli: {}}")
    assert places(profile) == [*FRENCH, ("xnli", "en"), ("xnli", "de")]
    assert profiles.load(profile).stage("moods", "target").languages == ("fr",)


def test_the_profiles_own_languages_hold_for_all_its_tasks(mine):
    profile = mine(
        "languages: [fr, es], config: '{code}'", ("fr", "es"), "languages: [fr]\ntarget: {moods: {languages: [es]}}"
    )
    assert places(profile) == FRENCH


def test_the_world_is_asked_for_no_language_that_only_a_task_of_the_users_own_has(mine):
    profile = mine(rest="languages: [en, fr]\ntarget: {moods: {}, xnli: {}}")
    assert places(profile) == [*FRENCH, ("xnli", "en")]


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("languages: [en, de]\ntarget: {moods: {}}",
         "mine: target.moods: is evaluated in none of en, de; its test records are in fr: name one"),
        ("languages: [en, et, fr]\ntarget: {moods: {}}", "unknown language of the world 'et'"),
        ("target: {moods: {}}\nintermediate: {mnli-translated: {languages: [fr]}}",
         "has no mnli-translated in fr: such a world speaks en, de, es"),
    ],
)  # fmt: skip
def test_what_no_one_has_is_said_before_anything_is_trained(mine, capsys, rest, said):
    assert cli.main(["plan", "--only", "03", "--profile", mine(rest=rest)]) == 2
    assert said in capsys.readouterr().err


def test_a_task_without_test_records_is_no_target(mine):
    with pytest.raises(UserError, match="there are no test records in fr to evaluate it on"):
        Lab.from_params(mine("languages: [fr], splits: {train: train}"))


@pytest.mark.parametrize(
    ("config", "folders", "languages"),
    [
        ('"{code}"', ["de"], ["de"]),
        ('"{code}"', ["de", "other", "fr"], ["de", "fr"]),
        ('"{iso3}"', ["deu"], ["de"]),
        ('"data-{code}"', ["data-sr-Latn"], ["sr-Latn"]),
        ("{de: german, hi: hindi}", ["german", "hindi"], ["de", "hi"]),
        ("default", ["."], ["en"]),
    ],
)
def test_languages_that_are_not_declared_are_found(mine, config, folders, languages):
    lab = Lab.from_params(mine(f"config: {config}", folders, f"target: {{moods: {{languages: [{languages[0]}]}}}}"))
    assert sorted(lab.languages("moods")) == languages


def test_languages_that_cannot_be_found_are_asked_for(mine):
    with pytest.raises(UserError, match="task moods: has records by language, and none is told; give languages"):
        profiles.load(mine('config: "{code}"', ["other"]))


@pytest.mark.parametrize(
    ("languages", "fields", "learned"),
    [("de", {}, ("de",)), ("de en", {}, ("en",)), ("de hi", {"languages": ["hi", "de"]}, ("hi", "de"))],
)
def test_the_language_in_which_a_task_is_learned(mine, languages, fields, learned):
    profile = profiles.load(mine(f"languages: {languages}, config: '{{code}}'", languages.split(), "intermediate: {}"))
    stage = profile._stage("moods", "intermediate", fields | {"also": [{"task": "mnli"}]}, "here")
    assert stage.languages == learned and stage.also[0].languages == ("en",)
    with_it = profile._stage("mnli", "intermediate", {"also": [{"task": "moods"} | fields]}, "here")
    assert with_it.also[0].languages == learned and "languages" not in with_it.key()


def test_of_several_languages_without_english_one_is_to_be_named(mine):
    with pytest.raises(UserError, match="target.moods: in which language is moods learned. Give languages: .* de, hi"):
        profiles.load(mine("languages: [de, hi], config: '{code}'", ["de", "hi"]))


def test_a_checkpoint_is_chosen_in_a_language_that_the_stage_learns(mine):
    profile = profiles.load(mine(rest="target: {}", splits=("train", "validation")))
    chosen = profile._stage("moods", "target", {"select": "dev"}, "here")
    assert chosen.watched == ("fr",)
    assert profile._stage("mnli", "target", {"select": "dev"}, "here").watched == (stage_rules.ENGLISH,)
