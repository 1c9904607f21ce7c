"""The ways to make a graph small: one function from graph to graph each.

`quantize.py` measures and chooses.

Weights of products become int8 with a scale a channel. Activations are scaled by calibration, and
all sums are exact (`exact.py`): the answer is the same everywhere. Where a graph has a part that
has no exact form, activations are scaled as they come (dynamic): nearly as good, but a text's
answer then depends on its batch and its processor. Embeddings, a third to a half of the bytes, are
only looked up, and bear 4 bits. Weight-only keeps float products: slower, and nearest the original.
"""

import copy
import logging
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx

from hf_assets.classifiers.export.calibration import Calibration
from hf_assets.classifiers.export.exact import exact
from hf_assets.classifiers.export.packing import pack_lookups

PRODUCTS, LOOKUPS = ("MatMul",), ("Gather",)
# Values of a table that 4 bits are worth it for: small ones are looked up in half the time.
_LARGE = 1 << 20


@dataclass(frozen=True)
class Candidate:
    """A way to quantise; `make` returns a new graph and leaves its argument as it is."""

    name: str
    description: str
    make: Callable[[onnx.ModelProto, Calibration], onnx.ModelProto]


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
                # Of 7 bits, as products of 8 saturate where a processor has AVX2 and no VNNI.
                reduce_range=True,
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
    model: onnx.ModelProto,
    operator: str,
    bits: int,
    block: int,
    *,
    symmetric: bool,
    excluded: Sequence[str] = (),
) -> onnx.ModelProto:
    """Weights of so many bits, with a scale a block of so many values, but of excluded nodes."""
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
        quantizer = MatMulNBitsQuantizer(
            copy.deepcopy(model), algo_config=config, nodes_to_exclude=list(excluded)
        )
        quantizer.process()
        assert isinstance(quantizer.model, ONNXModel), "so its own quantiser leaves it"
        return quantizer.model.model


def _exact(model: onnx.ModelProto, calibration: Calibration, block: int) -> onnx.ModelProto:
    return pack_lookups(exact(model, _head(model)[0], calibration), block, _LARGE)


def _dynamic(model: onnx.ModelProto, _: Calibration, operators: tuple[str, ...]) -> onnx.ModelProto:
    return dynamic(model, operators)


def _dynamic_with_4_bit_embeddings(
    model: onnx.ModelProto, _: Calibration, block: int
) -> onnx.ModelProto:
    # Asymmetric: a tenth nearer to the original than symmetric, for 1 % of the bytes.
    return blockwise(dynamic(model, PRODUCTS), "Gather", 4, block, symmetric=False)


def _weight_only(model: onnx.ModelProto, _: Calibration) -> onnx.ModelProto:
    return dynamic(blockwise(model, "MatMul", 8, 128, symmetric=True), LOOKUPS)


CANDIDATES = tuple(
    Candidate(
        f"exact-embeddings-4bit-{block}",
        f"int8 a channel with fixed scales, exact sums, 4-bit embeddings in blocks of {block}",
        partial(_exact, block=block),
    )
    for block in (64, 32)
)
# Measured where none of those can be made, or all of them lose too much.
DYNAMIC = (
    *(
        Candidate(
            f"int8-embeddings-4bit-{block}",
            f"dynamic int8 a channel, 4-bit embeddings in blocks of {block}",
            partial(_dynamic_with_4_bit_embeddings, block=block),
        )
        for block in (64, 32)
    ),
    Candidate(
        "int8",
        "dynamic int8 a channel, int8 embeddings",
        partial(_dynamic, operators=(*PRODUCTS, *LOOKUPS)),
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
