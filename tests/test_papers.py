"""The profiles that repeat papers: the numbers of their sources, by hand."""

import pytest

from xlt.analysis import claims
from xlt.data import rows
from xlt.lab import profiles
from xlt.spec import stage_rules


@pytest.fixture(scope="module")
def profile():
    return {name: profiles.load(name) for name in ("paper", "paper_appendix", "huang")}


def batch(stage):
    return stage.batch * stage.accumulate


def test_paper_trains_as_jiant_does(profile):
    """scripts/benchmarks/xtreme and jiant/shared/model_setup.py."""
    paper = profile["paper"]
    for target, (epochs, size, length) in {
        "xnli": (2, 32, 256), "pawsx": (5, 32, 256), "udpos": (10, 32, 256), "panx": (10, 32, 256),
        "xquad": (2, 16, 384), "mlqa": (2, 16, 384), "tydiqa": (2, 16, 384),
    }.items():  # fmt: skip
        stage = paper.stage(target, "target")
        assert (stage.epochs, batch(stage), stage.max_length) == (epochs, size, length), target
        assert (stage.lr, stage.warmup, stage.weight_decay, stage.clip) == (1e-5, 0.1, 0.01, 1.0)
        if target != "tydiqa":  # which has no English dev records
            assert (stage.select, stage.check_every, stage.select_examples, stage.patience) == ("dev", 1000, 500, 30)


def test_several_tasks_of_paper_choose_together(profile):
    judges = [
        task.name for task, _ in stage_rules.selection_tasks(profile["paper"].stage("multi-task", "intermediate"))
    ]
    assert set(judges) > {"snli", "mnli", "anli-r3", "qqp", "squad", "commonsenseqa"}
    assert [
        task.name for task, _ in stage_rules.selection_tasks(profile["paper"].stage("mnli-mlm", "intermediate"))
    ] == ["mnli"]


def test_translations_of_paper_hold_as_many_items_as_english(profile):
    """392,702 records of MNLI in 14 languages, none twice."""
    stage = profile["paper"].stage("mnli-translated", "intermediate")
    assert rows.told([stage], lambda part: 392_702) == (
        "mnli-translated: 28,050 records in each of 14 languages (ar bg de el es fr hi ru sw th tr ur vi zh), no row "
        "in two of them: 392,700 different rows."
    )


def test_huang_trains_as_the_published_scripts_do(profile):
    """uclanlp/Robust-XLT: train_pawsx.sh, train_xnli.sh."""
    huang = profile["huang"]
    assert huang.encoder.model == "google-bert/bert-base-multilingual-cased"
    for target, (epochs, every, copies) in {"xnli": (1, 1000, 3), "pawsx": (3, 500, 10)}.items():
        stage = huang.study_target(target, "robust_training", "rs-da")
        assert (stage.epochs, stage.check_every, stage.augment.copies) == (epochs, every, copies)
        assert (stage.lr, stage.warmup, stage.weight_decay) == (2e-5, 0, 0) and batch(stage) == 32
        assert stage.max_length == huang.evaluate(target, "de").max_length == 128
        assert (stage.select, stage.select_examples) == ("dev", None)
        assert stage.augment.perturbation == "rs-da:counterfitted_neighbors.json" and not stage.augment.keep


def test_huang_holds_rs_da_against_as_many_updates_too(profile):
    for target, records, copies, updates in (("xnli", 392_702, 3, 36_816), ("pawsx", 49_401, 10, 46_314)):
        arms = ("rs-da", "none, as many updates as rs-da")
        augmented, longer = (profile["huang"].study_target(target, "robust_training", arm) for arm in arms)
        assert augmented.updates([copies * records]) == updates
        # each of the many passes over the plain records ends in a smaller batch of its own
        assert 0 <= longer.updates([records]) - updates <= longer.epochs
        assert longer.augment is None


def test_what_is_believed_of_the_appendix_says_that_nobody_read_it(profile):
    believed, paper = profile["paper_appendix"], profile["paper"]
    assert "UNVERIFIED" in believed.description and "memory" in believed.description
    assert not claims.load().use("paper_appendix").values
    epochs = {"anli-plus": 2, "mnli": 2, "qqp": 3, "squad2": 3, "squad": 3}
    epochs |= {"hellaswag": 7, "cosmosqa": 15, "commonsenseqa": 10}
    for name, times in epochs.items():
        stage = believed.stage(name, "intermediate")
        assert (stage.epochs, batch(stage)) == (times, 24), name
        assert stage.max_length == paper.stage(name, "intermediate").max_length
    assert all(batch(believed.stage(name, "intermediate")) == 24 for name in believed.intermediate)
    assert believed.target == paper.target


def test_each_paper_is_held_against_the_profile_that_repeats_it():
    declared = claims.load()
    asked = {
        name: {claim.source.paper for claim in declared.claims if declared.use(name).asked(claim)}
        for name in ("paper", "huang", "base", "mini")
    }
    phang, huang = {"Phang et al. 2020"}, {"Huang et al. 2021"}
    assert asked == {"paper": phang, "huang": huang, "base": set(), "mini": set()}
