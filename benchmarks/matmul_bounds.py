"""How fast a machine multiplies matrices of an encoder's shapes, in each format: what encoding can't exceed."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from learner.encoders.encoder import Encoder

_TOKENS = 1024
_RUNS = 12


def gflops(encoder: Encoder, precision: str) -> float:
    """Return the throughput of plain products of 1,024 tokens with the weights of one layer, in GFLOPS."""
    width, inner = encoder.width // encoder.parts, encoder.model.config.intermediate_size
    shapes = [(width, width)] * 4 + [(width, inner), (inner, width)]
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        multiply = _int8(shapes, Path(folder)) if precision == "int8" else _torch(shapes, precision)
        seconds = []
        for _ in range(_RUNS):
            began = time.perf_counter()
            multiply()
            seconds.append(time.perf_counter() - began)
    return 2 * _TOKENS * sum(rows * columns for rows, columns in shapes) / statistics.median(seconds) / 1e9


def _torch(shapes: list[tuple[int, int]], precision: str) -> Callable[[], None]:
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    pairs = [
        (torch.randn(_TOKENS, rows, dtype=kind), torch.randn(rows, columns, dtype=kind)) for rows, columns in shapes
    ]

    def multiply() -> None:
        for values, weights in pairs:
            values @ weights

    return multiply


def _int8(shapes: list[tuple[int, int]], folder: Path) -> Callable[[], None]:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper, save
    from onnxruntime.quantization import QuantType, quantize_dynamic

    rng = np.random.default_rng(0)
    widths = sorted({rows for rows, _ in shapes})
    graph = helper.make_graph(
        [helper.make_node("MatMul", [f"x{rows}", f"w{i}"], [f"y{i}"], f"m{i}") for i, (rows, _) in enumerate(shapes)],
        "products",
        [helper.make_tensor_value_info(f"x{rows}", TensorProto.FLOAT, [_TOKENS, rows]) for rows in widths],
        [
            helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, [_TOKENS, columns])
            for i, (_, columns) in enumerate(shapes)
        ],
        [numpy_helper.from_array(rng.normal(size=s).astype(np.float32), f"w{i}") for i, s in enumerate(shapes)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, folder / "fp32.onnx")
    quantize_dynamic(folder / "fp32.onnx", folder / "int8.onnx", weight_type=QuantType.QInt8, per_channel=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(folder / "int8.onnx", options, providers=["CPUExecutionProvider"])
    inputs = {f"x{rows}": rng.normal(size=(_TOKENS, rows)).astype(np.float32) for rows in widths}
    return lambda: session.run(None, inputs)  # type: ignore[no-any-return]
