"""Effects of several profiles: pooled by random effects, told apart by what differs, and shown on a page."""

import json
from math import log, sqrt

import pytest
from scipy import stats as scipy_stats

from xlt import cli
from xlt.analysis import meta as pooling
from xlt.core.errors import UserError
from xlt.report import meta

# Vaccination against tuberculosis (Colditz et al. 1994): cases and others, treated and not, of 13 trials; the data set
# dat.bcg of the R package metafor, whose documentation has the results below.
TRIALS = [
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
]  # fmt: skip


def test_two_effects_by_hand():
    """0 and 2, both with error 1: Q = 2, tau squared = (2 - 1) / (2 - 1) = 1, weights 1/2, mean 1 with error 1."""
    found = pooling.pool([0, 2], [1, 1])
    assert (found.value, found.between, found.apart) == pytest.approx((1, 1, 0.5))
    assert found.high - found.value == pytest.approx(12.7062, abs=1e-4)  # t of one degree of freedom
    assert found.next_low != found.next_low  # of two profiles nothing is said about a third


def test_effects_that_agree_are_not_pooled_to_an_interval_narrower_than_their_errors():
    found = pooling.pool([1, 1, 1], [1, 1, 1])
    assert (found.value, found.between, found.apart) == (1, 0, 0)
    assert found.high - 1 == pytest.approx(scipy_stats.t.ppf(0.975, 2) / sqrt(3))
    assert found.next_high - 1 == pytest.approx(scipy_stats.t.ppf(0.975, 1) / sqrt(3))


def test_the_published_example_of_the_vaccine_trials():
    ratios = [log((a / (a + b)) / (c / (c + d))) for a, b, c, d in TRIALS]
    errors = [sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)) for a, b, c, d in TRIALS]
    found = pooling.pool(ratios, errors)
    # DerSimonian-Laird of these trials: estimate -0.7141, tau squared 0.3088, I squared 92.12 %
    assert (found.value, found.between**2, found.apart) == pytest.approx((-0.7141, 0.3088, 0.9212), abs=5e-5)
    assert found.profiles == 13 and found.next_low < found.low < found.high < found.next_high


@pytest.mark.parametrize(("values", "errors"), [([1], [1]), ([1, 2], [1, 0]), ([1, 2], [1, float("nan")])])
def test_what_cannot_be_pooled_is_refused(values, errors):
    with pytest.raises(ValueError, match="two effects at least"):
        pooling.pool(values, errors)


def test_the_error_of_an_interval_is_that_of_a_normal_one_as_wide():
    assert pooling.error(-1.959964, 1.959964) == pytest.approx(1)


# reports ----------------------------------------------------------------------------------------


def report(root, name, *answers, encoder="xlmr"):
    folder = root / name / "answers"
    folder.mkdir(parents=True)
    given = [{"question": "Better?", "verdict": "undecided", "primary": True} | answer for answer in answers]
    (folder / "study_mix.json").write_text(json.dumps({"study": "Which?", "answers": given}))
    (folder.parent / "summary.json").write_text(json.dumps({"provenance": {"encoder": encoder, "device": "fp32"}}))
    return folder.parent


def effect(value, half, **fields):
    return {"effect": value, "low": value - half, "high": value + half} | fields


def test_the_effects_of_one_question_are_pooled_over_profiles_and_what_differs_is_named(tmp_path):
    other = {"question": "And this?", "primary": False}
    one = report(tmp_path, "one", effect(0.0, 0.0196), effect(0.1, 0.02, **other), encoder="small")
    two = report(tmp_path, "two", effect(0.02, 0.0196), other)
    page = tmp_path / "meta.html"
    (better,) = meta.write(meta.folders([one, two]), page)
    # errors of one point each, two points apart: tau squared (2 - 1) / 1 = 1 point squared
    assert (better.pooled.value, better.pooled.between) == pytest.approx((0.01, 0.01), abs=1e-6)
    text = page.read_text()
    assert "+1.0 points" in text and "between profiles SD 1.0 points, 50 % of the variation" in text
    assert '<td class="long">small</td>' in text and "data:image/png;base64," in text
    assert (tmp_path / "meta.csv").read_text().count("\n") == 5


def test_what_differs_has_a_dash_where_a_report_does_not_say(tmp_path):
    one, two = (report(tmp_path, name, effect(0.0, 0.02)) for name in ("one", "two"))
    header = "task,language,split,seed,n\n"
    (one / "scores_mix.csv").write_text(header + "xnli,de,test,0,50\nxnli,ru,test,1,80\nmnli,en,dev,0,500\n")
    table = meta.differences(meta.folders([one, two]), "study_mix").set_index("profile")
    told = {"seeds": "2", "languages": "de ru", "targets": "xnli", "test records": "50 to 80", "parameters": "–"}
    assert {name: table.loc["one", name] for name in told} == told
    assert table.loc["two", ["encoder", "seeds", "targets"]].tolist() == ["xlmr", "–", "–"]


def test_a_question_of_one_profile_is_shown_and_not_pooled(tmp_path):
    one = report(tmp_path, "one", effect(0.05, 0.02))
    two = report(tmp_path, "two", {"effect": None, "low": None, "high": None, "verdict": "not run"})
    (better,) = meta.write(meta.folders([one, two]), tmp_path / "meta.html")
    assert better.pooled is None and better.rows["profile"].tolist() == ["one"]
    assert "Only one has tested it, so nothing is pooled." in (tmp_path / "meta.html").read_text()


def test_what_was_not_testable_is_shown_and_not_pooled(tmp_path):
    """Pooled with the third the mean would be 3 points; of the two that tested it it is 1."""
    one, two = (report(tmp_path, name, effect(value, 0.0196)) for name, value in (("one", 0.0), ("two", 0.02)))
    three = report(tmp_path, "three", effect(0.07, 0.0196, verdict="not testable"))
    four = report(tmp_path, "four", {"effect": None, "low": None, "high": None, "verdict": "not testable"})
    (better,) = meta.write(meta.folders([one, two, three, four]), tmp_path / "meta.html")
    assert better.pooled.value == pytest.approx(0.01) and better.pooled.profiles == 2
    text = (tmp_path / "meta.html").read_text()
    assert text.count("not testable") == 2 and better.rows["profile"].tolist() == ["one", "two", "three", "four"]
    assert len(meta.forest(better).axes[0].get_yticklabels()) == 3  # two profiles and their mean
    meta.write(meta.folders([one, three]), tmp_path / "meta.html")
    assert "Only one has tested it, so nothing is pooled." in (tmp_path / "meta.html").read_text()
    meta.write(meta.folders([three, four]), tmp_path / "meta.html")
    assert "No profile could test it, so nothing is pooled." in (tmp_path / "meta.html").read_text()


def test_a_question_that_names_its_targets_is_the_same_as_one_whose_profile_asks_it_of_these_alone(tmp_path):
    one = report(
        tmp_path, "one", effect(0.0, 0.02, question="Better? (xnli)"), effect(0.5, 0.02, question="Better? (panx)")
    )
    two = report(tmp_path, "two", effect(0.02, 0.02, targets=["xnli"]))
    asked = meta.questions(meta.answers(meta.folders([one, two])))
    assert {question.text: len(question.rows) for question in asked} == {"Better? (xnli)": 2, "Better? (panx)": 1}


def test_reports_of_one_name_are_told_apart_by_as_many_folders_as_it_takes(tmp_path):
    """Three people's reports/mini are three profiles, and a folder that is named twice is one."""
    values = {"alice": 0.05, "bob": -0.1, "carol": 0.01}
    made = [report(tmp_path / who / "reports", "mini", effect(value, 0.02)) for who, value in values.items()]
    found = meta.folders([*made, made[0] / ".." / "mini"])
    assert found == dict(zip(["alice/reports/mini", "bob/reports/mini", "carol/reports/mini"], made, strict=True))
    (better,) = meta.questions(meta.answers(found))
    assert better.rows["effect"].tolist() == [0.05, -0.1, 0.01] and better.pooled.profiles == 3
    assert list(meta.folders(made[:1])) == ["mini"]


def test_a_report_that_has_one_question_twice_is_not_counted_twice(tmp_path):
    twice = report(tmp_path, "one", effect(0.05, 0.02, targets=["xnli"]), effect(-0.1, 0.02, targets=["xnli"]))
    with pytest.raises(UserError, match=r"^one/answers/study_mix.json: 'Better\? \(xnli\)' stands there twice; give"):
        meta.answers(meta.folders([twice]))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (effect(0.1, 0.02, low="a"), "one/answers/study_mix.json: low of 'Better?' is 'a'; it must be a fraction or"),
        (effect(0.1, 0.02, high=0.05), "the effect 0.1 of 'Better?' lies outside [0.08, 0.05]"),
        (effect(0.1, 0.02, primary=False), "no primary question in one"),
    ],
)
def test_what_a_report_does_not_hold_as_it_should_is_one_line(tmp_path, answer, said):
    with pytest.raises(UserError) as error:
        meta.write(meta.folders([report(tmp_path, "one", answer)]), tmp_path / "meta.html")
    assert said in str(error.value) and "\n" not in str(error.value)


def test_the_command_takes_reports_of_others_and_says_where_there_is_none(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XLT_REPORTS", str(tmp_path / "none"))
    assert cli.main(["meta"]) == 2 and "has no report yet" in capsys.readouterr().err
    assert cli.main(["meta", str(tmp_path)]) == 2 and "is no report" in capsys.readouterr().err
    theirs = (
        report(tmp_path / "theirs", "mini", effect(0.0, 0.02)),
        report(tmp_path / "ours", "mini", effect(0.02, 0.02)),
    )
    assert cli.main(["meta", *map(str, theirs), "--page", str(tmp_path / "all.html")]) == 0
    assert "over 2 profiles" in capsys.readouterr().out and "theirs/mini" in (tmp_path / "all.html").read_text()
