"""The five verdicts, each on figures worked out by hand; and contrasts over seeds and records together."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from xlt.analysis import family, inference, verdicts
from xlt.analysis.inference import Components, components
from xlt.analysis.records import Records
from xlt.evaluation.outcomes import Outcomes
from xlt.spec.study import Contrast

ABOVE = [0.040, 0.050, 0.060, 0.050]  # figures of four seeds
NONE = [0.001, -0.001, 0.0005, -0.0005]
UNSURE = [0.03, -0.02, 0.01, 0.0]


def decide(*figures, smallest=0.01, gates=()):
    return verdicts.decide([components(np.array(one)) for one in figures], [smallest] * len(figures), gates)


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        (ABOVE, "higher"), ([-x for x in ABOVE], "lower"), (NONE, "equivalent"), (UNSURE, "undecided"),
        ([0.01] * 4, "not testable"), ([0.05], "not testable"),
    ],
)  # fmt: skip
def test_each_of_the_five_verdicts(figures, verdict):
    (decision,) = decide(figures)
    assert decision.verdict == verdict
    assert bool(decision.why) == (verdict in ("undecided", "not testable"))


def test_p_and_equivalence_are_those_of_t_tests():
    (found,) = decide(UNSURE)
    assert found.p == pytest.approx(scipy_stats.ttest_1samp(UNSURE, 0).pvalue)
    above = scipy_stats.ttest_1samp(UNSURE, 0.01, alternative="less").pvalue
    below = scipy_stats.ttest_1samp(UNSURE, -0.01, alternative="greater").pvalue
    assert found.equivalence == pytest.approx(min(2 * max(above, below), 1))


def test_two_tests_of_a_family_are_corrected_together_equivalence_too():
    (alone,), (first, second) = decide(NONE), decide(NONE, UNSURE)
    assert first.equivalence == pytest.approx(2 * alone.equivalence) and second.p == 1.0
    assert alone.equivalence < 0.01
    assert first.detectable > alone.detectable


def test_what_is_undecided_names_a_design_that_would_decide():
    (found,) = decide(UNSURE, smallest=0.02)
    seeds = int(found.why.split()[0])
    assert found.why == f"{seeds} seeds would find an effect of 2.0 points"
    error = np.std(UNSURE, ddof=1) / np.sqrt(seeds)
    power = scipy_stats.nct.sf(scipy_stats.t.ppf(0.975, seeds - 1), seeds - 1, 0.02 / error)
    assert power >= 0.8 and seeds > 4
    assert decide(UNSURE, smallest=1e-4)[0].why == "not even 200 seeds would find an effect of 0.0 points"


@pytest.mark.parametrize(
    ("value", "by_seed", "by_record", "said"),
    [
        (0.015, 4e-4, 1e-7, "50 seeds on the same records would find {}"),
        (0.015, 1e-5, 1e-4, "the same 4 seeds with 4 times the records, if there are as many, would find {}"),
        (0.015, 1e-4, 1e-4, "20 seeds with 4 times the records, if there are as many, would find {}"),
        (0.0109, 1e-6, 3.03e-5, "this design finds {} four times in five"),
        (0.015, 1e-1, 1e-4, "not even 200 seeds with 32 times the records would find {}; more seeds are wanted most"),
        (0.015, 1e-6, 1e-1, "not even 200 seeds with 32 times the records would find {}; more records are wanted most"),
    ],
)
def test_what_would_decide_is_more_seeds_or_more_records_or_both(value, by_seed, by_record, said):
    (found,) = verdicts.decide([Components(value, by_seed, by_record, 0.0, 4, 200, 199.0)], [0.02])
    assert (found.verdict, found.why) == ("undecided", said.format("an effect of 2.0 points"))


def test_a_failed_gate_is_said_and_is_no_test_of_the_family():
    passed, failed = decide(NONE, ABOVE, gates=("", "MNLI was not learned"))
    assert (failed.verdict, failed.why) == ("not testable", "MNLI was not learned") and np.isnan(failed.p)
    assert passed.equivalence == pytest.approx(decide(NONE)[0].equivalence)


def test_what_a_gate_refused_says_nothing_about_what_is_usual():
    """Six arms that learned nothing and hardly vary leave the three that are tested as they are without them."""
    figures = [[0.012, 0.030, 0.021], [0.02, -0.01, 0.004], [-0.013, 0.012, 0.005]]
    quiet = [[x / 100 for x in one] for one in ([4, -1, 2], [1, 5, -2], [-3, 1, 2], [2, 4, -3], [0, 5, 1], [-4, 2, 1])]
    quiet = [[x / 10 for x in one] for one in quiet]
    alone, beside = decide(*figures), decide(*figures, *quiet, gates=[""] * 3 + ["not learned"] * 6)
    assert [one.found for one in beside[:3]] == [one.found for one in alone]
    assert decide(*figures, *quiet)[0].found.error < 0.7 * alone[0].found.error  # what they would have done


# contrasts of a small experiment --------------------------------------------------------------

LANGUAGES = ("de", "ru")


def experiment(seeds=4, size=60):
    """Scores of two arms in two languages, right or wrong on each of `size` parallel records, which both arms share."""
    rng, kept, rows = np.random.default_rng(5), {}, []
    hard = rng.normal(0, 1, size)
    for arm, gain in (("none", 0.0), ("mnli", 0.25)):
        own = rng.normal(0, 0.5, size)  # what the arm finds hard, whatever the seed
        for seed in range(seeds):
            for code in LANGUAGES:
                right = (hard + own + gain + rng.normal(0, 0.5, size) > 0).astype(float)
                run = f"{arm}-{seed}"
                kept[run, code] = Outcomes(np.arange(size).astype(str), right, np.ones(size))
                rows.append(
                    {"recipe": f"{arm} → xnli", "arm": arm, "intermediate": arm, "condition": "clean", "task": "xnli",
                     "language": code, "seed": seed, "split": "test", "value": right.mean(), "main": True, "n": size,
                     "changed": None, "run": run, "outcome": code}
                )  # fmt: skip
    return pd.DataFrame(rows), kept


SCORES, KEPT = experiment()
RECORDS = Records(lambda run, outcome, _: KEPT.get((run, outcome)))
ASKED = Contrast(question="?", of=("mnli",), against=("none",))


def effect(contrast=ASKED, records=None, **more):
    (found,) = family.effects(SCORES, [(contrast, [("xnli", "clean")])], records=records, **more)
    return found


def table():
    """Gain of each seed (rows) on each record (columns), mean over the languages."""
    arms = (
        np.array([[KEPT[f"{arm}-{seed}", code].numerator for code in LANGUAGES] for seed in range(4)]).mean(axis=1)
        for arm in ("mnli", "none")
    )
    return np.subtract(*arms)


def test_known_records_widen_the_interval_to_that_of_seeds_crossed_with_records():
    """Variance of the mean of a two-way table: over seeds and over records, less their interaction (Owen 2007)."""
    gain = table()
    seeds, size = gain.shape
    rows, columns = gain.mean(axis=1), gain.mean(axis=0)
    rest = gain - rows[:, None] - columns + gain.mean()
    by_seed, by_record = rows.var(ddof=1) / seeds, columns.var(ddof=1) / size
    both = (rest**2).sum() / ((seeds - 1) * (size - 1)) / (seeds * size)
    variance = max(by_seed, both) + by_record - both
    freedom = variance**2 / (
        by_seed**2 / (seeds - 1) + by_record**2 / (size - 1) + both**2 / ((seeds - 1) * (size - 1))
    )
    half = scipy_stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    found, alone = effect(records=RECORDS), effect()
    assert (found.value, found.low, found.high) == pytest.approx((gain.mean(), gain.mean() - half, gain.mean() + half))
    assert found.records == size and alone.records == 0
    assert found.high - found.low > alone.high - alone.low
    assert alone[:3] == pytest.approx(inference.estimate(components(rows))[:3])


def test_records_that_are_known_for_some_scores_alone_count_for_none():
    some = Records(lambda run, outcome, _: KEPT.get((run, outcome)) if run != "none-0" else None)
    assert effect(records=some) == effect()


def test_the_smallest_effect_of_a_contrast_goes_before_that_of_the_study():
    reach = effect(smallest=0.5)  # of fifty points
    assert reach.equivalence < 0.05
    own = effect(ASKED.model_copy(update={"smallest": 0.001}), smallest=0.5)
    assert own.equivalence > 0.5 and (own.value, own.p) == (reach.value, reach.p)
    assert effect(ASKED.model_copy(update={"smallest": 50.0})).equivalence == pytest.approx(reach.equivalence)


def test_equal_arms_are_not_testable_in_a_family_that_varies_either():
    twin = SCORES[SCORES["arm"] == "none"].assign(arm="twin", recipe="twin → xnli")
    asked = [(Contrast(question="?", of=("twin",), against=("none",)), [("xnli", "clean")])]
    others = [ASKED.model_copy(update={"languages": codes}) for codes in (("de",), ("ru",), LANGUAGES)]
    for beside in ([], [(one, [("xnli", "clean")]) for one in others]):
        found = family.effects(pd.concat([SCORES, twin]), asked + beside, records=RECORDS)[0]
        assert found.value == 0 and found.verdict == "not testable" and "agree to the last digit" in found.why


def test_a_test_set_of_one_passage_is_not_testable():
    """However far the seeds lie from zero: other passages may say the opposite."""
    of_one = {key: kept._replace(item=np.full(len(kept.item), "p1")) for key, kept in KEPT.items()}
    found = effect(records=Records(lambda run, outcome, _: of_one.get((run, outcome))))
    assert (found.verdict, found.records) == ("not testable", 1) and np.isnan([found.low, found.p]).all()
    assert found.why == "a test set of one record, or of one passage, does not say how far others would lie"
