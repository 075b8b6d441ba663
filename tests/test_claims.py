"""What is declared as a claim, and what score files say to it."""

import json
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats as scipy_stats

from xlt import cli
from xlt.analysis import claim_checks, claims, inference, outcome_tables
from xlt.analysis.claim_checks import check
from xlt.analysis.effects import Effect
from xlt.core.errors import UserError
from xlt.evaluation.outcomes import Outcomes
from xlt.lab import profiles

GAIN = {
    "id": "gain",
    "sentence": "MNLI helps XNLI.",
    "source": {"paper": "A", "where": "Table 1", "status": "verified"},
    "compare": {"intermediate": "mnli"},
    "against": {"intermediate": "none"},
    "on": {"task": "xnli"},
    "expect": "higher",
}


def declare(tmp_path, *changes: dict) -> claims.Declared:
    """GAIN with each of `changes` (None takes a key out), published values count in `paper` alone."""
    made = [{k: v for k, v in (GAIN | change).items() if v is not None} for change in changes or ({},)]
    profiles = {"mini": {"means": "small world"}, "paper": {"means": "reproduction", "values": "A"}}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump({"profiles": profiles, "claims": made}))
    return claims.load(tmp_path / "claims.yaml")


def rows(intermediate: str, task: str, values: list[float], language: str = "de", **more) -> list[dict]:
    """One row a seed."""
    row = {"recipe": f"{intermediate} → {task}", "intermediate": intermediate, "task": task, "language": language,
           "metric": "accuracy", "main": True, "perturbation": "none", "attack": "none", "new": "x"}  # fmt: skip
    return [row | {"seed": seed, "value": value} | more for seed, value in enumerate(values)]


def report(tmp_path, *parts: list[dict], name: str = "scores.csv", profile: str = "mini"):
    (tmp_path / profile).mkdir(exist_ok=True)
    pd.DataFrame(sum(parts, [])).to_csv(tmp_path / profile / name, index=False)
    return tmp_path


BASE = rows("none", "xnli", [0.50, 0.52, 0.54])
BETTER = rows("mnli", "xnli", [0.60, 0.63, 0.63])  # less BASE seed by seed 10, 11 and 9 points


def verdict(tmp_path, declared, profile: str = "mini"):
    return check(profile, tmp_path, declared)[0]


@pytest.mark.parametrize(
    ("values", "expect", "said", "why"),
    [
        ([0.60, 0.63, 0.63], "higher", "held", "the interval excludes zero"),
        ([0.60, 0.63, 0.63], "lower", "refuted", "the opposite holds"),
        ([0.40, 0.43, 0.43], "lower", "held", "the interval excludes zero"),
        ([0.50, 0.56, 0.62], "higher", "not shown", "covers zero (13.1 could"),  # 3.26 SDs of 4
        ([0.40, 0.43, 0.43], "not higher", "held", "surely below +1"),
        ([0.51, 0.54, 0.54], "not higher", "not shown", "reaches above +1 (2.3 below +1 could be found"),
        ([0.60, 0.63, 0.63], "not higher", "refuted", "surely above +1"),
        ([0.60], "higher", "not run", "one common seed: no interval"),
        ([0.60, 0.62, 0.64], "higher", "not run", "3 common seeds that agree: no interval"),  # 10 points in each
        ([0.20, 0.95, 0.10], "higher", "not shown", "covers zero (nothing within the scale could be found"),
    ],
)
def test_a_direction_needs_the_whole_interval(tmp_path, values, expect, said, why):
    report(tmp_path, BASE, rows("mnli", "xnli", values))
    found = verdict(tmp_path, declare(tmp_path, {"expect": expect}))
    assert found.verdict == said and why in found.why


def test_effect_interval_and_detectable_difference_in_fractions(tmp_path):
    report(tmp_path, BASE, BETTER)
    effect = verdict(tmp_path, declare(tmp_path)).effect
    theirs = scipy_stats.ttest_rel([0.60, 0.63, 0.63], [0.50, 0.52, 0.54])
    assert effect[:4] == pytest.approx((0.1, *theirs.confidence_interval(), theirs.pvalue), abs=1e-6)
    shift = effect.detectable / (0.01 / 3**0.5)  # of t(2), SD 1 point
    assert scipy_stats.nct.sf(scipy_stats.t.ppf(0.975, 2), 2, shift) == pytest.approx(0.8) and effect.seeds == (3, 3)


def test_a_published_value_is_asked_of_the_reproduction_alone(tmp_path):
    value = {"value": 11, "tolerance": 0.5}
    for profile in ("mini", "paper"):
        report(tmp_path, BASE, BETTER, profile=profile)
    both, alone = declare(tmp_path, value, value | {"id": "b", "expect": None}), {}
    for profile in ("mini", "paper"):
        alone[profile] = [(r.verdict, r.why) for r in check(profile, tmp_path, both)]
    assert [said for said, _ in alone["mini"]] == ["held", "not run"]
    assert [said for said, _ in alone["paper"]] == ["not shown", "not shown"]
    assert "not within 0.5 of the published +11" in alone["paper"][0][1]
    wider = declare(tmp_path, {"value": 11, "tolerance": 1.5})
    assert verdict(tmp_path, wider, "paper").verdict == "held"
    far = declare(tmp_path, {"value": 14, "tolerance": 1})  # of the interval, 7.5 to 12.5, nothing is above 13
    assert verdict(tmp_path, far, "paper").verdict == "refuted"
    assert "not within 1 of the published +14, nor is any of the interval" in verdict(tmp_path, far, "paper").why
    score = declare(tmp_path, {"against": None, "expect": None, "value": 62, "tolerance": 0.1})
    assert verdict(tmp_path, score, "paper").effect.value == pytest.approx(0.62)


def test_languages_are_averaged_before_tasks_and_english_only_on_request(tmp_path):
    parts = [
        rows("none", "xnli", [0.2] * 3, code) + rows("mnli", "xnli", [0.3, 0.31, 0.32], code) for code in ("de", "zh")
    ]
    parts += [rows("none", "udpos", [0.5] * 3) + rows("mnli", "udpos", [0.9, 0.91, 0.92])]
    parts += [rows("none", "xnli", [0.9] * 3, "en") + rows("mnli", "xnli", [0.9] * 3, "en")]
    report(tmp_path, *parts)
    tasks = {"task": ["xnli", "udpos", "tydiqa"]}
    found = verdict(tmp_path, declare(tmp_path, {"on": tasks}))
    assert found.effect.value == pytest.approx((0.11 + 0.41) / 2) and "without tydiqa" in found.why
    every = verdict(tmp_path, declare(tmp_path, {"on": {"task": "xnli", "language": "all"}}))
    assert every.effect.value == pytest.approx(2 / 3 * 0.11)


def test_a_difference_of_gains_and_a_baseline_without_seeds(tmp_path):
    """Retrieval gains 20 over an encoder that has one score for all seeds; XNLI gains 10."""
    once = rows("none", "tatoeba", [0.10])
    report(tmp_path, BASE, BETTER, once, rows("mnli", "tatoeba", [0.30, 0.32, 0.28]))
    found = verdict(tmp_path, declare(tmp_path, {"on": {"task": "tatoeba"}, "minus": {"task": "xnli"}}))
    assert found.effect.value == pytest.approx(0.20 - 0.10) and found.effect.seeds == (3, 3)


def test_conditions_that_are_not_named_are_absent(tmp_path):
    attacked = rows("mnli", "xnli", [0.1, 0.2, 0.3], attack="synonyms")
    noisy = [
        rows(name, "xnli", values, perturbation="typos")
        for name, values in (("none", [0.3, 0.31, 0.32]), ("mnli", [0.5, 0.51, 0.52]))
    ]
    report(tmp_path, BASE, BETTER, attacked, *noisy)
    assert verdict(tmp_path, declare(tmp_path)).effect.value == pytest.approx(0.10)
    typos = declare(tmp_path, {"on": {"task": "xnli", "perturbation": "typos"}})
    assert verdict(tmp_path, typos).effect.value == pytest.approx(0.20)
    more = declare(tmp_path, {"on": {"task": "xnli", "perturbation": "typos"}, "minus": {"perturbation": "none"}})
    assert verdict(tmp_path, more).effect.value == pytest.approx(0.20 - 0.10)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"compare": {"intermediate": ["mnli", "ccg", "squad"]}}, "no scores of intermediate ccg, squad"),
        ({"compare": {"intermediate": "siqa"}}, "no scores of intermediate siqa: this profile has no siqa"),
        ({"on": {"task": "pawsx"}}, "no scores of task pawsx"),
        ({"on": {"task": "lareqa"}}, "no scores of task lareqa: this profile has no lareqa"),
        ({"on": {"task": "xnli", "language": "zh"}}, "no scores in the languages zh"),
        ({"on": {"task": "xnli", "strength": 0.5}}, "the scores have no column strength"),
        ({"on": {"task": "xnli", "perturbation": "typos"}}, "no scores of perturbation typos"),
        ({"file": "scores_more.csv"}, "the report has no scores_more.csv"),
    ],
)
def test_what_the_scores_do_not_hold_is_not_run(tmp_path, change, why):
    report(tmp_path, BASE, BETTER)
    found = verdict(tmp_path, declare(tmp_path, change))
    assert (found.verdict, found.why) == ("not run", why)


def test_a_claim_over_several_tasks_is_held_against_those_of_the_profile_and_says_without_which(tmp_path):
    """Of five intermediate tasks two are lacking: one that mini does not declare, one that has not run."""
    others = [rows(name, "xnli", [0.50, 0.52, 0.54]) for name in ("qqp", "ccg")]
    report(tmp_path, BASE, BETTER, *others)
    several = {"intermediate": ["mnli", "qqp", "ccg", "siqa", "squad"]}
    found = verdict(tmp_path, declare(tmp_path, {"compare": several}))
    assert found.effect.value == pytest.approx(0.10 / 3)
    assert "without siqa, which this profile has not; without squad, which has not run" in found.why


def test_a_pair_of_tasks_that_has_no_score_is_named(tmp_path):
    """MNLI and QQP before XNLI and PAWS-X, but for QQP before PAWS-X: the mean over both is of three cells."""
    tasks = [*rows("none", "pawsx", [0.6, 0.6, 0.6]), *rows("mnli", "pawsx", [0.6, 0.62, 0.64])]
    report(tmp_path, BASE, BETTER, tasks, rows("qqp", "xnli", [0.50, 0.52, 0.54]))
    over = {"on": {"task": ["xnli", "pawsx"]}, "compare": {"intermediate": ["mnli", "qqp"]}}
    found = verdict(tmp_path, declare(tmp_path, over))
    assert found.effect.absent == ("pawsx after qqp",) and "without pawsx after qqp, which has not run" in found.why


def test_a_value_over_more_tasks_than_the_profile_has_is_not_asked_but_the_direction_is(tmp_path):
    report(tmp_path, BASE, BETTER, profile="paper")
    over = {"on": {"task": ["xnli", "bucc"]}, "value": 99, "tolerance": 1}
    found = verdict(tmp_path, declare(tmp_path, over), "paper")
    assert found.verdict == "held" and "without bucc, which this profile has not" in found.why
    assert "the published +99 is over more tasks and not asked" in found.why
    alone = verdict(tmp_path, declare(tmp_path, over | {"expect": None}), "paper")
    assert alone.verdict == "not run" and "without bucc, which this profile has not" in alone.why


def test_nothing_is_averaged_over_other_languages_or_over_two_recipes(tmp_path):
    report(tmp_path, BASE, BETTER, rows("none", "xnli", [0.5] * 3, "zh"))
    assert "xnli in zh" in verdict(tmp_path, declare(tmp_path)).why
    report(tmp_path, BASE, BETTER, [row | {"recipe": "longer", "value": 0.7} for row in BETTER])
    assert "say which recipe" in verdict(tmp_path, declare(tmp_path)).why


def test_collapsed_runs_are_counted_and_the_effect_without_them_is_said(tmp_path):
    english = rows("none", "xnli", [0.8] * 3, "en") + rows("mnli", "xnli", [0.8, 0.8, 0.33], "en")
    report(tmp_path, BASE, rows("mnli", "xnli", [0.60, 0.63, 0.33]), english)
    found = verdict(tmp_path, declare(tmp_path))
    assert found.effect.value == pytest.approx(1.56 / 3 - 0.52) and found.effect.without == pytest.approx(0.105)
    assert found.effect.collapsed == 1 and "1 collapsed run, +10.5 in seeds without" in found.why
    report(tmp_path, BASE, rows("mnli", "xnli", [0.33] * 3), rows("mnli", "xnli", [0.33] * 3, "en"))
    assert verdict(tmp_path, declare(tmp_path)).why == "every run of intermediate mnli, task xnli collapsed"
    tagged = declare(tmp_path, {"on": {"task": ["xnli", "udpos"]}})
    parts = [rows("none", "udpos", [0.5, 0.51, 0.52]), rows("mnli", "udpos", [0.9, 0.91, 0.92])]
    report(tmp_path, BASE, *parts, rows("mnli", "xnli", [0.33] * 3), rows("mnli", "xnli", [0.33] * 3, "en"))
    assert "3 collapsed runs, in every seed of a side" in verdict(tmp_path, tagged).why


def test_p_values_are_adjusted_over_the_claims_that_were_tested(tmp_path):
    report(tmp_path, BASE, BETTER)
    one = verdict(tmp_path, declare(tmp_path)).effect.p
    three = check("mini", tmp_path, declare(tmp_path, {}, {"id": "b"}, {"id": "c", "on": {"task": "pawsx"}}))
    assert three[0].effect.p == pytest.approx(2 * one) and three[2].effect.p != three[2].effect.p


WIDER = (rows("none", "xnli", [0.50, 0.52, 0.54]), rows("mnli", "xnli", [0.5875, 0.6325, 0.64]))
NOT_HIGHER = {"expect": "not higher"}
AFTER_HOLM = ", but not after Holm's correction over the claims"


@pytest.mark.parametrize(
    ("change", "others", "said", "why"),
    [
        ({}, 0, "held", "higher: the interval excludes zero"),
        ({}, 9, "not shown", f"higher{AFTER_HOLM} (12.9 could be found with 80 % power)"),
        ({"expect": "lower"}, 0, "refuted", "the opposite holds"),
        ({"expect": "lower"}, 9, "not shown", f"the opposite holds{AFTER_HOLM} (12.9 could be found with 80 % power)"),
    ],
)
def test_what_only_the_interval_of_the_claim_alone_shows_is_said(tmp_path, change, others, said, why):
    """10 points apart, SD 1.25 in pairs: t(2) = 13.9, p = 0.00517; of ten such claims 0.0517."""
    report(tmp_path, *WIDER)
    not_higher = [NOT_HIGHER | {"id": f"not higher {i}"} for i in range(9)]  # which ask another question
    found = verdict(tmp_path, declare(tmp_path, change, *({"id": f"other {i}"} for i in range(others)), *not_higher))
    assert (found.verdict, found.why) == (said, why)
    alone = scipy_stats.ttest_rel([0.5875, 0.6325, 0.64], [0.50, 0.52, 0.54]).pvalue
    assert found.effect.p == pytest.approx(alone * (others + 1), rel=0.001)
    critical = scipy_stats.t.ppf(1 - 0.025 / (others + 1), 2)  # of the first in Holm's order
    assert scipy_stats.nct.sf(critical, 2, found.effect.detectable / (0.0125 / 3**0.5)) == pytest.approx(0.8, rel=1e-3)


@pytest.mark.parametrize(
    ("margin", "others", "said", "why"),
    [
        (14, 0, "held", "surely below +14"),
        (14, 9, "not shown", f"below +14{AFTER_HOLM} (9.1 below +14 could be found with 80 % power)"),
        (6, 0, "refuted", "surely above +6"),
        (6, 9, "not shown", f"above +6{AFTER_HOLM} (9.1 below +6 could be found with 80 % power)"),
        (11, 0, "not shown", "the interval reaches above +11 (2.9 below +11 could be found with 80 % power)"),
    ],
)
def test_a_margin_is_tested_by_itself_and_corrected_among_its_own_kind(tmp_path, margin, others, said, why):
    """10 points, a standard error of 0.72: below 14 by t(2) = -5.54, p = 0.0155, one-sided."""
    report(tmp_path, *WIDER)
    one = NOT_HIGHER | {"margin": margin}
    family = [one, *(one | {"id": f"other {i}"} for i in range(others)), *({"id": f"gain {i}"} for i in range(5))]
    found = verdict(tmp_path, declare(tmp_path, *family))
    assert (found.verdict, found.why) == (said, why)
    gains = [0.0875, 0.1125, 0.10]
    less, greater = (
        scipy_stats.ttest_1samp(gains, margin / 100, alternative=side).pvalue for side in ("less", "greater")
    )
    assert found.effect.p == pytest.approx(min(1, less * (others + 1)))
    assert found.effect.beyond == pytest.approx(min(1, greater * (others + 1)))
    critical = scipy_stats.t.ppf(1 - 0.05 / (others + 1), 2)
    assert scipy_stats.nct.sf(critical, 2, found.effect.detectable / (0.0125 / 3**0.5)) == pytest.approx(0.8, rel=1e-3)


def test_of_six_claims_at_their_margins_hardly_any_is_held():
    """In one report of twenty by Holm's correction; without it in more than one of five."""
    rng, claim = np.random.default_rng(0), claims.Claim(**GAIN | NOT_HIGHER)
    held = 0
    for figures in rng.normal(0.01, 0.01, (150, 6, 3)):
        family = [Effect(**inference.estimate(inference.components(one))._asdict()) for one in figures]
        held += any(one.p < claim_checks.LEVEL for one in claim_checks._together([claim] * 6, family))
    assert held / 150 < 0.1  # three standard errors above 0.05


def test_a_published_value_takes_no_part_in_the_correction(tmp_path):
    """It has two sides and no direction: there is no test of its effect against zero."""
    report(tmp_path, *WIDER, profile="paper")
    value = {"id": "value", "expect": None, "value": 10, "tolerance": 1}
    gain, printed = check("paper", tmp_path, declare(tmp_path, {}, value))
    assert gain.effect.p == pytest.approx(scipy_stats.ttest_1samp([0.0875, 0.1125, 0.10], 0).pvalue)
    assert printed.verdict == "held" and printed.effect.p != printed.effect.p


def test_the_seeds_in_common_decide_and_are_counted(tmp_path):
    """Seeds 0 to 2 against 1 to 3: two pairs, 8 and 10 points apart."""
    later = [row | {"seed": row["seed"] + 1} for row in BETTER]
    report(tmp_path, BASE, later)
    found = verdict(tmp_path, declare(tmp_path))
    assert found.effect.shared == 2 and found.effect.seeds == (3, 3)
    assert found.effect.value == pytest.approx((0.60 - 0.52 + 0.63 - 0.54) / 2)
    assert "over 2 common seeds of 3 and 3 alone: " in claim_checks.as_text([found], claims.load().use("mini"))
    report(tmp_path, BASE, [row | {"seed": row["seed"] + 5} for row in BETTER])
    apart = verdict(tmp_path, declare(tmp_path))
    assert (apart.verdict, apart.why) == ("not run", "no seed in common")


def with_outcomes(tmp_path, right: dict[str, np.ndarray], **more):
    """A report with the answers (seeds, records) of each arm to XNLI in German, right or wrong, and their outcomes."""
    parts = [
        rows(name, "xnli", list(answers.mean(axis=1)), outcome="o", split="test", **more)
        for name, answers in right.items()
    ]
    table = pd.DataFrame(sum(parts, [])).assign(run=lambda t: t["intermediate"] + t["seed"].astype(str))
    (tmp_path / "mini").mkdir(exist_ok=True)
    table.to_csv(tmp_path / "mini" / "scores.csv", index=False)

    def read(run, *_):
        answers = right[run[:-1]][int(run[-1])].astype(float)
        return Outcomes(np.arange(answers.size).astype(str), answers, np.ones(answers.size))

    outcome_tables.save(table.assign(main=True), read, tmp_path / "mini" / "outcomes.parquet")


def answered(seed: int) -> dict[str, np.ndarray]:
    """Of 50 records both arms get the same ones wrong in all seeds, but for a few."""
    rng = np.random.default_rng(seed)
    return {
        name: (rng.random(50) < share) ^ (rng.random((3, 50)) < 0.06) for name, share in (("none", 0.5), ("mnli", 0.75))
    }


def test_records_count_where_their_outcomes_lie_beside_the_scores(tmp_path):
    """The variance over records with that over seeds, by hand: of the mean over seeds, plus what seeds differ by."""
    right = answered(1)
    with_outcomes(tmp_path, right)
    (found,) = check("mini", tmp_path, declare(tmp_path))
    gains = right["mnli"].astype(float) - right["none"]  # seeds x records
    parts = (gains - gains.mean(axis=1, keepdims=True)) / 50
    seeds, records = gains.mean(axis=1).var(ddof=1) / 3, 50 / 49 * (parts.mean(axis=0) ** 2).sum()
    both = 50 / 49 * ((parts - parts.mean(axis=0)) ** 2).sum() / (3 * 2)
    assert found.effect.error == pytest.approx(np.sqrt(max(seeds, both) + records - both), rel=1e-6)
    assert found.effect.records == 50 and found.effect.error > 3 * np.sqrt(seeds)
    assert "over 3 common seeds and 50 records: " in claim_checks.as_text([found], claims.load().use("mini"))
    (tmp_path / "mini" / "outcomes.parquet").unlink()
    alone = verdict(tmp_path, declare(tmp_path))
    assert alone.effect.error == pytest.approx(np.sqrt(seeds)) and alone.effect.records == 0
    assert "over 3 common seeds alone: " in claim_checks.as_text([alone], claims.load().use("mini"))


def test_outcomes_of_the_main_metric_say_nothing_of_another_one(tmp_path):
    with_outcomes(tmp_path, answered(1), main=False)
    found = verdict(tmp_path, declare(tmp_path, {"on": {"task": "xnli", "metric": "accuracy"}}))
    assert found.effect.shared == 3 and found.effect.records == 0


def test_equal_arms_on_few_records_are_hardly_ever_told_apart():
    """Both arms answer 50 records alike in all seeds but for a few: over seeds alone two studies of three would find
    them different."""
    rng, told = np.random.default_rng(2), 0
    for _ in range(400):
        base = rng.random((2, 50)) < 0.6
        right = [one ^ (rng.random((3, 50)) < 0.02) for one in base]
        figures = right[0].mean(axis=1) - right[1].mean(axis=1)
        parts = (right[0].astype(float) - right[1]) - figures[:, None]
        told += inference.estimate(inference.components(figures, parts / 50)).p < 0.05
    assert told / 400 < 0.09


def test_damaged_outcomes_stop_the_check(tmp_path):
    with_outcomes(tmp_path, answered(1))
    (tmp_path / "mini" / "outcomes.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="mini/outcomes.parquet is damaged; run ./run_all.sh --profile mini again"):
        check("mini", tmp_path, declare(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"agianst": {}}, "claim gain; did you mean against"),
        ({"on": {"tsak": "xnli"}}, "unknown setting 'tsak' in claims.yaml, claim gain; did you mean task?"),
        ({"on": {"task": "xnil"}}, "unknown task 'xnil' in claims.yaml, claim gain; did you mean xnli"),
        ({"expect": "hihger"}, "claims.yaml, claim gain: expect: input should be 'higher', 'lower' or 'not higher'"),
        ({"expect": None}, "nothing is claimed"),
        ({"value": 3.0}, "value and tolerance belong together"),
        ({"against": None}, "expect needs against"),
        ({"file": "../secret.csv"}, "file: string should match pattern"),
        ({"value": 1, "tolerance": 1, "source": GAIN["source"] | {"status": "memory"}}, "a value from memory"),
    ],
)
def test_a_wrong_declaration_is_one_clear_line(tmp_path, change, message):
    with pytest.raises(UserError) as error:
        declare(tmp_path, change)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_two_claims_of_one_id_and_broken_yaml(tmp_path):
    with pytest.raises(UserError, match="two claims have the id gain"):
        declare(tmp_path, {}, {})
    (tmp_path / "claims.yaml").write_text("claims: [")
    with pytest.raises(UserError, match="claims.yaml is not readable YAML"):
        claims.load(tmp_path / "claims.yaml")


def test_the_declared_claims_are_valid_and_each_can_be_told():
    declared = claims.load()
    assert len(declared.claims) >= 12 and declared.use("paper").values and not declared.use("mini").values
    assert declared.use("mine").means.startswith("exploratory")


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XLT_REPORTS", str(tmp_path))
    assert cli.main(["check", "--profile", "mini"]) == 2
    assert "mini has no scores*.csv to check; run ./run_all.sh --profile mini first" in capsys.readouterr().err
    assert cli.main(["check", "--profile", "minni"]) == 2 and "did you mean mini" in capsys.readouterr().err
    (tmp_path / "mini").mkdir()
    (tmp_path / "mini" / "scores.csv").write_text("recipe,seed\n")
    assert cli.main(["check"]) == 2 and "mini/scores.csv lacks the column intermediate" in capsys.readouterr().err
    report(tmp_path, BASE, BETTER)
    assert cli.main(["check", "--json"]) == 0
    told = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    gain, other = told["mnli-average"], told["squad-average"]
    assert gain["verdict"] == "held" and gain["effect"] == pytest.approx(10) and gain["command"].endswith("mini")
    assert other["verdict"] == "not run" and other["effect"] is None
    report(tmp_path, BASE, rows("mnli", "xnli", [0.4, 0.41, 0.42]))
    assert cli.main(["check"]) == 1
    assert "refuted       mnli-average" in (out := capsys.readouterr().out) and "1 refuted" in out.splitlines()[-1]
    report(tmp_path, BASE, rows("mnli", "xnli", [0.5, 0.56, 0.62]))
    assert cli.main(["check"]) == 1 and "1 not shown" in capsys.readouterr().out.splitlines()[-1]


def planned(profile, tmp_path):
    """Score files as the profile would leave them if everything that it declares ran; the numbers are invented."""
    from xlt.spec import tasks

    def cells(label, intermediate, targets, **more):
        for target in targets:
            for code in tasks.get(target).languages:
                # each has its own step from seed to seed, so that differences vary too
                step = 0.01 + 1e-4 * (crc32(f"{label} {target} {more.get('language_b')}".encode()) % 97)
                values = [0.7 + step * seed + 0.01 * (sum(map(ord, code + label)) % 9) for seed in range(3)]
                metric = {"metric": tasks.get(target).metrics[0]}
                yield rows(intermediate, target, values, code, recipe=label.format(target), **metric, **more)

    headed = [name for name in profile.target if not tasks.get(name).headless]
    names = ["none", *profile.intermediate]
    parts = [part for name in names for part in cells(f"{name} → {{}}", name, profile.target)]
    folder = report(tmp_path, *parts, profile=profile.name)
    plan = profile.studies["robust_training"]
    for label, arm in plan.arms.items():
        targets = [name for name in arm.targets or plan.targets if name in headed]
        for other in ("none", "zh"):
            parts += cells(f"{label} → {{}}", "→".join(arm.stages) or "none", targets, language_b=other)
    return report(folder, *parts, name="scores_robust_training.csv", profile=profile.name)


@pytest.mark.parametrize("name", ["paper", "paper_full", "paper_lora", "base", "mini"])
def test_a_whole_run_of_a_shipped_profile_can_test_every_claim(tmp_path, name):
    """But for the value that only a reproduction is asked for."""

    found = {r.claim.id: r for r in check(name, planned(profiles.load(name), tmp_path))}
    value = {r.claim.id for r in found.values() if not r.claim.expect and not claims.load().use(name).values}
    assert {key: r.why for key, r in found.items() if r.verdict == "not run" and key not in value} == {}
    if name == "paper":
        assert "without ccg, bucc, which this profile has not" in found["retrieval-gains"].why


def test_what_a_profile_declares_untestable_is_not_tested_whatever_the_scores(tmp_path):
    declared = declare(tmp_path, {}, {"id": "other"})
    why = {"gain": "the encoder has learned it"}
    declared.profiles["mini"] = declared.profiles["mini"].model_copy(update={"not_testable": why})
    gain, other = check("mini", report(tmp_path, BASE, BETTER), declared)
    assert (gain.verdict, gain.why) == ("not testable", "the encoder has learned it")
    assert other.verdict == "held"
    alone = verdict(tmp_path, declare(tmp_path))
    assert other.effect.p == pytest.approx(alone.effect.p), "it is no part of the family"


def test_a_claim_that_is_not_there_cannot_be_declared_untestable(tmp_path):
    content = {"profiles": {"mini": {"means": "m", "not_testable": {"gian": "no"}}}, "claims": [GAIN]}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(UserError, match="unknown claim 'gian' in claims.yaml, profile mini: not_testable"):
        claims.load(tmp_path / "claims.yaml")
