"""What was planted must come out, and nothing else, on the invented experiment of test_contrasts."""

import pytest
from test_contrasts import BETTER, COSTLY, NEVER, SCORES, study

from xlt.analysis import plants


@pytest.mark.parametrize(
    ("contrast", "expect", "found", "passes"),
    [
        (BETTER, "higher", "higher", "yes"), (BETTER, "lower", "higher", "NO"), (BETTER, "none", "higher", "NO"),
        (BETTER | {"targets": ["xcopa"]}, "none", "none", "yes"), (NEVER, "none", "not run", "NO"),
        (COSTLY | {"of": ["mnli"], "against": ["mnli"]}, "none", "none", "yes"),
        (BETTER | {"conditions": ["typos"], "targets": ["xnli"]}, "higher", "?", "NO"),  # no seed differs
        (BETTER | {"conditions": ["typos"], "against": ["mnli"]}, "none", "none", "yes"),  # equal in every seed
    ],
)  # fmt: skip
def test_planted_effects_pass_or_fail(contrast, expect, found, passes):
    other = BETTER | {"question": "Not planted?"}
    (verdict,) = plants.planted(study(contrast | {"expect": expect}, other), SCORES).to_dict("records")
    assert (verdict["planted"], verdict["found"], verdict["passes"]) == (expect, found, passes)


SAME = BETTER | {"targets": ["xcopa"], "expect": "none"}


def judged(shift):
    """Of an effect of nothing, where MNLI scores lower by this in the first seed."""
    scores = SCORES.copy()
    scores.loc[(scores["arm"] == "mnli") & (scores["seed"] == 0), "value"] -= shift
    return plants.planted(study(SAME), scores).iloc[0]


def test_nothing_passes_only_where_the_interval_is_narrow():
    """Two points higher, and in one seed 25 lower: an interval from -44 to 32, without that from -0.5 to 4.5."""
    wide = judged(0.25)
    assert wide["low"] < -plants.NOTHING and (wide["found"], wide["passes"]) == ("none", "not shown")
    assert judged(0.0)["passes"] == "yes" and judged(0.0)["high"] < plants.NOTHING


def test_nothing_fails_where_something_is_decided_and_not_where_an_interval_alone_excludes_zero():
    """Ten points higher on XNLI, in both. Six points lost to typos: p 0.035 alone, 0.07 where it is asked twice."""
    decided = plants.planted(study(SAME | {"targets": ["xnli"]}), SCORES).iloc[0]
    assert (decided["found"], decided["passes"]) == ("higher", "NO")
    lost = COSTLY | {"of": ["mnli"], "targets": ["xnli"], "expect": "none"}
    twice = plants.planted(study(lost, lost | {"question": "Once more?"}), SCORES).iloc[0]
    assert twice["low"] > 0 and (twice["found"], twice["passes"]) == ("none", "not shown")


def test_the_table_to_be_read_has_the_chance_to_beat():
    made = plants.planted(study(BETTER | {"expect": "higher"}), SCORES)
    shown = plants.judged(made)
    assert list(shown) == ["question", "planted", "found", "passes", "effect", "chance to beat"]
    assert shown["chance to beat"].tolist() == ["1.00"]
