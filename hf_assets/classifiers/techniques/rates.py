"""Learning rates by layer: the deeper a layer of the encoder lies, the smaller its steps.

The lowest layers know the language, the highest are remade for the labels.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager

import torch

# Parameters with their peak learning rate.
Part = tuple[list[torch.nn.Parameter], float]


def layers(encoder: torch.nn.Module) -> list[list[torch.nn.Parameter]]:
    """The encoder's parameters from below: what lies before the first layer, then each layer.

    What follows the last layer, or serves all of them, is of the last. An encoder without a list of
    layers is one layer.
    """
    stacks = [
        (name, module)
        for name, module in encoder.named_modules()
        if isinstance(module, torch.nn.ModuleList)
    ]
    if not stacks:
        return [[], list(encoder.parameters())]
    stack, depth = max(((name, len(module)) for name, module in stacks), key=lambda one: one[1])
    parts: list[list[torch.nn.Parameter]] = [[] for _ in range(depth + 1)]
    at = 0
    for name, parameter in encoder.named_parameters():
        if name.startswith(f"{stack}."):
            at = int(name[len(stack) + 1 :].partition(".")[0]) + 1
            parts[at].append(parameter)
        else:
            parts[depth if at else 0].append(parameter)
    return parts


def decayed(encoder: torch.nn.Module, rate: float, decay: float) -> list[Part]:
    """The highest layer learns at `rate`, each below it at `decay` times that of the layer above.

    Without decay (1) all is one part.
    """
    if decay == 1:
        return [(list(encoder.parameters()), rate)]
    parts = layers(encoder)
    top = len(parts) - 1
    return [(part, rate * decay ** (top - at)) for at, part in enumerate(parts)]


def optimizer(parts: Iterable[Part], weight_decay: float) -> torch.optim.Optimizer:
    """AdamW over those of the parameters that are not frozen; only matrices decay."""
    groups = [
        {
            "params": [p for p in part if p.requires_grad and (p.ndim > 1) == decays],
            "lr": rate,
            "weight_decay": weight_decay if decays else 0.0,
        }
        for part, rate in parts
        for decays in (True, False)
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], fused=True)


@contextmanager
def frozen_below(encoder: torch.nn.Module) -> Generator[None]:
    """What lies before the encoder's first layer does not learn while the block runs."""
    below = [parameter for parameter in layers(encoder)[0] if parameter.requires_grad]
    for parameter in below:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in below:
            parameter.requires_grad_(True)
