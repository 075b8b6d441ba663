"""In which precision a run computes, and that heads compute in fp32 in any."""

import copy

import pytest
import torch
from test_provenance import ONE
from test_train import features_of, stage

from xlt.core import device, provenance
from xlt.models import batching, model, vectors
from xlt.models.cells import Cell
from xlt.models.encoder import encoder_of, tokenizer_of
from xlt.models.loss import GOLD, forward
from xlt.report import summary

AMX, VECTORS, NEITHER = {"amx_bf16": True, "avx512_bf16": True}, {"avx512_bf16": True}, {}
FP32, BF16 = torch.float32, torch.bfloat16


@pytest.fixture
def chosen(monkeypatch):
    """What is chosen for a preference, a width, and a processor that can do so much."""
    before = device._preferred, device._width

    def choose(precision, width, able):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
        device.compute.cache_clear()
        device.prefer(precision, width)
        return device.compute()

    yield choose
    device.prefer(*before)
    device.compute.cache_clear()


@pytest.mark.parametrize(
    ("precision", "width", "able", "dtype", "why"),
    [
        (None, 384, AMX, BF16, "bf16 autocast on the CPU: XLT_DEVICE=cpu, AMX, an encoder 384 wide"),
        (None, 64, AMX, FP32, "fp32 on the CPU: XLT_DEVICE=cpu, and an encoder 64 wide gains nothing by bf16"),
        (None, 384, VECTORS, FP32, "fp32 on the CPU: XLT_DEVICE=cpu"),
        (None, 0, AMX, FP32, "fp32 on the CPU: XLT_DEVICE=cpu"),
        ("fp32", 384, AMX, FP32, "fp32 on the CPU: XLT_DEVICE=cpu, resources.precision"),
        ("bf16", 64, VECTORS, BF16, "bf16 autocast on the CPU: XLT_DEVICE=cpu, resources.precision"),
        ("bf16", 384, NEITHER, FP32, "fp32 on the CPU: XLT_DEVICE=cpu, and the processor has no bf16"),
    ],
)
def test_a_cpu_computes_in_bf16_where_that_pays_or_is_asked_for(chosen, precision, width, able, dtype, why):
    assert chosen(precision, width, able) == device.Compute("cpu", dtype, why)


def test_a_gpu_that_emulates_bf16_computes_in_fp32(chosen, monkeypatch):
    monkeypatch.delenv("XLT_DEVICE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert chosen(None, 384, {}) == device.Compute("cuda", FP32, "fp32 on a card: it has no bf16")


def test_runs_of_two_precisions_are_flagged_where_the_machine_is_named():
    runs = [ONE | {"precision": "fp32 on the CPU: no GPU found"}, ONE | {"precision": "bf16 autocast on the CPU: AMX"}]
    assert provenance.precisions([*runs, {"packages": {}}]) == ["bf16", "fp32"]
    assert "runs in bf16 and fp32 stand side by side" in summary.flagged(runs)["beware"]
    assert summary.flagged(runs[:1] * 2) == {}


# heads ---------------------------------------------------------------------------------------------


@pytest.fixture
def in_bf16(monkeypatch):
    monkeypatch.setattr(device, "compute", lambda: device.Compute("cpu", BF16, "for the test"))


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("task", ["mnli", "pos", "squad"])
def test_the_encoder_computes_in_bf16_and_its_head_in_fp32(store, start, in_bf16, task, method):
    recipe = start.then(stage(task, method=method, max_length=60, stride=16))
    learner = model.prepare(store, recipe)[task].eval()
    batch = batching.collate(features_of(store, recipe)[:3], tokenizer_of(store, recipe).pad_token_id)
    inputs, seen = {name: values for name, values in batch.items() if name not in GOLD}, {}
    for name, module in learner.named_modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out.dtype}))
    out = forward(learner, inputs)
    inside = {
        dtype for name, dtype in seen.items() if name.startswith(learner.base_model_prefix) and "lora" not in name
    }
    above = {dtype for name, dtype in seen.items() if not name.startswith(learner.base_model_prefix)}
    assert inside == {BF16} and above == {FP32} and all(value.dtype is FP32 for value in out.values())


def test_a_copy_of_an_encoder_computes_with_its_own_weights(store, start):
    encoder = encoder_of(store, start)
    other = copy.deepcopy(encoder)
    with torch.no_grad():
        for weight in other.parameters():
            weight.zero_()
    ids = torch.tensor([[0, 9, 2]])
    assert not other(input_ids=ids).last_hidden_state.any() and encoder(input_ids=ids).last_hidden_state.any()


def test_sentence_vectors_are_in_single_precision_and_those_of_bf16_near_them(store, start, monkeypatch):
    encoder, tokenizer, cells = (
        encoder_of(store, start).eval(),
        tokenizer_of(store, start),
        [Cell(0, "mean"), Cell(1, "cls")],
    )
    fine = vectors.embed(["a boat", "two"], tokenizer, encoder, cells, 16, 2)
    monkeypatch.setattr(device, "compute", lambda: device.Compute("cpu", BF16, "for the test"))
    coarse = vectors.embed(["a boat", "two"], tokenizer, encoder, cells, 16, 2)
    for cell in cells:
        assert coarse[cell].dtype == "float32" and coarse[cell] == pytest.approx(fine[cell], abs=0.05)
    assert (coarse[cells[1]] != fine[cells[1]]).any()
