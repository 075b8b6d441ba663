"""Machine-translated training data, with tiny random models: a Marian, and the codes of several languages."""

import io
import itertools
import json

import pytest
import sentencepiece
import torch
import transformers
import yaml
from conftest import tiny

from xlt import cli
from xlt.core.errors import UserError
from xlt.data.sources import Source
from xlt.models import mixture, translate
from xlt.models.encoder import tokenizer_of
from xlt.models.translate import Memory, Translator, translate_task
from xlt.spec import tasks
from xlt.spec.profile import Profile
from xlt.spec.stage import Stage


@pytest.fixture(scope="module")
def marian(tmp_path_factory, world):
    """A random Marian of one layer, saved as the ones on the hub are, but with safetensors."""
    folder = tmp_path_factory.mktemp("models") / "Tiny-MT-en-de"
    folder.mkdir()
    pieces = io.BytesIO()
    texts = world.load(tasks.get("mnli"), "en", "train")["text_a"][:]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=pieces, vocab_size=120, hard_vocab_limit=False, minloglevel=2
    )
    words = sentencepiece.SentencePieceProcessor(model_proto=pieces.getvalue())
    names = ["</s>", "<unk>", *(words.id_to_piece(i) for i in range(words.get_piece_size())), "<pad>"]
    vocabulary = {name: i for i, name in enumerate(dict.fromkeys(names))}
    for side in ("source", "target"):
        (folder / f"{side}.spm").write_bytes(pieces.getvalue())
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    notes = {"source_lang": "en", "target_lang": "de", "model_max_length": 20}
    (folder / "tokenizer_config.json").write_text(json.dumps(notes))
    torch.manual_seed(0)
    config = transformers.MarianConfig(
        vocab_size=len(vocabulary), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=40, init_std=1.0,
        pad_token_id=vocabulary["<pad>"], eos_token_id=0, decoder_start_token_id=vocabulary["<pad>"],
    )  # fmt: skip
    transformers.MarianMTModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch, places):
    """A cache of the test's own."""
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def forget():
    yield
    for name in [name for name in tasks.TASKS if name not in tasks.DECLARED]:
        del tasks.TASKS[name]


def alone(translator, text):
    """The translation of one text by the library itself."""
    inputs = translator.tokenizer([text], return_tensors="pt", truncation=True, max_length=20)
    out = translator.model.generate(**inputs, do_sample=False, max_new_tokens=19)
    return translator.tokenizer.decode(out[0], skip_special_tokens=True)


def test_a_translated_task_is_a_task_of_the_users(world, marian, cache, forget):
    """The lines it prints go into a profile; each row is the translation of its row, with its label."""
    translator = Translator(str(marian))
    folder, lines = translate_task(world, "mnli", translator, ["de"], examples=7, batch=3)
    profile = Profile(**(tiny().model_dump() | yaml.safe_load(lines)))
    profile.learn_tasks()
    stage = profile.stage("mnli-tiny-mt-en-de", "intermediate")
    assert stage.languages == ("de", "en")
    task = tasks.get(stage.task)
    rows = {code: world.load(task, code, "train") for code in ("en", "de")}
    original = world.load(tasks.get("mnli"), "en", "train", 7)
    for column in original.column_names:
        assert rows["en"][column][:] == original[column][:]
    assert rows["de"]["label"][:] == original["label"][:]
    for column in ("text_a", "text_b"):
        assert rows["de"][column][:] == [alone(translator, text) for text in original[column][:]]
        assert len(set(rows["de"][column][:])) > 2


def test_mixed_languages_of_what_was_translated(world, marian, cache, shared, start, forget):
    _, lines = translate_task(world, "mnli", Translator(str(marian)), ["de", "zh"], examples=6)
    tiny(**yaml.safe_load(lines)).learn_tasks()
    some = Stage(task="mnli-tiny-mt-en-de", languages=("en", "de", "zh"), pair_languages="mixed", examples=4)
    assert len(mixture.features(shared, some, tokenizer_of(shared, start))[0]) == 12


def test_an_interrupted_translation_goes_on_and_no_text_is_translated_twice(world, marian, cache, monkeypatch):
    translator, asked, counter = Translator(str(marian)), [], itertools.count()
    plain = Translator.translate

    def counted(self, texts, **direction):
        if next(counter) == 3:
            raise KeyboardInterrupt
        asked.extend(texts)
        return plain(self, texts, **direction)

    monkeypatch.setattr(Translator, "translate", counted)
    with pytest.raises(KeyboardInterrupt):
        translate_task(world, "mnli", translator, ["de"], batch=2)
    (memory,) = (cache / "translated" / "memory").iterdir()
    memory.write_bytes(memory.read_bytes()[:-5])  # the last line, half written
    assert len(Memory(memory)) == 5
    folder, _ = translate_task(world, "mnli", translator, ["de"], batch=2)
    rows = world.load(tasks.get("mnli"), "en", "train")
    texts = set(rows["text_a"][:]) | set(rows["text_b"][:])
    assert set(asked) == texts and len(asked) == len(texts) + 1
    before = (folder / "de/train-00000-of-00001.parquet").read_bytes()
    again, _ = translate_task(world, "mnli", translator, ["de"])
    assert again == folder and len(asked) == len(texts) + 1
    assert (folder / "de/train-00000-of-00001.parquet").read_bytes() == before


def test_a_language_more_and_another_sample(world, marian, cache):
    translator = Translator(str(marian))
    folder, _ = translate_task(world, "mnli", translator, ["de"], examples=4)
    same, lines = translate_task(world, "mnli", translator, ["zh"], examples=4)
    assert same == folder and "languages: de en zh" in lines
    other, _ = translate_task(world, "mnli", translator, ["de"], examples=5)
    assert other != folder
    with pytest.raises(UserError, match="holds a translation of other records or by another model"):
        translate_task(world, "mnli", translator, ["de"], examples=5, out=folder)


def test_choices_and_text_are_translated_too(marian, cache, tmp_path, forget):
    import datasets

    rows = {"prompt": ["Anna buys a car", "Ben"], "choices": [["a", "the cat"], ["x", "y", "z"]], "label": [1, 2]}
    (tmp_path / "mine/train").mkdir(parents=True)
    datasets.Dataset.from_dict(rows).to_parquet(tmp_path / "mine/train-0.parquet")
    fields = {"family": "choice", "dataset": str(tmp_path / "mine"), "splits": {"train": "train"}}
    tasks.add([tasks.parse("mine", fields, "test")])
    translator = Translator(str(marian))
    folder, lines = translate_task(Source(None), "mine", translator, ["de"])
    (name,) = yaml.safe_load(lines)["tasks"]
    tasks.add([tasks.parse(name, yaml.safe_load(lines)["tasks"][name], "test")])
    found = Source(None).load(tasks.get(name), "de", "train")
    assert found["label"][:] == [1, 2] and [len(c) for c in found["choices"][:]] == [2, 3]
    assert found["choices"][0] == [alone(translator, text) for text in ("a", "the cat")]


def test_what_went_wrong_is_told(world, marian, cache, capsys):
    translator = Translator(str(marian))
    assert translator.longest == 20
    known = Memory(cache / "m.jsonl")
    translate._learn(translator, known, ["Anna", "the cat sees the dog " * 5, " "], "de", {}, 2)
    said = capsys.readouterr().err
    assert "de: 3 texts, 2 of them new; 1 were cut at 20 subwords" in said and known[" "] == " "


def test_gold_that_points_into_the_text(world, marian, cache):
    for name in ("squad", "pos"):
        with pytest.raises(UserError, match="whose gold points into the text: only classification, choice, mlm"):
            translate_task(world, name, Translator(str(marian)), ["de"])


def test_a_model_that_is_none(tmp_path, marian):
    with pytest.raises(UserError, match="--model .*nothing: .*; it must be a translation model with safetensors"):
        Translator(str(tmp_path / "nothing"))
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in marian.iterdir():
        if file.suffix != ".safetensors":
            (broken / file.name).write_bytes(file.read_bytes())
    with pytest.raises(UserError, match="with safetensors") as error:
        Translator(str(broken))
    assert "\n" not in str(error.value)


class Several:
    """The part of a tokenizer of many languages that is used here."""

    unk_token_id, src_lang = 0, None

    def __init__(self, *names):
        self.numbers = {name: i for i, name in enumerate(names, start=1)}

    def convert_tokens_to_ids(self, token):
        return self.numbers.get(token, 0)


@pytest.mark.parametrize(
    ("names", "source", "target", "src", "number"),
    [
        (("eng_Latn", "arb_Arab", "ar"), "en", "ar", "eng_Latn", 2),
        (("__en__", "__de__", "de"), "en", "de", "en", 2),
        (("en_XX", "de_DE"), "en=en_XX", "de=de_DE", "en_XX", 2),
    ],
    ids=["nllb", "m2m100", "mbart50"],
)
def test_the_codes_of_models_of_many_languages(marian, names, source, target, src, number):
    translator = Translator(str(marian))
    translator.tokenizer = Several(*names)
    assert translator.direction(source, target) == {"forced_bos_token_id": number}
    assert translator.tokenizer.src_lang == src
    with pytest.raises(UserError, match="has no language te; give its own code"):
        translator.direction(source, "te")


def test_a_code_before_the_text(marian):
    translator = Translator(str(marian))
    assert translator.direction("en", "de=>>deu<<") == {"prefix": ">>deu<< "}
    with_code, _ = translator.translate(["Anna"], prefix="the cat ")
    assert with_code == [alone(translator, "the cat Anna")]
    translator.tokenizer.supported_language_codes = [">>deu<<", ">>swe<<"]
    with pytest.raises(UserError, match="has several languages; say which, as in --to 'de=>>deu<<'"):
        translator.direction("en", "de")
    with pytest.raises(UserError, match="unknown language 'xx'"):
        translator.direction("en", "xx")


def test_the_command(marian, cache, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("xlt.lab.profiles.load", lambda name: tiny())
    out = tmp_path / "out"
    arguments = ["--task", "mnli", "--model", str(marian), "--to", "de", "--examples", "3", "--out", str(out)]
    assert cli.main(["translate", *arguments]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"# written to {out}; for a params file:\n")
    assert yaml.safe_load(said)["tasks"]["mnli-tiny-mt-en-de"]["dataset"] == str(out)
    with pytest.raises(SystemExit):
        cli.main(["translate", *arguments, "--examples", "0"])
