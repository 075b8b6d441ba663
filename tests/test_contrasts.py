"""Contrasts between arms, on invented experiments worked out by hand; and the figures of the same scores.

Of `SCORES`: on clean text three seeds lie at -1, 0 and +1 points without an intermediate task, at twice and three times
that with MNLI and ADV, so that pairs of seeds vary too; perturbed text takes each seed to the same score, so a drop has
the seeds' differences as well. Typos are valid in German and Russian, romanising in Russian and Chinese.
"""

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")

from scipy import stats as scipy_stats  # noqa: E402

from xlt.analysis import contrasts, questions, stats  # noqa: E402
from xlt.analysis.arms import scale, weighted  # noqa: E402
from xlt.analysis.family import effects  # noqa: E402
from xlt.analysis.findings import Answer  # noqa: E402
from xlt.core.errors import UserError  # noqa: E402
from xlt.lab.study import Study  # noqa: E402
from xlt.report import study_figures  # noqa: E402
from xlt.spec.recipe import Evaluation  # noqa: E402
from xlt.spec.study import Contrast, Plan  # noqa: E402

BASE = {("none", "xnli"): 0.60, ("mnli", "xnli"): 0.70, ("none", "xcopa"): 0.50, ("mnli", "xcopa"): 0.52,
        ("adv", "xnli"): 0.65}  # fmt: skip
OFFSETS = {"en": 0.20, "de": 0.08, "ru": -0.02, "zh": -0.06}  # mean over the last three: 0
COSTS = {"typos": {"none": 0.10, "mnli": 0.06, "adv": 0.01}, "romanise": dict.fromkeys(("none", "mnli", "adv"), 0.20)}
VALID = {"typos": ("de", "ru"), "romanise": ("ru", "zh")}
T2 = 4.302653 * 0.01 / np.sqrt(3)  # half a t interval of three seeds, one point apart
STEP = {"none": 0.01, "mnli": 0.02, "adv": 0.03}  # from seed to seed; of mnli less none, in pairs, again a point


def row(arm, task, language, seed, value, condition="clean", **fields):
    perturbation, changed = ("none", None) if condition == "clean" else (condition, 1.0)
    return {"recipe": f"{arm} → {task}", "arm": arm, "intermediate": arm, "condition": condition,
            "perturbation": perturbation, "language_b": "none", "task": task, "language": language, "seed": seed,
            "split": "test", "metric": "main", "value": value, "main": True, "n": 100,
            "changed": changed} | fields  # fmt: skip


def experiment():
    for (arm, task), base in BASE.items():
        for language, offset in OFFSETS.items():
            for seed in range(3):
                yield row(arm, task, language, seed, base + offset + STEP[arm] * (seed - 1))
                for condition in (c for c, codes in VALID.items() if language in codes):
                    cost = COSTS[condition][arm]
                    yield row(arm, task, language, seed, base + offset - cost, condition)


SCORES = pd.DataFrame(experiment())


ARMS = {"none": [], "mnli": ["mnli"], "adv": {"stages": ["adv"], "targets": ["xnli"]}, "anli": ["anli"]}


def study(*asked, targets=("xnli", "xcopa"), **fields):
    plan = {"question": "?", "targets": targets, "arms": ARMS, "contrasts": list(asked),
            "conditions": {"typos": 0.1, "romanise": 1.0}}  # fmt: skip
    read = {Evaluation(task=task): "clean" for task in targets}
    read |= {Evaluation(task=task, perturbation=name): name for task in targets for name in VALID}
    labels = {f"{arm} → {task}": arm for arm in ARMS for task in targets}
    return Study({}, plan=Plan(**(plan | fields)), conditions=read, arms=labels)


def effect(scores=SCORES, targets=("xnli", "xcopa"), **fields):
    contrast = Contrast(question="?", targets=targets, **fields)
    return alone(scores, contrast, questions.cells(study(targets=("xnli", "xcopa", "tatoeba")), contrast))


def alone(scores, contrast, over):
    """A contrast that is a family by itself: a t interval of paired seeds."""
    (found,) = effects(scores, [(contrast, over)])
    return found


def power(effect, error, freedom):
    """Of a two-sided t test at 5 %, from the noncentral t."""
    return scipy_stats.nct.sf(scipy_stats.t.ppf(0.975, freedom), freedom, effect / error)


# one effect -----------------------------------------------------------------------------------


def test_arms_over_targets_and_seeds():
    found = effect(of=("mnli",), against=("none",))
    assert found.value == pytest.approx((0.10 + 0.02) / 2)
    assert (found.high - found.value, found.value - found.low) == pytest.approx((T2, T2))
    assert found.p == pytest.approx(scipy_stats.ttest_rel([0.59, 0.61, 0.63], [0.54, 0.55, 0.56]).pvalue)
    assert power(found.detectable, 0.01 / np.sqrt(3), 2) == pytest.approx(0.8) and found.seeds == 3
    mnli = effect(of=("mnli",), targets=("xnli",))
    assert (mnli.value, mnli.high - mnli.value) == pytest.approx((0.70, 2 * T2))
    both = effect(of=("mnli", "adv"), against=("none",), targets=("xnli",))
    assert both.value == pytest.approx((0.70 + 0.65) / 2 - 0.60)


def test_a_drop_is_over_the_languages_where_the_perturbation_is_valid():
    """Against the clean mean of all languages it would be 7 and 24 points."""
    drop = {"of": ("none",), "outcome": "drop"}
    typos, romanised = (effect(conditions=(name,), **drop) for name in VALID)
    assert (typos.value, typos.high - typos.value) == pytest.approx((0.10, T2))
    assert romanised.value == pytest.approx(0.20)
    assert effect(conditions=("perturbed",), **drop).value == pytest.approx(0.15)
    assert effect(conditions=("perturbed", "clean"), **drop).value == pytest.approx(0.15)  # clean text loses nothing
    changed = effect(of=("mnli",), against=("none",), outcome="drop", conditions=("perturbed",))
    assert changed.value == pytest.approx((-0.04 + 0) / 2)
    assert effect(of=("none",), conditions=("typos", "clean"), targets=("xnli",)).value == pytest.approx(
        (0.60 + 0.03 - 0.10 + 0.60) / 2
    )


@pytest.mark.parametrize(
    ("languages", "value"),
    [(("zero-shot",), 0.60), (("latin",), 0.68), (("non-latin",), 0.56), (("latin", "zh"), 0.61), (("en",), 0.80)],
)
def test_languages_by_name_and_by_group(languages, value):
    assert effect(of=("none",), targets=("xnli",), languages=languages).value == pytest.approx(value)


def test_a_gap_between_varieties_absolute_relative_and_changed():
    rows = [
        row(arm, "xnli", code, seed, value)
        for arm, codes in {
            "none": {"de": (0.60, 0.61, 0.62), "bar": (0.50, 0.49, 0.48)},  # gaps of 10, 12, 14
            "mnli": {"de": (0.65, 0.65, 0.65), "bar": (0.60, 0.61, 0.62)},  # 5, 4, 3
        }.items()
        for code, values in codes.items()
        for seed, value in enumerate(values)
    ]
    scores, gap = pd.DataFrame(rows), {"languages": ("de",), "minus": ("bar",)}
    assert effect(scores, of=("none",), **gap).value == pytest.approx(0.12)
    assert effect(scores, of=("mnli",), against=("none",), **gap).value == pytest.approx(-0.08)
    table = contrasts.gaps(scores).set_index("arm")
    assert set(table["variety"] + table["standard"]) == {"barde"}
    assert table["gap"].tolist() == pytest.approx([0.12, 0.04])
    assert table["relative gap"].tolist() == pytest.approx([0.12 / 0.61, 0.04 / 0.65])
    assert table.loc["none", "high"] - 0.12 == pytest.approx(2 * T2)
    shown = contrasts.shown_gaps(contrasts.gaps(scores)).set_index("arm")
    assert shown.loc["none"].tolist() == ["bar", "de", "xnli", "+12.0 [7.0, 17.0]", "19.7 %"]
    assert contrasts.gaps(SCORES).empty and effect(of=("none",), **gap).seeds == 0


def test_each_variety_is_held_against_its_own_standard():
    """Bavarian 0.3 and Swiss German 0.5 under German 0.6, Neapolitan 0.4 under Italian 0.5: 0.3, 0.1 and 0.1. Arabic is
    nobody's standard here, and Cantonese is without its own. Over all standards and all varieties it would be 0.25."""
    values = {"de": 0.6, "it": 0.5, "ar": 0.9, "bar": 0.3, "gsw": 0.5, "nap": 0.4, "yue": 0.2}
    scores = pd.DataFrame(
        [row("none", "xnli", code, seed, value + 0.01 * seed) for code, value in values.items() for seed in range(3)]
    )
    gap = {"languages": ("ar", "de", "it"), "minus": ("bar", "gsw", "nap", "yue")}
    assert effect(scores, of=("none",), **gap).value == pytest.approx(0.5 / 3)
    rows = weighted(scores, Contrast(question="?", of=("none",), **gap), [("xnli", "clean")])
    weights = rows[rows["seed"] == 0].groupby("language")["weight"].sum()
    assert weights.to_dict() == pytest.approx({"bar": -1 / 3, "de": 2 / 3, "gsw": -1 / 3, "it": 1 / 3, "nap": -1 / 3})
    lost = scores[~((scores["language"] == "it") & (scores["seed"] == 2))]  # a seed counts that has all of them
    assert effect(lost, of=("none",), **gap).seeds == 2
    assert effect(scores, of=("none",), languages=("ar",), minus=("de", "it")).value == pytest.approx(0.9 - 0.55)


@pytest.mark.parametrize(
    ("fields", "squares"),
    [
        ({"of": ["mnli"]}, 1), ({"of": ["mnli"], "against": ["none"]}, 2),
        ({"of": ["mnli", "adv"], "against": ["none"]}, 1 / 2 + 1), ({"of": ["mnli", "adv"]}, 1 / 2),
        ({"of": ["mnli", "none"], "against": ["none"]}, 1 / 4 + 1 / 4),  # of none a half less one
        ({"of": ["mnli"], "languages": ["de"], "minus": ["zh"]}, 1),
        ({"of": ["mnli"], "conditions": ["typos"], "outcome": "drop"}, 1),
        ({"of": ["mnli"], "against": ["none"], "languages": ["de"], "minus": ["ru"], "conditions": ["typos"],
          "outcome": "drop"}, 2),
    ],
)  # fmt: skip
def test_the_scale_of_a_contrast_is_the_sum_of_the_squared_weights_of_its_arms(fields, squares):
    contrast = Contrast(question="?", **fields)
    rows = weighted(SCORES, contrast, [("xnli", fields.get("conditions", ["clean"])[0])])
    assert scale(rows) == pytest.approx(squares)


def test_a_score_that_is_there_twice_is_refused_and_not_counted_twice():
    """Two reports joined: the same rows, or the same cell of another run."""
    first = SCORES[(SCORES["arm"] == "mnli") & (SCORES["condition"] == "clean")].iloc[[0]]
    cell = "scores hold two main values of arm mnli, task xnli, condition clean, language en, seed 0"
    for again, said in (
        (first, "; they are copies: drop_duplicates()"),
        (first.assign(value=0.9, recipe="mnli, again → xnli"), "; they differ in recipe and value: keep one"),
    ):
        with pytest.raises(UserError) as error:
            effect(pd.concat([SCORES, again], ignore_index=True), of=("mnli",), against=("none",))
        assert str(error.value) == cell + said


def test_both_sides_are_over_the_same_targets_and_languages():
    """ADV has gone on to XNLI alone: with UDPOS on the other side it would be 10 points, not 5."""
    assert effect(of=("adv",), against=("none",)).value == pytest.approx(0.05)
    lost = SCORES[(SCORES["arm"] != "mnli") | (SCORES["language"] != "de")]
    assert effect(lost, of=("mnli",), against=("none",), targets=("xnli",)).value == pytest.approx(0.10)


def test_what_never_ran_and_what_has_too_few_seeds():
    assert effect(of=("anli",), against=("none",))[-5:] == (0, 0, 0, "not run", "")
    assert effect(SCORES[:0], of=("none",)).seeds == 0
    one = effect(SCORES[SCORES["seed"] == 1], of=("mnli",), against=("none",))
    assert (one.value, one.seeds) == (pytest.approx(0.06), 1) and np.isnan(one[1:6]).all()
    begun = SCORES[(SCORES["arm"] == "none") | (SCORES["seed"] == 1)]  # one score of an arm that has seeds
    part = effect(begun, of=("mnli",), against=("none",))
    assert part.value == pytest.approx(0.06) and np.isnan([part.low, part.detectable]).all() and part.seeds == 1


def test_an_encoder_without_seeds_is_a_constant():
    rows = [row("none", "tatoeba", "de", 0, 0.30)]
    rows += [row("mnli", "tatoeba", "de", seed, value) for seed, value in enumerate((0.40, 0.42, 0.44))]
    scores = pd.concat([SCORES, pd.DataFrame(rows)])
    found = effect(scores, of=("mnli",), against=("none",), targets=("tatoeba",))
    assert (found.value, found.high - found.value) == pytest.approx((0.12, 2 * T2)) and found.seeds == 3
    assert power(found.detectable, 0.02 / np.sqrt(3), 2) == pytest.approx(0.8)
    turned = effect(scores, of=("none",), against=("mnli",), targets=("tatoeba",))
    assert turned[:4] == pytest.approx((-0.12, -found.high, -found.low, found.p))
    both = effect(scores, of=("mnli",), against=("none",), targets=("xnli", "tatoeba"))
    assert both.value == pytest.approx((0.10 + 0.12) / 2) and both.seeds == 3 and both.low > 0
    assert np.isnan(effect(scores, of=("none",), targets=("tatoeba",)).low)


def test_a_drop_on_what_people_perturbed_is_from_its_clean_twin():
    twin = {"en": 0.70, "de": 0.66, "fr": 0.60}
    noisy = {"de": 0.60, "fr": 0.50, "tr": 0.40}  # Turkish has no twin here
    scores = pd.DataFrame(
        row(arm, task, code, seed, value + 0.01 * seed * (task == "xnli-typos-clean") - 0.02 * (arm == "mnli"))
        for task, values in (("xnli-typos-clean", twin), ("xnli-typos", noisy))
        for arm in ("none", "mnli") for code, value in values.items() for seed in range(3)
    )  # fmt: skip
    asked = Contrast(question="?", of=("none",), outcome="drop", targets=("xnli-typos",))
    over = questions.cells(study(targets=("xnli", "xnli-typos", "xnli-typos-clean")), asked)
    assert over == [("xnli-typos", "clean")]
    found = alone(scores, asked, over)
    assert (found.value, found.high - found.value) == pytest.approx(((0.06 + 0.10) / 2 + 0.01, T2))
    assert alone(scores, asked.model_copy(update={"against": ("mnli",)}), over).value == pytest.approx(0)


@pytest.mark.parametrize(
    ("targets", "said"),
    [(["xnli"], "name the conditions"), (["xnli-typos"], "needs xnli-typos-clean, the clean rows of xnli-typos")],
)
def test_a_drop_without_a_condition_needs_a_twin(targets, said):
    with pytest.raises(ValueError, match=said):
        study({"question": "?", "of": ["none"], "outcome": "drop", "targets": targets}, targets=("xnli", "xnli-typos"))


# answers and tables ---------------------------------------------------------------------------

BETTER = {"question": "Better?", "of": ["mnli"], "against": ["none"]}
COSTLY = {"question": "Costly?", "of": ["none"], "conditions": ["typos"], "outcome": "drop"}
NEVER = {"question": "Never?", "of": ["anli"], "against": ["none"]}


def test_answers_say_what_there_is():
    back = {"question": "And back?", "of": ["none"], "against": ["mnli"]}
    found = contrasts.answers(study(BETTER, back, NEVER), SCORES)
    assert [answer.verdict for answer in found] == ["higher", "lower", "not run"]
    assert found[0]._repr_markdown_() == "**Better?** +6.0 points [+3.5, +8.5]: higher."
    assert found[2]._repr_markdown_() == "**Never?** not run."
    (one,) = contrasts.answers(study(BETTER), SCORES[SCORES["seed"] == 1])
    assert one.verdict == "not testable" and one.effect == pytest.approx(0.06)
    assert one.answer.startswith("fewer than two seeds")
    noise = SCORES["seed"].map({0: 0.2, 1: 0, 2: 0}) * (SCORES["arm"] == "mnli")
    (unsure,) = contrasts.answers(study(BETTER), SCORES.assign(value=SCORES["value"] + noise))
    assert unsure.verdict == "undecided" and unsure.answer == "not even 200 seeds would find an effect of 1.0 points"
    together = SCORES.assign(value=SCORES["value"] + SCORES["seed"].map({0: 0.2, 1: 0, 2: 0}))
    assert contrasts.answers(study(BETTER), together)[0].verdict == "higher"  # what both arms share is no noise


def test_collapsed_runs_are_counted_and_kept():
    lost = SCORES.assign(value=SCORES["value"].mask(SCORES["task"] == "xnli", 1 / 3))
    (answer,) = contrasts.answers(study(BETTER), lost)
    assert answer.answer.endswith("6 of the runs behind it collapsed") and answer.effect == pytest.approx(0.01)
    said = contrasts.shown(contrasts.table(study(BETTER, NEVER), lost))["difference"].tolist()
    assert said[0] == "+0.0 (6 runs collapsed)" and said[2:] == ["not run", "not run"]
    one = (SCORES["task"] == "xnli") & (SCORES["arm"] == "none") & (SCORES["seed"] == 0)
    shown = contrasts.shown(contrasts.table(study(BETTER), SCORES.assign(value=SCORES["value"].mask(one, 1 / 3))))
    assert shown["difference"].iloc[0].endswith("(1 run collapsed)")


def test_the_table_has_every_cell_and_is_corrected_as_a_whole():
    single = BETTER | {"question": "Of one cell?", "targets": ["xnli"]}  # stands among the answers alone
    table = contrasts.table(study(BETTER, COSTLY, NEVER, single), SCORES)
    assert table[["question", "target", "condition"]].agg(" ".join, axis=1).tolist() == [
        "Better? xnli clean", "Better? xcopa clean", "Costly? xnli typos", "Costly? xcopa typos",
        "Never? xnli clean", "Never? xcopa clean",
    ]  # fmt: skip
    # four contrasts of one variance v: the logarithm of such a variance with 2 degrees of freedom is Euler's constant
    # too low on average, so v times its exponential is usual here, with all 4 x 2 degrees of freedom (Smyth 2004); but
    # v / 2 is that of an arm in the differences of two and v in the drops of one, so usual of an arm is v / sqrt(2)
    arm = 0.01 * np.sqrt(np.exp(np.euler_gamma) / np.sqrt(2) / 3)
    error = np.sqrt(2) * arm
    ten, two, lost = (2 * scipy_stats.t.sf(ratio, 8) for ratio in (0.10 / error, 0.02 / error, 0.10 / arm))
    assert table["p"].tolist()[:4] == pytest.approx([2 * ten, two, 4 * lost, 4 * lost], rel=1e-6)
    assert table["p"].isna().tolist() == [False] * 4 + [True] * 2
    assert table["verdict"].tolist() == ["higher", "undecided", "higher", "higher"] + ["not run"] * 2
    half = 100 * scipy_stats.t.ppf(0.975, 8) * error
    shown = contrasts.shown(table)
    texts = [f"{x:+.1f} [{x - half:+.1f}, {x + half:+.1f}]".replace("-", "−") for x in (10, 2)]
    assert shown["difference"].tolist()[:2] == texts
    assert shown["verdict"].tolist() == table["verdict"].tolist() and shown["detectable"].tolist()[4] == "–"
    # six points lost to typos, 2 points a seed: p 0.035; asked twice, the interval excludes zero, Holm's p is above 5 %
    mnli = Contrast(**COSTLY | {"of": ["mnli"], "targets": ["xnli"]})
    twice = effects(SCORES, [(mnli, [("xnli", "typos")])] * 2)
    assert all(one.low > 0 for one in twice) and [one.p for one in twice] == pytest.approx(
        [2 * scipy_stats.ttest_1samp([0.04, 0.06, 0.08], 0).pvalue] * 2
    )
    assert {one.verdict for one in twice} == {"undecided"}


def test_means_of_each_arm():
    means = contrasts.means(study(), SCORES).set_index(["arm", "target", "condition"])
    clean = means.loc["none", "xnli", "clean"]
    assert (clean["mean"], clean["high"] - clean["mean"], clean["English"]) == pytest.approx((0.60, T2, 0.80))
    assert (clean["worst"], clean["worst language"], clean["seeds"]) == (pytest.approx(0.54), "zh", 3)
    assert len(means) == 5 * 3 and means.loc["mnli", "xcopa", "romanise"]["mean"] == pytest.approx(0.52 - 0.04 - 0.2)
    grid = contrasts.grid(study(), means.reset_index())
    assert grid.loc["none", ("xnli", "clean")] == "60.0 ± 2.5" and grid.loc["adv", ("xcopa", "clean")] == "–"
    assert set(grid.loc["anli"]) == {"not run"} and list(grid.index) == ["none", "mnli", "adv", "anli"]
    assert contrasts.grid(study(), contrasts.means(study(), SCORES[:0])).to_dict("list") == {"arm": ["not run"]}


def test_forgetting_counts_seeds_and_not_languages():
    read = [(seed, code) for seed in range(3) for code in ("en", "de")]
    rows = [row("after mnli", "mnli", code, seed, 0.7 + 0.01 * seed, split="dev") for seed, code in read]
    assert contrasts.forgetting(pd.DataFrame(rows))["seeds"].tolist() == [3]
    assert contrasts.forgetting(pd.DataFrame(rows[1:]))["seeds"].tolist() == [2]  # one seed lacks a language


def test_what_is_detectable_beyond_the_scale_is_said_to_be_nothing():
    wild = SCORES.copy()
    wild.loc[(wild["arm"] == "mnli") & (wild["seed"] == 0), "value"] -= 0.4
    shown = contrasts.shown(contrasts.table(study(BETTER), wild))
    assert shown["detectable"].tolist() == ["none within the scale"] * 2


def test_forgetting_is_read_from_the_dev_scores_after_each_stage():
    dev = {"split": "dev"}
    rows = [row("after mnli", "mnli", "en", seed, 0.7 + 0.01 * seed, **dev) for seed in range(3)]
    rows += [row("after mnli → squad", "mnli", "en", seed, 0.5, **dev) for seed in range(3)]
    rows += [row("mnli", "mnli", "en", 0, 0.9, **dev)]  # an arm of that name, trained in another way
    table = contrasts.forgetting(pd.concat([SCORES, pd.DataFrame(rows)]))
    assert table[["after", "task", "seeds"]].values.tolist() == [["mnli", "mnli", 3], ["mnli → squad", "mnli", 3]]
    assert table["mean"].tolist() == pytest.approx([0.71, 0.5])
    assert table["high"][0] - 0.71 == pytest.approx(T2)
    read = contrasts.forgotten(table)
    assert read["mnli"].to_dict() == {"mnli": "71.0 ± 2.5", "mnli → squad": "50.0 ± 0.0"}
    assert contrasts.forgetting(SCORES).empty and contrasts.forgotten(contrasts.forgetting(SCORES)).empty


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"against": ["none"]}, ("higher", "lower")),
        ({"against": ["none"], "outcome": "drop", "conditions": ["typos"]}, ("costs more", "costs less")),
        ({"against": ["none"], "languages": ["de"], "minus": ["zh"]}, ("wider", "narrower")),
        # Chinese lies above German: what closes that is no wider gap
        ({"against": ["none"], "languages": ["zh"], "minus": ["de"]}, ("higher", "lower")),
        ({"minus": ["zh"]}, ("above zero", "below zero")),
    ],
)
def test_more_of_a_gap_or_of_a_loss_is_not_better(fields, words):
    contrast = Contrast(question="?", of=("mnli",), **fields)
    rows = weighted(SCORES, contrast, [("xnli", fields.get("conditions", ["clean"])[0])])
    assert contrasts._words(contrast, rows) == words


@pytest.mark.parametrize(
    ("german", "words"), [(0.05, ("higher", "lower")), (0.30, ("wider in what is lost", "narrower in what is lost"))]
)
def test_a_gap_in_what_is_lost_is_not_called_a_cost(german, words):
    """Typos cost Russian 10 points without MNLI and 6 after it; German 5 or 30 more than that."""
    rows = SCORES[(SCORES["condition"] == "typos") & (SCORES["language"] == "de")].index
    scores = SCORES.assign(value=SCORES["value"].where(~SCORES.index.isin(rows), SCORES["value"] - german + 0.1))
    contrast = Contrast(question="?", of=("mnli",), against=("none",), languages=("de",), minus=("ru",),
                        conditions=("typos",), outcome="drop")  # fmt: skip
    assert contrasts._words(contrast, weighted(scores, contrast, [("xnli", "typos")])) == words


def test_what_an_arm_has_not_gone_on_to_is_not_behind_a_question():
    """ADV has XNLI alone, so the question is of XNLI, whatever happened to XCOPA."""
    asked = Contrast(question="?", of=("adv",), against=("none",))
    collapsed = SCORES["task"].eq("xcopa") & SCORES["arm"].eq("none")
    scores = SCORES.assign(guess=SCORES["value"].where(collapsed, 0.3), trained_last=True)
    (answer,) = contrasts.answers(study(asked.model_dump()), scores)
    assert answer.targets == ("xnli",) and answer.verdict == "higher" and "collapsed" not in answer.answer


def test_both_sides_are_averaged_over_languages_in_which_both_have_a_score():
    contrast = Contrast(question="?", of=("mnli",), against=("none",))
    lost = SCORES["arm"].eq("mnli") & SCORES["language"].eq("ru")
    found = alone(SCORES.assign(value=SCORES["value"].mask(lost)), contrast, [("xnli", "clean")])
    assert found.value == pytest.approx(0.10)  # Russian lies above Chinese: its loss would take 1.3 points away


def test_both_sides_are_averaged_over_cells_in_which_both_have_a_complete_seed():
    contrast = Contrast(question="?", of=("mnli",), against=("none",))
    one = SCORES["arm"].eq("mnli") & SCORES["task"].eq("xcopa")
    kept = (SCORES["seed"] == 0) & (SCORES["language"] == "de") | (SCORES["seed"] > 0) & (SCORES["language"] != "de")
    found = alone(SCORES[~one | kept], contrast, [("xnli", "clean"), ("xcopa", "clean")])
    assert found.value == pytest.approx(0.10)  # XNLI alone; the mean of `none` over both would be 5 points lower


def test_a_run_that_is_read_on_two_test_sets_has_collapsed_once():
    scores = SCORES.assign(
        recipe=SCORES["arm"], guess=SCORES["value"].where(SCORES["arm"] == "none", 0.3), trained_last=True
    )
    contrast = Contrast(question="?", of=("mnli",), against=("none",), languages=("de",))
    assert alone(scores, contrast, [("xnli", "clean"), ("xcopa", "clean")]).collapsed == 3
    assert alone(scores[scores["arm"].ne("mnli") | scores["seed"].gt(0)], contrast, [("xnli", "clean")]).collapsed == 2


def test_a_target_that_is_tested_in_the_language_of_its_training_alone_has_means():
    english = SCORES[SCORES["language"] == "en"]
    assert contrasts.means(study(), english)["mean"].notna().all()


def test_a_mean_over_fewer_languages_than_another_arms_says_so():
    lost = SCORES["arm"].eq("mnli") & SCORES["language"].eq("ru") & SCORES["task"].eq("xnli")
    asked = study()
    grid = contrasts.grid(asked, contrasts.means(asked, SCORES[~lost]))
    assert grid.loc["mnli", ("xnli", "clean")].endswith("(2 of 3 languages)")
    assert not grid.loc["none", ("xnli", "clean")].endswith("languages)")


def test_an_answer_that_other_questions_weaken_says_so():
    noise = SCORES["seed"].map({0: -0.01, 1: 0.0, 2: 0.01}) * (SCORES["arm"] == "mnli")
    shaken = SCORES.assign(value=SCORES["value"] + noise)  # 6 points, 2 a seed: p 0.035
    alone = contrasts.answers(study(BETTER), shaken)[0]
    assert (alone.verdict, alone.p < 0.05) == ("higher", True)
    beside = contrasts.answers(study(BETTER, BETTER | {"question": "And back?"}), shaken)[0]
    assert beside.verdict == "undecided" and beside.p == pytest.approx(2 * alone.p)
    assert (beside.low, beside.high) == (alone.low, alone.high) and beside.low > 0
    assert beside.answer.endswith("would find an effect of 1.0 points")


def test_a_mean_of_fewer_seeds_than_the_arm_has_says_so():
    first = (SCORES["seed"] == 0) | (SCORES["condition"] != "typos") | (SCORES["arm"] != "mnli")
    grid = contrasts.grid(study(), contrasts.means(study(), SCORES[first]))
    assert grid.loc["mnli", ("xnli", "typos (2)")] == "67.0 (1 of 3 seeds)"
    assert grid.loc["none", ("xnli", "typos (2)")] == "53.0 ± 0.0"


def test_the_number_of_languages_stands_where_it_is_not_that_of_clean_text():
    asked = study()
    made = contrasts.means(asked, SCORES)
    assert list(contrasts.grid(asked, made)["xnli"]) == ["clean", "typos (2)", "romanise (2)"]


# figures --------------------------------------------------------------------------------------


def said(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def marks(axes):
    return sum(len(points.get_offsets()) for points in axes.collections)


def test_forest_has_a_row_for_each_question_and_a_mark_for_each_cell():
    asked = study(BETTER, COSTLY, NEVER)
    answers, table = contrasts.answers(asked, SCORES), contrasts.table(asked, SCORES)
    (axes,) = study_figures.forest(answers, table, 3).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Better?", "Costly?"]
    assert "points" in axes.get_xlabel()
    assert sum(len(c.get_offsets()) for c in axes.collections if hasattr(c, "get_sizes")) == 4
    assert said(study_figures.forest([Answer("?", "not run", *[stats.NAN] * 3)], table, 3)) == ["not run"]


def test_verdicts_are_told_apart_by_mark_and_colour_and_the_seeds_are_named():
    verdicts = ("higher", "lower", "equivalent", "undecided", "not testable")
    answers = [Answer(f"{verdict}?", "", 0.01, 0.0, 0.02, verdict=verdict) for verdict in verdicts]
    figure = study_figures.forest(answers, pd.DataFrame({"question": ["higher?"], "value": [0.01]}), 3)
    (axes,) = figure.axes
    drawn = [(bars[0].get_marker(), bars[0].get_color(), bars[0].get_markerfacecolor()) for bars in axes.containers]
    assert drawn[0] == drawn[1] and drawn[3] == drawn[4] and len(set(drawn)) == 3
    assert {mark for mark, _, face in drawn[:3] if face != "white"} == {"o", "s"} and drawn[3][2] == "white"
    assert axes.get_xlabel() == "points; bars: 95 % interval over 3 seeds and their records"
    figure.draw_without_rendering()
    page, label = figure.bbox, axes.xaxis.label.get_window_extent()
    assert page.x0 <= label.x0 and label.x1 <= page.x1
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["higher or lower", "equivalent", "undecided or not testable", "each target and condition"]


def test_dots_show_every_seed():
    figure = study_figures.dots(SCORES, ("none", "mnli", "adv", "anli"))
    assert [axes.get_title() for axes in figure.axes] == ["xnli", "xcopa"]
    assert [marks(axes) for axes in figure.axes] == [3 * 3 * 2, 2 * 3 * 2]  # arms x seeds x clean and perturbed
    assert all("points" in axes.get_xlabel() for axes in figure.axes)
    places = np.vstack([points.get_offsets() for points in figure.axes[1].collections])
    assert places[:, 0].min() == pytest.approx(50 - 100 * (0.07 + 0.24) / 2)  # none, mean of the two conditions


def test_dots_average_what_every_arm_was_read_under():
    """ADV has no romanised scores in Chinese: of perturbed text typos and romanised Russian are left, for all arms."""
    gone = (SCORES["arm"] == "adv") & (SCORES["condition"] == "romanise") & (SCORES["language"] == "zh")
    (xnli, _) = study_figures.dots(SCORES[~gone], ("none", "mnli", "adv")).axes
    perturbed = np.vstack([points.get_offsets() for points in xnli.collections])[:, 0].min()
    assert perturbed == pytest.approx(100 * ((0.60 + 0.03 - 0.10) + (0.60 - 0.02 - 0.20)) / 2)


def test_the_map_of_what_is_lost_has_a_cell_where_the_perturbation_is_valid():
    figure = study_figures.lost_map(SCORES, "xnli")
    assert sorted(said(figure)) == ["10", "10", "20", "20"]
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["typos", "romanise"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["en", "de", "ru", "zh"]
    assert "points lost" in axes.get_title() and study_figures.NO_SCORE in axes.get_xlabel().replace("\n", " ")


def test_a_loss_that_rounds_to_nothing_has_no_sign():
    near = SCORES.assign(value=SCORES["value"].where(SCORES["condition"] == "clean", SCORES["value"] + 0.102))
    near = near[near["condition"].isin(["clean", "typos"])]
    texts = said(study_figures.lost_map(near, "xnli"))
    assert texts == ["0", "0"]  # 0.2 points less than nothing


def test_names_of_languages_cover_neither_each_other_nor_a_place():
    """Three languages within a point and a hundredth of a subword, as Hindi, Spanish and Urdu lie."""
    values = {"hi": 0.600, "es": 0.605, "ur": 0.597, "ru": 0.40}
    scores = pd.DataFrame([row("none", "xnli", code, seed, value) for code, value in values.items() for seed in (0, 1)])
    per_word = pd.Series({"hi": 1.334, "es": 1.340, "ur": 1.336, "ru": 2.0})
    figure = study_figures.covariate(scores, per_word, "xnli")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 4
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[place + 1 :])


def test_the_dial_runs_from_the_standard_to_the_dialect():
    codes = {"de": 0.8, "bar@0.5": 0.7, "bar": 0.5, "ru": 0.1}
    scores = pd.DataFrame(
        [row(arm, "xnli", code, seed, value + 0.01 * seed)
         for arm in ("none", "mnli") for code, value in codes.items() for seed in range(3)]
    )  # fmt: skip
    (axes,) = study_figures.dial(scores.assign(guess=0.25), "bar").axes
    *arms, guess = axes.lines
    assert [line.get_xydata().tolist() for line in arms] == [[[0, 81], [0.5, 71], [1, 51]]] * 2
    assert guess.get_ydata() == [25, 25] and guess.get_label() == "a guess"
    band = axes.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((50, 82))  # the lowest seed and the highest
    assert "German (0) to Bavarian (1)" in axes.get_xlabel() and axes.get_ylabel().endswith("lowest to highest seed")
    assert study_figures.dialled(["en", *codes, "bar@0.2", "gsw@0.5"]) == ["bar", "gsw"]


def test_scores_over_subwords_for_each_word():
    per_word = pd.Series({"de": 1.5, "ru": 2.0, "el": 3.0})
    (axes,) = study_figures.covariate(SCORES, per_word, "xcopa").axes
    places = np.vstack([points.get_offsets() for points in axes.collections])
    assert places.tolist() == [
        pytest.approx(p) for p in ([1.5, 58], [2.0, 48], [1.5, 60], [2.0, 50])
    ] and said(axes.figure) == ["de", "ru"]  # fmt: skip
    assert "subwords" in axes.get_xlabel() and axes.get_ylabel() == "points"


@pytest.mark.parametrize("scores", [SCORES[:0], pd.DataFrame(columns=list(SCORES))])
def test_without_scores_every_figure_says_so(scores):
    nothing = pd.Series(dtype=float)
    for figure in (
        study_figures.forest([], contrasts.table(study(BETTER), scores), 3), study_figures.dots(scores, ("none",)),
        study_figures.lost_map(scores, "xnli"), study_figures.dial(scores, "bar"),
        study_figures.covariate(scores, nothing, "xcopa"), study_figures.covariate(SCORES, nothing, "xcopa"),
        study_figures.lost_map(SCORES[SCORES["condition"] == "clean"], "xnli"), study_figures.dial(SCORES, "bar"),
    ):  # fmt: skip
        assert said(figure) == ["not run"]


def test_the_score_over_the_radius_has_a_line_for_each_arm_and_group_of_languages():
    scores = pd.DataFrame(
        row(arm, "xnli", language, seed, value - lost, radius=radius, condition="clean" if not radius else "pgd")
        for arm, value in (("none", 0.8), ("adv", 0.7))
        for language in ("en", "de", "zh")
        for seed in range(2)
        for radius, lost in ((0.0, 0.0), (0.1, 0.3 if arm == "none" else 0.1))
        if not (language == "zh" and radius)  # read on clean text alone, so no part of the curve
    )
    english, others = study_figures.epsilon(scores).axes
    assert (english.get_title(), others.get_title()) == ("xnli, English", "xnli, other languages")
    lines = {bars.get_label(): bars[0].get_ydata().tolist() for bars in english.containers}
    assert lines == {"none": pytest.approx([80, 50]), "adv": pytest.approx([70, 60])}
    none, adv = (bars[0] for bars in others.containers)
    assert adv.get_ydata().tolist() == pytest.approx([70, 60]) and adv.get_marker() != none.get_marker()
    assert (adv.get_xdata() - none.get_xdata() > 0).all()  # aside, or the one would hide the other
    assert [tick.get_text() for tick in others.get_xticklabels()] == ["0", "0.1"]
    assert "not to scale" in others.get_xlabel()


def test_the_score_over_the_radius_has_its_interval_over_seeds():
    values = [0.5, 0.52, 0.6]
    scores = pd.DataFrame(
        row("none", "xnli", code, seed, value, radius=radius, condition="clean" if not radius else "pgd")
        for code in ("en", "de")
        for seed, value in enumerate(values)
        for radius in (0.0, 0.1)
    )
    (bars,) = study_figures.epsilon(scores).axes[1].containers
    low, high = bars[2][0].get_segments()[0][:, 1]
    half = scipy_stats.t.ppf(0.975, 2) * scipy_stats.sem(values)
    assert (low, high) == pytest.approx((54 - 100 * half, 54 + 100 * half))


def test_every_line_over_radii_is_in_the_legend_and_a_target_read_in_no_ball_has_no_panel():
    """PAN-X after ADV alone; XCOPA on clean text alone."""
    scores = pd.DataFrame(
        row(arm, task, language, seed, 0.5, radius=radius, condition="clean" if not radius else "pgd")
        for arm, task in (("none", "xnli"), ("adv", "xnli"), ("adv", "panx"), ("none", "xcopa"))
        for language in ("en", "de")
        for seed in range(2)
        for radius in ((0.0,) if task == "xcopa" else (0.0, 0.1))
    )
    figure = study_figures.epsilon(scores)
    titles = [f"{target}, {who}" for who in ("English", "other languages") for target in ("xnli", "panx")]
    assert [axes.get_title() for axes in figure.axes] == titles
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["none", "adv"]


def test_the_design_has_a_row_for_each_arm_also_for_one_that_cannot_be_run():
    from xlt.spec.recipe import Encoder, Recipe
    from xlt.spec.stage import Stage

    stages = (Stage(task="mnli", steps=60, role="intermediate", label="mnli"), Stage(task="squad", role="intermediate"))
    made = study()
    recipes = {
        "none → xnli": Recipe(start=Encoder(model="m")),
        "mnli → xnli": Recipe(start=Encoder(model="m"), stages=stages),
    }
    arms = {label: label.split(" ")[0] for label in recipes}
    table = Study(recipes, plan=made.plan, arms=arms).design(pd.DataFrame()).set_index("arm")
    stages = ["none: direct fine-tuning", "mnli (60 updates) → squad (2 epochs)", "–", "–"]
    assert table["intermediate stages"].tolist() == stages
    assert table["run"].tolist() == ["yes", "yes", "not run", "not run"] and table.loc["adv", "targets"] == "xnli"


def test_the_design_says_which_arms_a_question_holds_against_which():
    gap = BETTER | {"question": "Gap?", "languages": ["latin"], "minus": ["zh"], "against": []}
    dose = {"question": "More?", "dose": {"none": 0, "mnli": 1500, "adv": 6000}, "of": [], "against": []}
    table = questions.table(study(BETTER | {"primary": True}, COSTLY, gap, dose)).set_index("question")
    assert table.loc["Better?", ["primary", "arms", "against", "of"]].tolist() == ["yes", "mnli", "none", "scores"]
    assert table.loc["Costly?", ["of", "conditions"]].tolist() == ["what a condition costs", "typos"]
    assert table.loc["Gap?", ["against", "languages"]].tolist() == ["zero", "latin less zh"]
    assert table.loc["More?", ["arms", "against"]].tolist() == ["none (0), mnli (1,500), adv (6,000)", ""]
    assert questions.table(study()).to_dict("list") == {"question": ["not run"]}


def test_a_column_of_one_language_has_its_name():
    one = SCORES[(SCORES["condition"] == "clean") | (SCORES["language"] == "ru") & (SCORES["condition"] == "typos")]
    assert list(contrasts.grid(study(), contrasts.means(study(), one))["xnli"]) == ["clean", "typos (ru)"]
