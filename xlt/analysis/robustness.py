"""What perturbations, attacks and second languages cost: the tables of the robustness studies.

`scores` are those of `Study.run`. A cost is taken over the languages in which the condition is valid and changes any
record, clean and perturbed alike, and where both were read on as many examples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from xlt.analysis import stats
from xlt.analysis.conditions import drops, tested
from xlt.analysis.estimate import of_fewer_seeds, seed_means
from xlt.core.errors import UserError
from xlt.core.paths import ROOT
from xlt.core.text import DASH, NOT_RUN, plus_minus, points
from xlt.lab.study import Study
from xlt.spec import trained
from xlt.spec.conditions import CLEAN, PAIR
from xlt.spec.groups import LATIN, NON_LATIN, ZERO_SHOT

GROUPS = {"all": ZERO_SHOT, "Latin": LATIN, "non-Latin": NON_LATIN}  # as tables call them


def costs(study: Study, scores: pd.DataFrame) -> pd.DataFrame:
    """What each condition costs, by arm, target and group of languages (those of training in none): fractions.

    clean and score are means over the languages in which the condition is valid, cost their difference with its t
    interval over the seeds that have all of these languages, relative the cost over clean; changed is the share of the
    records that a perturbation made other than they were; worst is the language with the lowest score.
    """
    rows = tested(scores)
    both = drops(trained.zero_shot(rows[rows["arm"].isin(study.labels)]))
    both, groups = both[both["condition"] != CLEAN], []
    for (arm, task, condition), part in both.groupby(["arm", "task", "condition"], sort=False):
        for group, name in GROUPS.items():
            some = part[trained.in_languages(part, [name])]
            if len(some):
                groups.append({"arm": arm, "target": task, "condition": condition, "group": group, **_cost(some)})
    return pd.DataFrame(groups) if groups else pd.DataFrame({"arm": [NOT_RUN]})


def _cost(rows: pd.DataFrame) -> dict:
    seeds = seed_means(rows, values=("clean", "value")).dropna()
    cost, low, high = stats.mean_interval(seeds["clean"] - seeds["value"])
    languages = rows.groupby("language")["value"].mean()
    clean, score = seeds["clean"].mean(), seeds["value"].mean()
    relative = cost / clean if clean else stats.NAN
    numbers = {"seeds": len(seeds), "languages": len(languages), "clean": clean, "score": score}
    numbers |= {"cost": cost, "low": low, "high": high, "relative": relative}
    numbers |= {"changed": rows["changed"].astype(float).mean()}
    return numbers | {"worst": languages.min(), "worst language": languages.idxmin()}


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """`costs` to be read, arm x (target, condition) down and groups across: cost ± half its interval, relative cost;
    last the language with the lowest score under the condition. A perturbation that changes fewer than 95 % of the
    records says so."""
    if "cost" not in table:
        return table
    texts = [
        plus_minus(cost, high, sign=True) + ("" if np.isnan(part) else f" ({100 * part:.0f} %)")
        for cost, high, part in zip(table["cost"], table["high"], table["relative"], strict=True)
    ]
    index = ["target", "condition", "arm"]
    table = table.assign(condition=_diluted(table))
    wide = table.assign(text=of_fewer_seeds(texts, table)).pivot(index=index, columns="group", values="text")
    order = table[index].drop_duplicates().itertuples(index=False, name=None)
    every = table[table["group"] == "all"].set_index(index)
    wide = wide.reindex(columns=list(GROUPS)).loc[sorted(order, key=_place(table))]
    lowest = every["worst language"] + " " + every["worst"].map(points)
    return wide.assign(**{"lowest score": lowest.reindex(wide.index)}).astype(object).fillna(DASH).reset_index()


def _diluted(table: pd.DataFrame) -> list[str]:
    """The conditions, with the share of records that they change where others dilute their cost."""
    shares = table.groupby(["target", "condition"])["changed"].transform("first")  # of all languages
    return [
        f"{c} ({100 * s:.0f} % changed)" if s < 0.95 else c for c, s in zip(table["condition"], shares, strict=True)
    ]


def _place(table: pd.DataFrame) -> Callable[[tuple], list[int]]:
    """Targets, then conditions, then arms, each in the order in which they came."""
    names = {column: list(dict.fromkeys(table[column])) for column in ("target", "condition", "arm")}
    return lambda row: [order.index(value) for order, value in zip(names.values(), row, strict=True)]


def pairs(study: Study, scores: pd.DataFrame) -> pd.DataFrame:
    """The generalised setting by arm and target: mean over seeds on the diagonal and off it, and what is lost between
    them with its t interval; the worst pair of any seed."""
    if not (study.plan and study.plan.pairs) or scores.empty:
        return pd.DataFrame({"arm": [NOT_RUN]})
    rows = scores[scores["main"].astype(bool) & scores["condition"].isin([CLEAN, PAIR])]
    rows = rows[
        rows["language"].isin(study.plan.pairs) & rows["task"].isin(scores[scores["condition"] == PAIR]["task"])
    ]
    if rows.empty:
        return pd.DataFrame({"arm": [NOT_RUN]})
    means = generalised(rows).assign(arm=lambda table: table["recipe"].map(study.arms))
    summary = []
    for (arm, task), part in means.groupby(["arm", "task"], sort=False):
        lost = stats.mean_interval(part["diagonal"] - part["off_diagonal"])
        worst = part.loc[part["worst"].idxmin()]
        about = {"arm": arm, "task": task, "diagonal": part["diagonal"].mean()}
        about |= {"off_diagonal": part["off_diagonal"].mean()}
        about |= dict(zip(("lost", "lost_low", "lost_high"), lost, strict=True))
        summary.append(about | {"worst": worst["worst"], "worst_pair": worst["worst_pair"]})
    return pd.DataFrame(summary)


ATTACK = ["attack_success", "random_success", "relative_drop", "queries_mean", "queries_max", "share_changed"]


def attack_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Search attacks by arm, target and group of languages: means over languages and seeds; of queries_max the most.

    Scores over all attacked examples, clean, after as many random changes and after the search; success over those
    that were right, of the search and of the random control; and the language with the lowest score under attack.
    """
    attacked = scores.loc[scores["metric"] == "attack_success", "condition"] if "metric" in scores else []
    rows = scores[scores["condition"].isin(list(attacked))] if len(attacked) else scores[:0]
    summaries = []
    for (arm, task, condition), part in rows.groupby(["arm", "task", "condition"], sort=False):
        groups = {group: part[trained.in_languages(part, [name])] for group, name in GROUPS.items()}
        for group, some in {trained.heading(rows): part[trained.is_source(part)], **groups}.items():
            if len(some):
                summaries.append(
                    {"arm": arm, "target": task, "condition": condition, "languages": group, **_attack(some)}
                )
    return pd.DataFrame(summaries) if summaries else pd.DataFrame({"arm": [NOT_RUN]})


def _attack(rows: pd.DataFrame) -> dict:
    main = rows[rows["main"].astype(bool)]
    under, means = main.groupby("language")["value"].mean(), rows.groupby("metric")["value"].mean()
    name = main["metric"].iloc[0]
    numbers = {"clean": means.get(f"clean_{name}"), "random": means.get(f"random_{name}"), "searched": under.mean()}
    numbers |= {metric: means.get(metric) for metric in ATTACK}
    numbers["queries_max"] = rows.loc[rows["metric"] == "queries_max", "value"].max()
    return numbers | {"lowest": under.min(), "lowest language": under.idxmin()}


def attack_speed() -> pd.DataFrame:
    """The search beside TextAttack's on the same model, records, candidates and budget: what benchmarks/attack_speed.py
    measured last; not measured again here, as TextAttack needs an environment of its own."""
    file = ROOT / "benchmarks" / "attack_speed.csv"
    return pd.read_csv(file) if file.is_file() else pd.DataFrame({"system": [NOT_RUN]})


def generalised(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean `diagonal`, mean `off_diagonal` and `worst` pair of each recipe, seed, task and metric.

    `scores`: rows of `Lab.run` over `conditions.pairs`; a pair without a row raises UserError.
    """
    groups = scores.groupby(["recipe", "seed", "task", "metric"], sort=False)
    return groups.apply(_generalised, include_groups=False).reset_index()


def _generalised(rows: pd.DataFrame) -> pd.Series:
    second = rows["language_b"].where(rows["language_b"] != "none", rows["language"])
    same, read = (second == rows["language"]).to_numpy(), set(zip(rows["language"], second, strict=True))
    codes = sorted({code for pair in read for code in pair})
    if missing := [f"{a}-{b}" for a in codes for b in codes if (a, b) not in read]:
        raise UserError(f"scores lack {len(missing)} of {len(codes) ** 2} pairs of languages, such as {missing[0]}")
    values = rows["value"].to_numpy(float)
    worst = int(np.argmin(values))
    return pd.Series({
        "diagonal": values[same].mean(), "off_diagonal": values[~same].mean() if len(codes) > 1 else float("nan"),
        "worst": values[worst], "worst_pair": f"{rows['language'].iloc[worst]}-{second.iloc[worst]}",
    })  # fmt: skip
