"""The ways to make a graph small: one function from graph to graph each.

`quantize.py` measures and chooses.

Weights of products become int8 with a scale a channel, and activations are scaled as they come:
twice as fast where the processor multiplies int8. Embeddings, a third to a half of the bytes, are
only looked up, and bear 4 bits. Weight-only keeps float products: slower, and nearest the original.
"""

import copy
import logging
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx

PRODUCTS, LOOKUPS = ("MatMul",), ("Gather",)


@dataclass(frozen=True)
class Candidate:
    """A way to quantise; `make` returns a new graph and leaves its argument as it is."""

    name: str
    description: str
    make: Callable[[onnx.ModelProto], onnx.ModelProto]


def dynamic(model: onnx.ModelProto, operators: tuple[str, ...]) -> onnx.ModelProto:
    """Int8 weights a channel, activations scaled a text at a time."""
    with _quiet():
        from onnxruntime.quantization import QuantType, quantize_dynamic

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            quantize_dynamic(
                copy.deepcopy(model),
                path,
                op_types_to_quantize=list(operators),
                per_channel=True,
                nodes_to_exclude=_head(model),
                # Unsigned weights are as slow as float32 on the processors this was measured on.
                weight_type=QuantType.QInt8,
                extra_options={"MatMulConstBOnly": True},
            )
            return onnx.load(path)


def _head(model: onnx.ModelProto) -> list[str]:
    """The layer that gives the logits, which stays float: 1 % of the bytes.

    A head learnt on a frozen encoder weighs faint dimensions up; scaled together with loud ones,
    as activations are here, they drown: 52 points of micro-F1 were lost so.
    """
    producers = {output: node for node in model.graph.node for output in node.output}
    node = producers[model.graph.output[0].name]
    while node.op_type in ("Add", "Identity", "Cast"):
        node = next(producers[name] for name in node.input if name in producers)
    # The quantiser takes a Gemm apart before it looks at the names.
    return [node.name, f"{node.name}_MatMul"]


def blockwise(
    model: onnx.ModelProto, operator: str, bits: int, block: int, *, symmetric: bool
) -> onnx.ModelProto:
    """Weights of so many bits, with a scale a block of so many values."""
    with _quiet():
        from onnxruntime.quantization.matmul_nbits_quantizer import (
            DefaultWeightOnlyQuantConfig,
            MatMulNBitsQuantizer,
        )
        from onnxruntime.quantization.onnx_model import ONNXModel

        config = DefaultWeightOnlyQuantConfig(
            block_size=block,
            is_symmetric=symmetric,
            op_types_to_quantize=(operator,),
            quant_axes=(("MatMul", 0), ("Gather", 1)),
            bits=bits,
        )
        quantizer = MatMulNBitsQuantizer(copy.deepcopy(model), algo_config=config)
        quantizer.process()
        assert isinstance(quantizer.model, ONNXModel), "so its own quantiser leaves it"
        return quantizer.model.model


def _int8_with_4_bit_embeddings(model: onnx.ModelProto, block: int) -> onnx.ModelProto:
    # Asymmetric: a tenth nearer to the original than symmetric, for 1 % of the bytes.
    return blockwise(dynamic(model, PRODUCTS), "Gather", 4, block, symmetric=False)


def _weight_only(model: onnx.ModelProto) -> onnx.ModelProto:
    return dynamic(blockwise(model, "MatMul", 8, 128, symmetric=True), LOOKUPS)


CANDIDATES = (
    Candidate(
        "int8-embeddings-4bit-64",
        "dynamic int8 a channel, 4-bit embeddings in blocks of 64",
        partial(_int8_with_4_bit_embeddings, block=64),
    ),
    Candidate(
        "int8-embeddings-4bit-32",
        "dynamic int8 a channel, 4-bit embeddings in blocks of 32",
        partial(_int8_with_4_bit_embeddings, block=32),
    ),
    Candidate(
        "int8",
        "dynamic int8 a channel, int8 embeddings",
        partial(dynamic, operators=(*PRODUCTS, *LOOKUPS)),
    ),
)
# Larger and slower than the others, so that it is measured only where they all lose too much.
LAST_RESORT = Candidate(
    "weight-only-8bit", "8-bit weights in blocks of 128, float products", _weight_only
)


@contextmanager
def _quiet() -> Generator[None]:
    """Keep what the quantisers say of each node, and the handler one of them installs, out."""
    root = logging.getLogger()
    handlers, level, disabled = root.handlers[:], root.level, root.manager.disable
    logging.disable(logging.WARNING)
    try:
        # A block of zeros has the scale 0, by which it divides before it takes another value.
        with np.errstate(divide="ignore", invalid="ignore"):
            yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.disable(disabled)
