"""What this machine computes with: GPU or CPU, and which number format is fast on it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

from hf_assets.classifiers.training.config import Recipe

Attention = Literal["eager", "sdpa"]
Computed = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Device:
    """Where tensors go. `bf16`: the hardware multiplies bfloat16 faster than float32."""

    kind: Literal["cpu", "cuda"]
    bf16: bool

    @property
    def attention(self) -> Attention:
        """The fastest kernel to train with: on CPU, SDPA's backward pass under a mask is slow."""
        return "sdpa" if self.kind == "cuda" else "eager"

    def dtype(self, recipe: Recipe) -> Computed:
        """What products are computed in while that recipe trains on this device."""
        if recipe.dtype != "auto":
            return recipe.dtype
        return "bfloat16" if self.bf16 and recipe.strategy == "finetune" else "float32"

    def autocast(self, dtype: Computed) -> torch.autocast:
        """A context in which products are computed in that format, whether it is fast or not."""
        return torch.autocast(self.kind, torch.bfloat16, enabled=dtype == "bfloat16")


def device() -> Device:
    """The device of this process: the first GPU that CUDA shows, else the CPU."""
    if torch.cuda.is_available():
        return Device("cuda", torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return Device("cpu", bool(able.get("amx_bf16") or able.get("avx512_bf16")))


@contextmanager
def torch_threads(count: int) -> Generator[None]:
    """Torch uses so many threads a product while the block runs, in threads started in it too."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
