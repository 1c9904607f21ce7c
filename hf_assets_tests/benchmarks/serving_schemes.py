"""Other ways to int8 than the product's, as `make bench-serving` measures them beside it.

All have 8-bit products, a float head and 4-bit embeddings:

- dynamic-8: activations scaled as they come, weights of 8 bits;
- dynamic-7: the product's fallback, weights of 7 bits, which saturate nowhere;
- static: QDQ with fixed scales (entropy of 24 long training texts), 8 bits, SmoothQuant at a half.
"""

import copy
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from hf_assets.classifiers.export.calibration import Calibration, draw_calibration, observe
from hf_assets.classifiers.export.graphs import EditableGraph
from hf_assets.classifiers.export.hub_files import MODEL, QUANTIZED, reuse_hub_files
from hf_assets.classifiers.export.parts import Product, parts_of
from hf_assets.classifiers.export.quantizers import PRODUCTS, _head, blockwise, dynamic

_BLOCK, _TEXTS = 64, 24


def other_schemes(onnx_folder: Path, folder: Path, training_texts: list[str]) -> dict[str, Path]:
    """Folders that `Tagger` loads, by name, in `folder`."""
    model = onnx.load(onnx_folder / MODEL)
    calibration = draw_calibration(onnx_folder, training_texts)
    made = {
        "dynamic-8": _dynamic_8(model),
        "dynamic-7": dynamic(model, PRODUCTS),
        "static": _static(model, calibration),
    }
    for name, graph in made.items():
        (folder / name / "onnx").mkdir(parents=True)
        reuse_hub_files(onnx_folder, folder / name)
        packed = blockwise(graph, "Gather", 4, _BLOCK, symmetric=False)
        onnx.save(packed, folder / name / QUANTIZED)
    return {name: folder / name for name in made}


def _dynamic_8(model: onnx.ModelProto) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "model.onnx"
        quantize_dynamic(
            copy.deepcopy(model), path, op_types_to_quantize=list(PRODUCTS), per_channel=True,
            nodes_to_exclude=_head(model), weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )  # fmt: skip
        return onnx.load(path)


def _static(model: onnx.ModelProto, calibration: Calibration) -> onnx.ModelProto:
    smooth = _smooth(model, calibration)
    with tempfile.TemporaryDirectory() as temporary:
        given, path = Path(temporary) / "given.onnx", Path(temporary) / "model.onnx"
        onnx.save(smooth, given)
        quantize_static(
            given, path, _Reader(model, calibration), op_types_to_quantize=list(PRODUCTS),
            per_channel=True, nodes_to_exclude=_head(model), weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8, calibrate_method=CalibrationMethod.Entropy,
            extra_options={
                "MatMulConstBOnly": True, "OpTypesToExcludeOutputQuantization": list(PRODUCTS),
            },
        )  # fmt: skip
        return onnx.load(path)


def _smooth(model: onnx.ModelProto, calibration: Calibration) -> onnx.ModelProto:
    """What layer normalisation gives, divided so that all columns share a scale."""
    graph = EditableGraph(model)
    parts = parts_of(graph, _head(model)[0])
    norms = {node.output[0] for node in parts.norms}
    readers: dict[str, list[Product]] = {}
    for product in parts.products:
        if product.input in norms:
            readers.setdefault(product.input, []).append(product)
    widths = {name: len(found[0].weights) for name, found in readers.items()}
    seen = observe(model, [], widths, calibration)
    nodes = {node.name: node for node in graph.nodes}
    for name, found in readers.items():
        weights = np.concatenate([each.weights for each in found], axis=1)
        active = np.abs(np.concatenate(seen[name].rows)).max(axis=0)
        heavy = np.maximum(np.abs(weights).max(axis=1), 1e-5)
        divisor = np.sqrt(np.maximum(active, 1e-5) / heavy).astype(np.float32)
        divided = graph.add("Mul", name, graph.constant(1 / divisor))
        for each in found:
            wider = each.weights * divisor[:, None]
            nodes[each.node].input[:] = [divided, graph.constant(wider)]
    return graph.model()


class _Reader(CalibrationDataReader):
    def __init__(self, model: onnx.ModelProto, calibration: Calibration) -> None:
        self._names = [each.name for each in model.graph.input]
        # Of one length, as the histograms of onnxruntime want them.
        longest = max(map(len, calibration.ids))
        texts = [ids for ids in calibration.ids if len(ids) == longest][:_TEXTS]
        self._texts: Iterator[list[int]] = iter(texts)

    def get_next(self) -> Any:
        ids = next(self._texts, None)
        if ids is None:
            return None
        row = np.array([ids], np.int64)
        given = {"input_ids": row, "attention_mask": np.ones_like(row)}
        given["token_type_ids"] = np.zeros_like(row)
        return {name: given[name] for name in self._names}
