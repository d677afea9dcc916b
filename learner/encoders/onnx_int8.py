"""An encoder whose matrix products are int8, run by ONNX Runtime: faster on a processor, its vectors nearly the same.

Weights are quantised per channel, activations while it runs, after `smoothing`. On a processor without VNNI sums of two
products may overflow, which the comparison with the exact vectors shows.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.encoders import precision
from learner.encoders.encoder import Encoder
from learner.errors import EncoderError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

_OPSET = 17


class Int8Encoder(Encoder):
    """An int8 encoder; use as `Encoder`. Not safe for use by several threads at once.

    Attributes:
        graph: file of its ONNX graph.
    """

    def __init__(self, name: str, session: Any, tokenizer: Any, *, about: dict[str, Any], graph: Path) -> None:
        self.name = name
        self.hash = about["digest"]
        self.width = about["width"]
        self.parts = about.get("parts", 1)
        self.max_tokens = about["max_tokens"]
        self._session = session
        self.tokenizer = tokenizer
        self.prefix = about["prefix"]
        self.is_centred = about.get("is_centred", False)
        self.graph = graph

    def _pass(self, read: Callable[[NDArray[np.int64]], None], batches: list[NDArray[np.int64]]) -> None:
        # ONNX Runtime has its own threads.
        for places in batches:
            read(places)

    def _forward(self, rows: list[list[int]]) -> FloatArray:
        lengths = np.array([len(row) for row in rows])
        mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)
        ids = np.full(mask.shape, self.tokenizer.pad_token_id or 0, np.int64)
        ids[mask == 1] = np.concatenate([np.asarray(row, np.int64) for row in rows])
        (vectors,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return np.asarray(vectors, np.float32)


@private_files.umask()
def export(encoder: Encoder, folder: Path) -> None:
    """Write the int8 form of an encoder into a folder, which appears when it is whole.

    Raises:
        EncoderError: ``int8_unexportable`` for a checkpoint that can't be traced or written.
    """
    from learner.encoders import smoothing

    about = {
        "digest": precision.digest_of(encoder.hash, "int8"),
        "width": encoder.width,
        "parts": encoder.parts,
        "max_tokens": encoder.max_tokens,
        "prefix": encoder.prefix,
        "is_centred": encoder.is_centred,
    }
    try:
        private_files.make_folder(folder.parent)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            written = Path(place) / "whole"
            encoder.tokenizer.save_pretrained(written)
            trace(smoothing.smooth(encoder), Path(place) / "fp32.onnx")
            _quantise(Path(place) / "fp32.onnx", written / "model.onnx")
            about["sha256"] = _sha256(written / "model.onnx")
            private_files.write_text(written / "about.json", json.dumps(about))
            shutil.rmtree(folder, ignore_errors=True)
            written.replace(folder)
    # Tracing and quantising raise kinds of torch and onnx, which share no other base.
    except Exception as error:
        raise EncoderError("int8_unexportable", name=encoder.name, kind=type(error).__name__) from error


def load(folder: Path, name: str, *, digest: str) -> Int8Encoder:
    """Load what `export` wrote.

    Args:
        name: of the form.
        digest: whose vectors it must give.

    Raises:
        EncoderError: ``int8_unloadable`` if it is missing, damaged or of another encoder; export it again then.
    """
    import onnxruntime
    from transformers import AutoTokenizer

    try:
        about = json.loads((folder / "about.json").read_text())
        is_whole = about["digest"] == digest and about["sha256"] == _sha256(folder / "model.onnx")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    # Damaged files raise kinds of json and onnxruntime, which share no other base.
    except Exception as error:
        raise EncoderError("int8_unloadable", name=name) from error
    if not is_whole:
        raise EncoderError("int8_unloadable", name=name)
    return Int8Encoder(name, session, tokenizer, about=about, graph=folder / "model.onnx")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def trace(encoder: Encoder, target: Path) -> None:
    """Write an encoder as an ONNX graph from token ids to its vectors; Optimum's exporter needs older transformers."""
    import torch

    model = encoder.model
    common = None if encoder.common is None else torch.from_numpy(encoder.common)

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            # A mask of four dimensions is taken as it is; the code that widens one of two is lost in the trace.
            wide = (1.0 - attention_mask[:, None, None, :].float()) * -1e4
            wide = wide.expand(-1, -1, input_ids.shape[1], -1)
            hidden = self.encoder(input_ids=input_ids, attention_mask=wide).last_hidden_state
            weights = attention_mask.unsqueeze(-1).float()
            mean = (hidden * weights).sum(1) / weights.sum(1)
            if common is not None:
                mean = mean - (mean * common).sum(1, keepdim=True) * common
            vectors: torch.Tensor = mean / torch.sqrt((mean * mean).sum(1, keepdim=True)).clamp(min=1e-12)
            return vectors

    ids = torch.full((2, 7), 5)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    axes = {name: {0: "texts", 1: "tokens"} for name in ("input_ids", "attention_mask")}
    attention = model.config._attn_implementation  # noqa: SLF001 - transformers offers no other way to read it
    model.set_attn_implementation("eager")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Pooled().eval(),
                (ids, mask),
                str(target),
                input_names=["input_ids", "attention_mask"],
                output_names=["vectors"],
                dynamic_axes={**axes, "vectors": {0: "texts"}},
                opset_version=_OPSET,
                dynamo=False,
            )
    finally:
        model.set_attn_implementation(attention)


def _quantise(source: Path, target: Path) -> None:
    import logging

    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    before = root.level
    # It warns, on the root logger, that the graph was not optimised first; that is done when it is loaded.
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(
            source,
            target,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul"],
        )
    finally:
        root.setLevel(before)
