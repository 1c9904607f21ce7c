"""Learning rates by layer, on each architecture."""

import pytest
import torch
from transformers import AutoModel

from hf_assets.classifiers.techniques.rates import decayed, frozen_below, layers, optimizer
from hf_assets_tests.support.classifiers.networks import TINY


def encoder(name: str) -> torch.nn.Module:
    return AutoModel.from_config(
        TINY[name][1], attn_implementation="eager", trust_remote_code=False
    )


@pytest.mark.parametrize("name", TINY)
def test_each_layer_learns_slower_than_the_layer_above(name: str) -> None:
    body = encoder(name)
    depth = TINY[name][1].num_hidden_layers
    parts = decayed(body, 1.0, 0.5)
    assert [rate for _, rate in parts] == [0.5 ** (depth - at) for at in range(depth + 1)]
    names = {parameter: each for each, parameter in body.named_parameters()}
    assert all("embeddings" in names[parameter] for parameter in parts[0][0])
    for at, (part, _) in enumerate(parts[1:]):
        assert any(f"layer.{at}." in names[parameter] for parameter in part)
        others = [f"layer.{other}." for other in range(depth) if other != at]
        assert not [p for p in part if any(other in names[p] for other in others)]
    every = [parameter for part, _ in parts for parameter in part]
    assert len(every) == len(set(every)) == len(names)


def test_without_decay_the_groups_are_those_of_earlier_checkpoints() -> None:
    body = encoder("bert")
    ((part, rate),) = decayed(body, 2e-4, 1.0)
    assert rate == 2e-4
    groups = optimizer([(part, rate)], 0.01).param_groups
    assert [group["weight_decay"] for group in groups] == [0.01, 0.0]
    assert sum(len(group["params"]) for group in groups) == len(list(body.parameters()))


def test_frozen_parameters_have_no_group_and_thaw_again() -> None:
    body = encoder("bert")
    below = layers(body)[0]
    below[0].requires_grad_(False)  # by whoever wants fewer layers trained
    with frozen_below(body):
        assert not any(parameter.requires_grad for parameter in below)
        groups = optimizer(decayed(body, 1.0, 0.5), 0.01).param_groups
        taught = [parameter for group in groups for parameter in group["params"]]
        assert len(taught) == len(list(body.parameters())) - len(below)
    assert [parameter.requires_grad for parameter in below] == [False] + [True] * (len(below) - 1)


def test_an_encoder_without_layers_is_one() -> None:
    plain = torch.nn.Linear(3, 2)
    assert layers(plain) == [[], list(plain.parameters())]
