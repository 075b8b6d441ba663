"""Which languages can be named: any code of BCP 47 or ISO 639 in any spelling, and those that a profile declares."""

from __future__ import annotations

import gzip
import json

import pandas as pd
import pytest
import yaml
from conftest import tiny

from xlt import cli, perturb
from xlt.analysis import language_tables
from xlt.core.errors import UserError
from xlt.data.sources import Source
from xlt.evaluation import conditions
from xlt.evaluation.metrics.answers import f1_language_aware, mlqa_f1
from xlt.evaluation.score import score
from xlt.lab import inputs, profiles, studies
from xlt.lab.jobs import Job
from xlt.lab.lab import Lab
from xlt.models.translate import FLORES
from xlt.perturb.lexicons import files, translations
from xlt.spec import languages, settings, stage_rules, tasks
from xlt.spec.groups import SELECTORS
from xlt.spec.languages import LANGUAGES, canonical, language
from xlt.spec.perturbations import Augmentation
from xlt.spec.profile import Profile
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.stage import Part, Stage
from xlt.spec.study import Contrast
from xlt.spec.trained import in_languages

NAMED = {  # in whatever spelling: the canonical code, the name and the script
    "ha": ("ha", "Hausa", "Latn"), "hau": ("ha", "Hausa", "Latn"), "ig": ("ig", "Igbo", "Latn"),
    "ibo": ("ig", "Igbo", "Latn"), "pcm": ("pcm", "Nigerian Pidgin", "Latn"), "bam": ("bm", "Bambara", "Latn"),
    "aym": ("ay", "Aymara", "Latn"), "gn": ("gn", "Guarani", "Latn"), "kor": ("ko", "Korean", "Kore"),
    "kor_Hang": ("ko", "Korean", "Kore"), "swa": ("sw", "Swahili", "Latn"), "swh_Latn": ("sw", "Swahili", "Latn"),
    "quy": ("quy", "Ayacucho Quechua", "Latn"), "shp": ("shp", "Shipibo-Conibo", "Latn"),
    "nah": ("nah", "Nahuatl languages", "Latn"), "cni": ("cni", "Asháninka", "Latn"),
    "tar": ("tar", "Central Tarahumara", "Latn"), "bzd": ("bzd", "Bribri", "Latn"),
    "cmn": ("zh", "Chinese", "Hans"), "zho_Hans": ("zh", "Chinese", "Hans"),
    "zho_Hant": ("zh-Hant", "Chinese (Traditional)", "Hant"), "yue_Hant": ("yue", "Cantonese", "Hant"),
    "ace_Arab": ("ace-Arab", "Acehnese (Arabic)", "Arab"), "ace_Latn": ("ace", "Acehnese", "Latn"),
    "arb_Arab": ("ar", "Arabic", "Arab"), "arb_Latn": ("ar-Latn", "Arabic (Latin)", "Latn"),
    "acm_Arab": ("acm", "Mesopotamian Arabic", "Arab"), "pes_Arab": ("fa", "Persian", "Arab"),
    "prs_Arab": ("fa-AF", "Persian (Afghanistan)", "Arab"), "srp_Cyrl": ("sr-Cyrl", "Serbian-Cyrillic", "Cyrl"),
    "sr": ("sr-Cyrl", "Serbian-Cyrillic", "Cyrl"), "sh": ("sr-Latn", "Serbian-Latin", "Latn"),
    "uz-Cyrl": ("uz-Cyrl", "Uzbek (Cyrillic)", "Cyrl"), "uzn_Latn": ("uz", "Uzbek", "Latn"),
    "twi_Latn": ("tw", "Twi", "Latn"), "aka_Latn": ("ak", "Akan", "Latn"), "iw": ("he", "Hebrew", "Hebr"),
    "tgl_Latn": ("tl", "Tagalog", "Latn"), "fil": ("tl", "Tagalog", "Latn"), "EN": ("en", "English", "Latn"),
    "pt-BR": ("pt-BR", "Portuguese (Brazil)", "Latn"), "zh_TW": ("zh-TW", "Chinese (Taiwan)", "Hant"),
    "taq_Tfng": ("taq-Tfng", "Tamasheq (Tifinagh)", "Tfng"), "kas_Deva": ("ks-Deva", "Kashmiri (Devanagari)", "Deva"),
}  # fmt: skip


@pytest.fixture
def forgotten():
    """Languages and tasks that a test declares are forgotten afterwards."""
    own, known = dict(languages.OWN), dict(tasks.TASKS)
    yield
    for registry, before in ((languages.OWN, own), (tasks.TASKS, known)):
        registry.clear()
        registry.update(before)


def task(name="heard", **fields):
    usual = {"family": "classification", "dataset": "./heard", "config": "{code}", "labels": ["no", "yes"]}
    return tasks.parse(name, usual | fields, "mine.yaml")


@pytest.mark.parametrize("code", NAMED)
def test_any_code_names_its_language(code):
    row = language(code)
    assert (row.code, row.name, row.script) == NAMED[code]
    assert language(row.code) == row and canonical(row.code) == row.code
    assert language(f"{code}@0.5").code == f"{row.code}@0.5"


def test_the_table_says_of_its_languages_what_it_says():
    assert all(language(code) == row and canonical(code) == code for code, row in LANGUAGES.items())


def test_the_three_letters_and_the_family_of_what_the_table_does_not_have():
    assert [language(code).iso3 for code in ("ha", "ig", "quy", "zh-Hant")] == ["hau", "ibo", "quy", "zho"]
    assert language("ha").family == "" and language("pt-BR").family == "Romance"


def test_no_two_of_the_languages_of_flores_are_one():
    """As SIB-200 and FLORES-200 write them: those that are near each other."""
    near = "aka_Latn twi_Latn arb_Arab arb_Latn arz_Arab acm_Arab ars_Arab azb_Arab azj_Latn zho_Hans zho_Hant yue_Hant"
    near += " pes_Arab prs_Arab nno_Latn nob_Latn knc_Arab knc_Latn kas_Arab kas_Deva min_Arab min_Latn taq_Latn"
    near += (
        " taq_Tfng ace_Arab ace_Latn bjn_Arab bjn_Latn srp_Cyrl hrv_Latn bos_Latn zsm_Latn ind_Latn lvs_Latn ltg_Latn"
    )
    assert len(set(map(canonical, near.split()))) == len(near.split())
    assert all(canonical(theirs) == ours for ours, theirs in FLORES.items() if ours not in ("ff", "no", "ps", "qu"))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("english", r"unknown language 'english'; did you mean en \(English\)\?"),
        ("Deutsch", r"did you mean de \(German\)\?"),
        ("barr", "did you mean bar or ar?"),
        ("xx-foo", "unknown language 'xx-foo'; any BCP 47 or ISO 639 code is known .* own_languages"),
        ("de-foo", "unknown language 'de-foo'"),
        ("qab", "unknown language 'qab'"),
        ("x-mine", "unknown language 'x-mine'"),
        ("", "unknown language ''"),
    ],
)
def test_what_is_no_code_gets_one_line(code, said):
    with pytest.raises(UserError, match=said) as error:
        language(code)
    assert "\n" not in str(error.value) and canonical(code) == code


# settings ---------------------------------------------------------------------------------------


def test_settings_hold_one_code_of_a_language():
    assert Evaluation(task="xnli", language="kor", language_b="swa") == Evaluation(
        task="xnli", language="ko", language_b="sw"
    )
    stage = Stage(
        task="text", languages=("eng", "kor"), pivot="eng", select_languages=("hau",), also=(Part(task="mnli"),)
    )
    assert (stage.languages, stage.pivot, stage.select_languages) == (("en", "ko"), "en", ("ha",))
    assert Encoder(text="text", languages=("iw",)).languages == ("he",)
    assert tiny(languages=("eng", "zho_Hans", "bar@0.5")).languages == ("en", "zh", "bar@0.5")


def test_two_codes_of_one_language_are_one_too_many():
    for what, said in (
        (lambda: settings.parse(Stage, {"task": "text", "languages": ("ko", "kor")}, "mine"), "mine: languages: "),
        (lambda: task(languages="ko en kor"), "mine.yaml: task heard: languages: "),
    ):
        with pytest.raises(UserError, match=f"{said}ko and kor are one language, ko; leave one of them out"):
            what()


def test_contrasts_take_groups_and_codes():
    asked = Contrast(question="?", of=("a",), languages=("zero-shot", "hau"), minus=("non-latin", "zho_Hant"))
    assert (asked.languages, asked.minus) == (("zero-shot", "ha"), ("non-latin", "zh-Hant"))
    assert Contrast(question="?", of=("a",), languages=("non-latn",)).languages == ("non-latn",)  # and no Old Norse
    chosen = {name: list(filter(has, ("en", "ha", "ace-Arab", "uz-Cyrl", "ko"))) for name, has in SELECTORS.items()}
    assert chosen == {
        "zero-shot": ["en", "ha", "ace-Arab", "uz-Cyrl", "ko"], "latin": ["en", "ha"],
        "non-latin": ["ace-Arab", "uz-Cyrl", "ko"],
    }  # fmt: skip
    assert language_tables.script("ace-Arab") == "Arabic"
    rows = pd.DataFrame({"language": ["en", "ha", "ko"], "source_language": [True, False, False], "task": "xnli"})
    assert rows["language"][in_languages(rows, ["latin"])].tolist() == ["ha"]


# data -------------------------------------------------------------------------------------------


def test_a_folder_is_found_by_the_code_that_it_has():
    both = task(languages="kor hau en", xtreme_r="swa zho_Hans")
    assert both.everywhere == ("ko", "ha", "en", "sw", "zh")
    assert [both.config_for(code) for code in both.everywhere] == ["kor", "hau", "en", "swa", "zho_Hans"]
    assert task(languages="ko").config_for("ko") == "ko"
    assert task(languages="hau", config="{iso3}-{name}").config_for("ha") == "hau-Hausa"
    assert task(languages="kor", config={"kor": "korean"}).config_for("ko") == "korean"
    other = task(languages="kor en", elsewhere={"kor": {"dataset": "./other"}})
    assert (other.at("ko").dataset, other.at("ko").config_for("ko"), other.at("en").dataset) == (
        "./other",
        "kor",
        "./heard",
    )
    assert task(languages="kor", rows={"test": {"kor": 3}}).rows == {"test": {"ko": 3}}


PROFILE = """
description: languages that no table has
data: {source: world, world: {sizes: {text: 60}}}
own_languages:
  de-xy: {name: Xyish, script: Latn, standard: deu}
languages: [eng, hau, kor, de-xy]
seeds: 1
encoder: {layers: 1, width: 32, heads: 2, vocabulary: 300, text: text, languages: [en]}
training: {steps: 2, batch: 4, lr: 1.0e-3, max_length: 48}
target: {heard: {}}
evaluation: {default: {max_length: 48}}
resources: {workers: 1, eval_batch: 4}
tasks:
  heard:
    family: classification
    dataset: ./heard
    config: "{code}"
    columns: {text_b: null}
    labels: [no, yes]
    languages: [en, ha, kor, de-xy]
    splits: {train: train, test: test}
"""
ROWS = '{"text_a": "a", "label": "yes"}\n' * 3


@pytest.fixture
def profile(tmp_path, places, forgotten):
    """A profile with records of its own in languages that the world does not speak; en and ha by the short code."""
    for name in ("en/train", "en/test", "ha/test", "kor/test", "de-xy/test"):
        file = tmp_path / f"heard/{name}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(ROWS, encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(PROFILE.replace("[no, yes]", '["no", "yes"]'), encoding="utf-8")
    return path


def test_records_in_any_language_beside_the_world(profile):
    lab = Lab.from_params(str(profile))
    assert lab.profile.languages == ("en", "ha", "ko", "de-xy")
    assert lab.languages("heard") == ["en", "ha", "ko", "de-xy"]
    for code in lab.profile.languages:
        assert len(lab.store.source.load(tasks.get("heard"), code, "test")) == 3
    with pytest.raises(UserError, match="the generated world .* has no xnli in ha: such a world speaks en, de, es"):
        lab.store.source.identity(tasks.get("xnli"), "ha", "test")


def test_folders_are_languages_in_whatever_spelling(profile):
    profile.write_text(profile.read_text(encoding="utf-8").replace("    languages: [en, ha, kor, de-xy]\n", ""))
    lab = Lab.from_params(str(profile))
    assert sorted(lab.languages("heard")) == ["de-xy", "en", "ha", "ko"]
    assert [tasks.get("heard").config_for(code) for code in ("ko", "ha")] == ["kor", "ha"]


def test_english_is_looked_at_however_it_is_spelled(forgotten):
    tasks.add([task(languages="deu eng", splits={"train": "train", "dev": "dev"})])
    fields = {"task": "heard", "languages": ["deu", "eng"], "select": "dev"}
    assert settings.parse(Stage, stage_rules.with_default_languages(fields, "mine"), "mine").watched == ("en",)


@pytest.mark.slow
def test_scores_in_any_language(profile):
    lab = Lab.from_params(str(profile))
    study = studies.transfer(lab)
    scores = lab.run(study.recipes, study.evaluations)
    assert sorted(scores["language"]) == ["de-xy", "en", "ha", "ko"]


def test_the_world_says_what_it_speaks_where_its_own_records_are_asked_for(places):
    with pytest.raises(UserError, match="unknown language of the world 'ha'; it speaks en, de, es, tr, ru, sr-Latn"):
        Source.of(tiny(languages=("en", "hau")))


# declared by a profile --------------------------------------------------------------------------


def load(path, **own):
    content = yaml.safe_load(PROFILE) | {"own_languages": own, "languages": ["en"]}
    content["tasks"]["heard"] |= {"languages": ["en"], "labels": ["no", "yes"]}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return profiles.load(str(path))


def test_a_language_of_the_profiles_own(tmp_path, forgotten):
    bribri = {"name": "Bribri", "script": "Latn", "family": "Chibchan"}
    own = {"de-xy": {"name": "Xyish", "script": "Latn", "standard": "deu"}, "bzd": bribri}
    read = load(tmp_path / "mine.yaml", **own)
    assert language("de_XY") == ("de-xy", "Xyish", "de-xy", "Latn", "", "de")
    assert language("bzd").family == "Chibchan"
    assert "did you mean de-xy" in str(pytest.raises(UserError, language, "de-xyz").value)
    assert Profile.model_validate_json(read.model_dump_json()) == read  # as workers get it


def test_a_profile_without_is_what_it_was():
    assert "own_languages" not in profiles.load("mini").model_dump(mode="json")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"de-xy": {"name": "Xyish"}}, "mine.yaml: own_languages.de-xy.script: field required"),
        ({"de-xy": {"name": "X", "script": "Latin"}}, "own_languages.de-xy.script: 'Latin' is no script of ISO 15924"),
        ({"de-xy": {"name": "X", "script": "Latn", "famly": "G"}}, "unknown setting 'famly'"),
        ({"de-xy": {"name": "X", "script": "Latn", "standard": "xx"}}, "de-xy: standard xx is no other language"),
        ({"de-xy": {"name": "X", "script": "Latn", "standard": "de-xy"}}, "standard de-xy is no other language"),
        ({"kor": {"name": "X", "script": "Latn"}}, "own_languages: kor is Korean already; leave it out"),
        ({"de xy": {"name": "X", "script": "Latn"}}, "'de xy' is no code; give letters and figures with hyphens"),
        ("de-xy", "own_languages: input should be"),
    ],
)
def test_a_wrong_declaration_is_named(tmp_path, forgotten, own, said):
    content = yaml.safe_load(PROFILE) | {"own_languages": own}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(UserError) as error:
        profiles.load(str(tmp_path / "mine.yaml"))
    assert said in str(error.value) and not languages.OWN


def test_a_language_is_not_declared_twice_in_two_ways(tmp_path, forgotten):
    load(tmp_path / "mine.yaml", **{"de-xy": {"name": "Xyish", "script": "Latn"}})
    load(tmp_path / "mine.yaml", **{"de-xy": {"name": "Xyish", "script": "Latn"}})
    with pytest.raises(UserError, match="de-xy was declared otherwise before"):
        load(tmp_path / "mine.yaml", **{"de-xy": {"name": "Xyish", "script": "Cyrl"}})


def test_another_script_of_a_declared_language_makes_scores_old(tmp_path, forgotten):
    load(tmp_path / "mine.yaml", **{"de-xy": {"name": "Xyish", "script": "Latn"}})
    latin = perturb.identity("swap", "de-xy")
    languages.OWN["de-xy"] = languages.OWN["de-xy"]._replace(script="Cyrl")
    assert perturb.identity("swap", "de-xy") != latin
    assert "tables" not in perturb.identity("swap", "de")


# what needs data for a language -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("inflection", "hau", "perturbation inflection is not valid for ha .Latn.; it is for ar, bg"),
        ("code-mix", "hau", "there is no lexicon from ha to en: point XLT_LEXICONS at a folder"),
        ("synonyms", "ha", "there is no synonyms for ha: point XLT_LEXICONS"),
        ("romanise", "ha", "not valid for ha .Latn.; it is for Arab"),
        ("code-mix:xx-foo", "de", "unknown language 'xx-foo' in code-mix:xx-foo"),
        ("code-mix:kor", "ko", "code-mixing ko with itself changes nothing"),
        ("keyboard", "taq_Tfng", "keyboard is not valid for taq-Tfng .Tfng."),
        ("rs-da-clean", "ha", "there is no synonyms for ha"),
    ],
)
def test_what_is_missing_for_a_language_is_said_in_one_line(name, code, said, monkeypatch):
    monkeypatch.delenv("XLT_LEXICONS", raising=False)
    with pytest.raises(UserError, match=said):
        perturb.ready(name, code, "classification")
    assert not perturb.valid(name, code, "classification")
    perturbed = Evaluation(task="xnli", language=code, perturbation=name)
    with pytest.raises(UserError, match=f"xnli in {canonical(code)}: .*{said}"):
        conditions.ready(perturbed)
    assert not conditions.valid(perturbed)
    if name.partition(":")[0] in ("inflection", "code-mix", "synonyms"):
        with pytest.raises(UserError, match=said):
            conditions.ready(Evaluation(task="xnli", language=code, attack={"name": name}))


def test_it_is_said_before_anything_is_trained(world):
    start = Recipe(start=Encoder(text="text", languages=("en",)))
    read = Evaluation(task="xnli", language="de", perturbation="latin", strength=1)
    with pytest.raises(UserError, match="xnli in de: perturbation latin is not valid for de"):
        inputs.read_records(world, [Job(start, (read,))], download=False)
    augment = Augmentation(perturbation="code-mix:hau")
    with pytest.raises(UserError, match="mnli in en: augment: there is no lexicon from en to ha"):
        inputs.read_records(world, [Job(start.then(Stage(task="mnli", augment=augment)))], download=False)


def test_letters_case_and_order_need_no_data():
    rows = {"text_a": ["Ina kwana"], "text_b": ["Sannu da zuwa"], "label": [0]}
    for name in ("swap", "typos", "upper"):
        short, long = (perturb.apply(name, rows, "classification", code, 1.0, 0) for code in ("ha", "hau"))
        assert short == long != rows


def test_a_word_list_is_found_by_either_code(tmp_path, monkeypatch):
    monkeypatch.setenv("XLT_LEXICONS", str(tmp_path))
    lines = "english\tpos\ttranslation\tsynset\nwater\tn\truwa\t1-n\n"
    (tmp_path / "en-hau.tsv.gz").write_bytes(gzip.compress(lines.encode()))
    assert translations("en", "ha").table == {"water": ["ruwa"]} == translations("en", "hau").table
    assert list(files("code-mix:hau", "en")) == ["en-hau.tsv.gz"] == list(files("code-mix:ha", "en"))


# scores -----------------------------------------------------------------------------------------


@pytest.fixture
def answers(tmp_path):
    def write(name, rows):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return tmp_path / name

    gold = [{"id": "1", "answers": ["the Nile"]}]
    return write("p.jsonl", [{"id": "1", "answer": "Nile"}]), write("r.jsonl", gold)


def test_scores_of_any_language_and_what_has_no_rule(answers):
    found = score("xquad", "hau", *answers)
    assert found["language"] == "ha" and found["metrics"]["f1"] == 1
    assert found["metrics"]["f1_language_aware"] == pytest.approx(2 / 3)
    (note,) = found["notes"]
    assert note.startswith("f1_language_aware, exact_match_language_aware: no rule for the articles")
    assert "notes" not in score("xquad", "eng", *answers) and "notes" not in score("xquad", "kor", *answers)
    (note,) = score("mlqa", "fr", *answers)["notes"]
    assert "mlqa_f1" in note


def test_rules_hold_for_a_language_in_any_region():
    assert perturb.apply("upper", {"text": ["iki"]}, "mlm", "tr-CY", 1.0, 0)["text"] == ["İKİ"]
    assert f1_language_aware(["Baum"], [["der Baum"]], "de-AT")[0] == 1
    assert mlqa_f1(["Baum"], [["der Baum"]], "de-AT")[0] == 1
    assert mlqa_f1(["北京市"], [["北京"]], "zh-Hant")[0] == pytest.approx(0.8)


def test_the_command_takes_any_language_and_says_so(answers, profile, capsys):
    files = ["--predictions", str(answers[0]), "--references", str(answers[1])]
    assert cli.main(["score", "--task", "xquad", "--language", "hau", *files]) == 0
    assert "\nf1_language_aware, exact_match_language_aware: no rule" in capsys.readouterr().out
    assert cli.main(["score", "--task", "xquad", "--language", "de-xy", *files]) == 2
    assert "unknown language 'de-xy'" in capsys.readouterr().err
    assert cli.main(["score", "--task", "xquad", "--language", "de-xy", *files, "--profile", str(profile)]) == 0
    assert cli.main(["languages", "--profile", str(profile)]) == 0
    said = capsys.readouterr().out
    assert any(line.split() == ["de-xy", "Xyish", "Latn", "unknown"] for line in said.splitlines())
    assert "any BCP 47 or ISO 639 code is known" in said.splitlines()[-1]
