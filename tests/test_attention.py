"""Which form of attention is computed where, and that all of them give the same."""

import json

import pytest
import torch
import transformers
from test_train import finish, stage

from xlt.models import attention
from xlt.models.encoder import encoder_of, random_encoder
from xlt.spec.recipe import Encoder

IDS = torch.tensor([[0, 5, 9, 7, 2, 1, 1], [0, 8, 2, 1, 1, 1, 1], [0, 9, 8, 7, 6, 5, 2]])
MASK = (IDS != 1).long()


@pytest.fixture(scope="module")
def encoder():
    made = random_encoder(Encoder(layers=2, width=32, heads=4, vocabulary=60, text="text", dropout=0.0, init=0.2), 60)
    attention.use_fastest(made)
    return made.train()


def states_and_gradient(encoder, mask):
    """Of the tokens that are no padding."""
    encoder.zero_grad()
    states = encoder(input_ids=IDS, attention_mask=mask).last_hidden_state[mask.bool()]
    (states * torch.linspace(-1, 1, states.numel()).view_as(states)).sum().backward()
    return states.detach(), torch.cat([p.grad.flatten() for p in encoder.parameters() if p.grad is not None])


@pytest.mark.parametrize("mask", [MASK, torch.ones_like(MASK)], ids=["padded", "without padding"])
def test_all_forms_give_the_same_states_and_gradients(encoder, monkeypatch, mask):
    encoder.set_attn_implementation("eager")
    states, gradient = states_and_gradient(encoder, mask)
    encoder.set_attn_implementation(attention.FASTEST)
    for products in (True, False):
        for looked in (True, False):  # on a GPU nobody looks whether there is padding
            monkeypatch.setattr(attention, "by_products", lambda *_, answer=products: answer)
            monkeypatch.setattr(attention, "may_look", lambda _, answer=looked: answer)
            found, again = states_and_gradient(encoder, mask)
            assert (found - states).norm() < 1e-5 * states.norm()
            assert (again - gradient).norm() < 1e-4 * gradient.norm() and gradient.norm() > 1


@pytest.mark.parametrize(
    ("device", "dtype", "dropout", "trained", "products"),
    [
        ("cpu", torch.float32, 0.0, True, False),
        ("cpu", torch.float32, 0.1, True, True),
        ("cpu", torch.bfloat16, 0.0, True, True),
        ("cpu", torch.bfloat16, 0.0, False, False),
        ("meta", torch.bfloat16, 0.1, True, False),  # any other device
    ],
)
def test_products_are_taken_where_the_fused_backward_pass_is_slow(device, dtype, dropout, trained, products):
    query = torch.zeros((1, 1, 2, 4), dtype=dtype, device=device, requires_grad=trained)
    assert attention.by_products(query, dropout) is products
    with torch.no_grad():
        assert not attention.by_products(query, dropout)


def test_dropout_of_attention_is_drawn_in_training_alone(encoder):
    encoder.config.attention_probs_dropout_prob = 0.0
    for layer in encoder.encoder.layer:
        layer.attention.self.dropout.p = 0.5
    one, other = (encoder(input_ids=IDS, attention_mask=MASK).last_hidden_state for _ in range(2))
    assert not torch.equal(one, other)
    encoder.eval()
    one, other = (encoder(input_ids=IDS, attention_mask=MASK).last_hidden_state for _ in range(2))
    assert torch.equal(one, other)


def test_an_encoder_that_was_read_chooses_and_its_files_do_not_say_so(store, start):
    finish(store, recipe := start.then(stage(steps=1)))
    assert encoder_of(store, recipe).config._attn_implementation == attention.FASTEST
    folder = store.folder(recipe) / "encoder"
    assert attention.FASTEST not in json.dumps(json.loads((folder / "config.json").read_text()))
    assert transformers.AutoModel.from_pretrained(folder).config._attn_implementation == "sdpa"


def test_an_encoder_whose_attention_is_written_otherwise_stays_as_it_is(encoder):
    encoder.set_attn_implementation("eager")
    attention.use_fastest(encoder)
    assert encoder.config._attn_implementation == "eager"


def test_no_plan_is_built_for_each_shape_on_a_gpu():
    """cuDNN would: the other forms of fused attention are left, whatever the card."""
    backends = torch.backends.cuda
    assert not backends.cudnn_sdp_enabled()
    assert backends.flash_sdp_enabled() and backends.mem_efficient_sdp_enabled() and backends.math_sdp_enabled()
