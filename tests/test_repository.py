"""Data sets from the hub, over HTTP from a small one: one commit for a whole run, and every fault said in one line."""

import json
from pathlib import Path

import pytest
from conftest import tiny
from small_hub import PARQUET, a_new_run, card, parquet, small_hub  # noqa: F401 - a fixture

from xlt.core.errors import UserError
from xlt.data import layout, repository, weights
from xlt.data.sources import Source
from xlt.lab import estimate, plan, studies
from xlt.lab.lab import Lab
from xlt.report import summary
from xlt.spec import tasks
from xlt.spec.recipe import Encoder

XNLI = tasks.get("xnli").model_copy(update={"rows": {}})
DE, FR, DEV = (
    "de/test-00000-of-00001.parquet",
    "fr/test-00000-of-00001.parquet",
    "de/validation-00000-of-00001.parquet",
)


def nli(word):
    return parquet(premise=[word] * 3, hypothesis=["h"] * 3, label=[0, 1, 2])


FILES = {"README.md": card(DE, DEV, FR), DE: nli("eins"), DEV: nli("zwei"), FR: nli("un"), ".gitattributes": b"x"}


@pytest.fixture
def hub(small_hub):  # noqa: F811
    """A hub with a little XNLI."""
    small_hub.put("facebook/xnli", FILES)
    return small_hub


def complaint(call, *arguments):
    with pytest.raises(UserError) as error:
        call(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def words(code="de", split="test", source=None):
    return (source or Source(None)).load(XNLI, code, split)["text_a"][0]


def test_only_the_split_that_is_asked_for_is_fetched(hub):
    assert words() == "eins"
    fetched = {request.rpartition("/")[2] for request in hub.requests if request.startswith("GET /datasets")}
    assert fetched == {"README.md", DE.rpartition("/")[2]}
    assert not any(FR in request or DEV in request for request in hub.requests)


def test_a_repository_is_asked_for_once_a_run(hub, monkeypatch):
    for code in ("de", "fr"):
        words(code)
    assert hub.asked()["api"] == 2  # which commit, and what is in it
    since = repository.os.environ["XLT_HUB_SINCE"]
    a_new_run(monkeypatch)
    monkeypatch.setenv("XLT_HUB_SINCE", since)  # a kernel, or a worker
    words()
    assert hub.asked()["api"] == 2
    a_new_run(monkeypatch)
    words()
    assert hub.asked()["api"] == 4


def test_a_commit_in_the_middle_of_a_run_changes_nothing_in_it(hub, monkeypatch):
    before = Source(None).identity(XNLI, "de", "test")
    hub.put("facebook/xnli", FILES | {DE: nli("neu")})
    since = repository.os.environ["XLT_HUB_SINCE"]
    a_new_run(monkeypatch)
    monkeypatch.setenv("XLT_HUB_SINCE", since)
    assert Source(None).identity(XNLI, "de", "test") == before and words() == "eins"
    a_new_run(monkeypatch)
    assert Source(None).identity(XNLI, "de", "test") != before and words() == "neu"


def test_another_card_is_no_other_data_set(hub, monkeypatch):
    before, _ = Source(None).identity(XNLI, "de", "test"), words()
    asked = len([request for request in hub.requests if DE in request and request.startswith("GET")])
    hub.put("facebook/xnli", FILES | {"README.md": FILES["README.md"] + b"more words\n"})
    a_new_run(monkeypatch)
    assert Source(None).identity(XNLI, "de", "test") == before and words() == "eins"
    assert len([request for request in hub.requests if DE in request and request.startswith("GET")]) == asked


def test_a_card_that_names_the_labels_in_another_order_gives_other_records(hub, monkeypatch):
    found = []
    for names in (["entailment", "neutral", "contradiction"], ["neutral", "contradiction", "entailment"]):
        kinds = [{"name": name, "dtype": "string"} for name in ("premise", "hypothesis")]
        kinds.append({"name": "label", "dtype": {"class_label": {"names": dict(zip("012", names, strict=True))}}})
        about = f"dataset_info: {json.dumps([{'config_name': 'de', 'features': kinds}])}\n---\n".encode()
        hub.put("facebook/xnli", FILES | {"README.md": FILES["README.md"].removesuffix(b"---\n") + about})
        a_new_run(monkeypatch)
        labels = Source(None).load(XNLI, "de", "test")["label"][:]
        found.append((labels, Source(None).identity(XNLI, "de", "test")))
    assert [labels for labels, _ in found] == [[0, 1, 2], [1, 2, 0]]
    assert found[0][1] != found[1][1]


def test_a_folder_with_the_same_files_is_the_same_data_set(hub, tmp_path):
    for path, content in FILES.items():
        file = tmp_path / "folder/facebook/xnli" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    assert Source(tmp_path / "folder").identity(XNLI, "de", "test") == Source(None).identity(XNLI, "de", "test")


def test_what_was_read_once_is_read_without_network(hub, monkeypatch):
    identity, _ = Source(None).identity(XNLI, "de", "test"), words()
    hub.faults.append(("", "reset", 1000))
    a_new_run(monkeypatch)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert words() == "eins" and Source(None).identity(XNLI, "de", "test") == identity
    assert Source(None).languages(XNLI, "test") == ("de",)  # fr was never fetched
    said = complaint(words, "fr")
    assert f"{FR} is not in the hub's cache and there is no network; fetch it with 'hf download facebook/xnli" in said


def test_what_another_program_fetched_is_read_without_network(hub, monkeypatch, tmp_path):
    from huggingface_hub import snapshot_download

    online = Source(None).identity(XNLI, "de", "test")
    snapshot_download("facebook/xnli", repo_type="dataset", endpoint=hub.url)
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    a_new_run(monkeypatch)
    assert words() == "eins" and Source(None).identity(XNLI, "de", "test") == online


@pytest.mark.parametrize("what", [429, 500, 503, "reset", "cut"])
@pytest.mark.parametrize(
    "where", ["/api/datasets/facebook/xnli/revision", "/tree/", "GET /datasets/facebook/xnli/resolve"]
)
def test_a_fault_that_passes_is_tried_again(hub, what, where):
    hub.faults.append((where, what, 2 if what != "cut" else 1))
    assert words() == "eins"


@pytest.mark.parametrize("what", [429, 500])
def test_a_fault_that_stays_is_one_line(hub, what):
    hub.faults.append(("/api/datasets", what, 1000))
    said = complaint(words)
    assert said == f"task xnli: the hub does not answer, or not well (HTTP {what}): facebook/xnli; run again later"
    assert len(hub.requests) < 20
    asked = len(hub.requests)
    complaint(words, "fr")
    assert len(hub.requests) == asked  # not again for every language


def test_a_hub_that_fails_on_one_data_set_is_read_from_the_cache_there(hub, monkeypatch, capsys):
    words()
    hub.faults.append(("/api/datasets/facebook", 500, 1000))
    a_new_run(monkeypatch)
    assert words() == "eins" and not repository.offline()
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "facebook/xnli; run again later; it is read from the cache as it was" in said


def test_a_hub_that_is_gone_is_waited_for_once(hub, monkeypatch, capsys):
    words()
    hub.faults.append(("", "reset", 1000))
    a_new_run(monkeypatch)
    assert words() == "eins" and repository.offline()
    asked = len(hub.requests)
    said = complaint(Source(None).load, tasks.get("xquad"), "de", "test")
    assert said.startswith("task xquad: google/xquad is not in the hub's cache and there is no network; fetch it with")
    assert len(hub.requests) == asked
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and told.endswith("from here on only what its cache holds is read\n")


def test_a_body_that_was_cut_without_a_word_is_fetched_again_or_named(hub):
    hub.faults.append((DE, "cut", 2))  # what is said of it, and itself
    assert words() == "eins"
    hub.faults.append((FR, "cut", 1000))
    assert "bytes of fr/test-00000-of-00001.parquet arrive; run again later to fetch it" in complaint(words, "fr")


def test_a_file_that_was_cut_in_the_cache_is_fetched_again(hub, monkeypatch):
    words()
    file = repository.resolve("facebook/xnli").cached(DE).resolve()
    file.write_bytes(file.read_bytes()[:100])
    assert words() == "eins"


def test_a_damaged_file_in_the_cache_is_named_with_what_to_do(hub):
    file = repository.resolve("facebook/xnli").file(DE)
    whole = file.read_bytes()
    file.resolve().write_bytes(whole[:10] + b"\0" * 50 + whole[60:])
    said = complaint(words)
    assert "facebook/xnli/de/test: damaged or unreadable: test-00000-of-00001.parquet" in said
    assert said.endswith(f"delete {file} and run again, which fetches it")


def test_stale_numbers_of_rows_in_a_card_stop_nobody(hub):
    told = b"dataset_info:\n- config_name: de\n  splits:\n  - name: test\n    num_bytes: 9\n    num_examples: 99\n---\n"
    hub.put("facebook/xnli", FILES | {"README.md": FILES["README.md"].removesuffix(b"---\n") + told})
    assert words() == "eins"


def test_stale_columns_in_a_card_stop_nobody(hub):
    told = b"dataset_info:\n- config_name: de\n  features:\n  - name: sentence\n    dtype: string\n---\n"
    hub.put("facebook/xnli", FILES | {"README.md": FILES["README.md"].removesuffix(b"---\n") + told})
    assert words() == "eins"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"dataset": "facebook/xnlii"}, "task t: the hub has no data set facebook/xnlii; correct its id"),
        ({"revision": "v1"}, "task t: unknown revision 'v1' in facebook/xnli; known: main"),
        ({"config": "dee"}, "task t: unknown config 'dee' in facebook/xnli; did you mean de?"),
        (
            {"config": "de", "splits": {"test": "tset"}},
            "facebook/xnli/de/tset: no such split: looked for tset; there is test (de/test-00000-of-00001.parquet)",
        ),
    ],
)
def test_what_the_hub_lacks_is_named_with_what_it_has(hub, fields, said):
    nli = {"family": "classification", "labels": ["a", "b", "c"], "dataset": "facebook/xnli", "languages": "en"}
    told = complaint(Source(None).load, tasks.parse("t", nli | fields, "test"), "en", "test")
    assert told.startswith(said) and "hf download" not in told


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_data_set_says_where_to_ask_for_it(hub, status):
    hub.faults.append(("/resolve/", status, 1000))
    said = complaint(words)
    assert said.startswith(f"task xnli: facebook/xnli is gated: accept its terms on {hub.url}/datasets/facebook/xnli,")
    assert said.endswith("then log in with 'hf auth login'")


def test_of_a_repository_that_is_a_script_the_branch_that_the_hub_converted_is_read(hub):
    hub.put("facebook/xnli", {"README.md": b"# XNLI\n", "xnli.py": b"import datasets\n"})
    hub.put("facebook/xnli", {"de/test/0000.parquet": nli("drei"), "de/validation/0000.parquet": nli("x")}, PARQUET)
    assert words() == "drei" and Source(None).languages(XNLI, "test") == ("de",)
    pinned = Source(None, {"facebook/xnli": PARQUET})
    assert words(source=pinned) == "drei"


def test_a_script_that_the_hub_did_not_convert_is_said(hub):
    hub.put("facebook/xnli", {"README.md": b"# XNLI\n", "xnli.py": b"import datasets\n"})
    said = complaint(words)
    assert said.startswith(
        "task xnli: facebook/xnli is a loading script, which is not run, and has no branch refs/conv"
    )


def test_the_revision_of_the_profile_is_read(hub):
    old = hub.put("facebook/xnli", FILES | {DE: nli("alt")}, branch="2.7")
    hub.put("facebook/xnli", FILES)
    assert words(source=Source(None, {"facebook/xnli": "2.7"})) == "alt"
    assert words(source=Source(None, {"facebook/xnli": old})) == "alt" and words() == "eins"


def test_splits_whose_names_begin_alike_are_kept_apart(hub):
    """As in the parquet branch of GLUE."""
    splits = ("validation_matched", "validation_mismatched", "validation")
    hub.put("facebook/xnli", {f"de/{split}/0000.parquet": nli(split) for split in splits})
    found = layout.layout(repository.resolve("facebook/xnli"), "de").splits
    assert found == {split: (f"de/{split}/0000.parquet",) for split in splits}


def test_languages_are_those_that_the_data_set_has_among_the_declared(hub):
    assert Source(None).languages(XNLI, "test") == ("de", "fr")
    assert Source(None).languages(XNLI, "dev") == ("de",) and Source(None).languages(XNLI, "train") == ()
    hub.put("google/xtreme", {f"udpos.{name}/test/0000.parquet": b"PAR1" for name in ("German", "Kazakh")})
    hub.put("universal-dependencies/universal_dependencies", {"uk_iu/test-00000-of-00001.parquet": b"PAR1"}, "2.7")
    udpos = tasks.get("udpos")
    assert Source(None).languages(udpos, "test") == ("de", "kk")
    assert Source(None, asked=("de", "uk")).languages(udpos, "test") == ("de", "kk", "uk")


def test_what_a_folder_lacks_comes_from_the_hub(hub, tmp_path):
    (tmp_path / "google/xtreme").mkdir(parents=True)
    source = Source(tmp_path)
    assert source.languages(XNLI, "test") == ("de", "fr") and words(source=source) == "eins"
    assert source.languages(tasks.get("udpos"), "test") == ()
    assert Source(None).languages(tasks.get("xnli-typos"), "test") == ()  # xlt/xnli-typos is on no hub


@pytest.mark.parametrize("name", ["hans", "cosmosqa", "adv-squad"])
def test_of_known_scripts_the_converted_branch_is_asked_for_at_once(hub, name):
    task, folder = tasks.get(name), tasks.get(name).config
    hub.put(task.dataset, {f"{folder}/{split}/0000.parquet": b"PAR1" for split in task.splits.values()}, PARQUET)
    assert all(Source(None).languages(task, split) == ("en",) for split in task.splits)
    assert all(PARQUET.replace("/", "%2F") in request for request in hub.requests if "/revision" in request)


def test_rows_are_counted_without_fetching_anything(hub):
    assert Source(None).rows(tasks.get("xnli"), "de", "test") == 5010  # as declared
    fetched = [request for request in hub.requests if "parquet" in request]
    words()
    assert Source(None).rows(tasks.get("xnli"), "de", "test") == 3 and not fetched  # as the file says


# models -----------------------------------------------------------------------------------------

ENCODER = Encoder(model="some/encoder")


@pytest.fixture
def model(hub):
    """What a repository of an encoder holds, with its weights in several formats."""
    files = {"config.json": b'{"model_type": "bert"}', "tokenizer.json": b"{}", "model.safetensors": b"weights"}
    others = {"pytorch_model.bin": b"x" * 99, "onnx/model.onnx": b"x", "README.md": b"# some\n"}
    hub.put("some/encoder", files | others, kind="models")
    return files | others


def test_of_a_model_one_format_of_its_weights_is_fetched(hub, model):
    assert not weights.here(ENCODER)
    folder = Path(weights.locate(ENCODER))
    assert weights.here(ENCODER)
    assert {file.name for file in folder.iterdir()} == {
        name for name in model if name.endswith((".json", ".safetensors"))
    }
    assert (folder / "model.safetensors").read_bytes() == model["model.safetensors"]


def test_the_configuration_of_a_model_is_read_without_its_weights(hub, model):
    assert weights.given_config(ENCODER).model_type == "bert"
    assert not any("safetensors" in request for request in hub.requests)


def test_another_card_is_no_other_model_but_other_weights_are(hub, model, monkeypatch):
    before = weights.weights_fingerprint(ENCODER)
    for changed, same in (({"README.md": b"# other\n"}, True), ({"model.safetensors": b"other"}, False)):
        hub.put("some/encoder", model | changed, kind="models")
        a_new_run(monkeypatch)
        assert (weights.weights_fingerprint(ENCODER) == before) is same


def test_a_model_without_safetensors_or_unknown_is_one_line(hub, model):
    hub.put("some/other", {"config.json": b"{}", "pytorch_model.bin": b"x"}, kind="models")
    said = complaint(weights.locate, Encoder(model="some/other"))
    assert said == (
        "encoder.model: some/other has no weights in safetensors on the hub; take another model, or a revision that "
        "has them (encoder.revision: refs/pr/N, where a pull request adds them), or save it anew with save_pretrained "
        "and name the folder"
    )
    said = complaint(weights.locate, Encoder(model="some/nothing"))
    assert said.startswith("encoder.model: the hub has no model some/nothing; correct its id, or if it is private")
    said = complaint(weights.locate, Encoder(model="some/encoder", revision="v2"))
    assert said == "encoder.model: unknown revision 'v2' in some/encoder; known: main"


def test_a_model_that_was_read_once_is_read_without_network(hub, model, monkeypatch):
    before, folder = weights.weights_fingerprint(ENCODER), weights.locate(ENCODER)
    hub.faults.append(("", "reset", 1000))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    a_new_run(monkeypatch)
    assert (weights.weights_fingerprint(ENCODER), weights.locate(ENCODER)) == (before, folder)


# what a profile needs ---------------------------------------------------------------------------

ON_THE_HUB = {"data": {"source": "hub"}, "languages": ("de",), "evaluation": {}}


def hub_profile(**changes):
    """Two intermediate tasks and XNLI, all from the hub."""
    sections = ON_THE_HUB | {"intermediate": {"hellaswag": {}, "mnli": {}}, "target": {"xnli": {}}}
    text = tiny().encoder.model_copy(update={"text": "xnli-text", "languages": ("de",)})
    return tiny(**(sections | {"encoder": text} | changes))


def glue(hub):
    """MNLI, and XNLI with a training split, from which the text is."""
    hub.put("facebook/xnli", {f"de/{split}/0000.parquet": nli(split) for split in ("train", "test", "validation")})
    columns = {"premise": ["p"] * 3, "hypothesis": ["h"] * 3, "label": [0, 1, 2]}
    splits = ("train", "validation_matched")
    hub.put("nyu-mll/glue", {f"mnli/{split}/0000.parquet": parquet(**columns) for split in splits})


def test_an_intermediate_task_that_the_hub_no_longer_has_is_left_out_and_said(hub, capsys):
    glue(hub)
    mixed = {"task": "mnli", "also": [{"task": "hellaswag"}]}
    lab = Lab(hub_profile(intermediate={"hellaswag": {}, "mnli": {}, "mixed": mixed}))
    assert list(lab.profile.intermediate) == ["mnli"] and list(studies.intermediate(lab).recipes) == ["mnli"]
    said = capsys.readouterr().out.splitlines()
    assert said == [f"{row} is left out: the hub no longer has Rowan/hellaswag" for row in ("hellaswag", "mixed")]


def test_a_target_that_the_hub_does_not_have_stops_everything_at_once(hub):
    glue(hub)
    said = complaint(Lab, hub_profile(intermediate={}, target={"xnli": {}, "xquad": {}}))
    assert said.startswith("profile tiny, task xquad: the hub has no data set google/xquad; correct its id, or if it")


def test_the_report_says_which_commits_were_read(hub, monkeypatch, tmp_path):
    monkeypatch.setenv("XLT_REPORTS", str(tmp_path / "reports"))
    glue(hub)
    lab = Lab(hub_profile(intermediate={"mnli": {}}))
    summary.save_summary(lab, "t")
    told = json.loads((tmp_path / "reports/tiny/summary.json").read_text())["provenance"]["revisions on the hub"]
    assert told == {name: repository.resolve(name).commit for name in ("facebook/xnli", "nyu-mll/glue")}


def test_a_plan_fetches_no_records(hub, monkeypatch, capsys):
    glue(hub)
    monkeypatch.setattr(Lab, "from_params", lambda _, planned: Lab(hub_profile(intermediate={"mnli": {}}), planned))
    plan.print_plan("tiny", studies.PHASES)
    assert "  mnli: nyu-mll/glue, 1 language, " in capsys.readouterr().out
    assert not [request for request in hub.requests if request.endswith(".parquet")]


def test_a_plan_without_network_takes_what_is_declared_and_says_so(hub, monkeypatch, capsys):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    profile = hub_profile(intermediate={"mnli": {}})
    monkeypatch.setattr(Lab, "from_params", lambda _, planned: Lab(profile, planned))
    complaint(Lab, profile)  # a run needs them
    plan.print_plan("tiny", studies.PHASES)
    said = capsys.readouterr().out
    assert "no network: facebook/xnli, nyu-mll/glue taken as declared" in said and "nothing started" in said
    assert estimate.rows(Lab(profile, True).store, "mnli", "en", "train") == 392_702
    assert not hub.requests
