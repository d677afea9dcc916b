from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch

from learner.encoders import encoder as encoders
from learner.encoders import onnx_int8
from learner.encoders.precision import digest_of
from learner.errors import EncoderError
from tests.conftest import ROOT
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from learner.encoders.encoder import Encoder

pytestmark = pytest.mark.slow

TEXTS = ["", "기쁘고 즐거운 하루", "슬프고 눈물이 난 하루. 슬프고 눈물이 난 하루", "하루"]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = write_tiny_encoder(tmp_path_factory.mktemp("tiny") / "tiny", "".join(TEXTS))
    return encoders.load(str(folder), cache=folder)


@pytest.fixture(scope="module")
def exported(original: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("int8") / "tiny-int8"
    onnx_int8.export(original, folder)
    return folder


def _load(original: Encoder, folder: Path) -> onnx_int8.Int8Encoder:
    return onnx_int8.load(folder, "tiny-int8", digest=digest_of(original.hash, "int8"))


def test_int8_vectors_are_near_the_originals_and_of_length_one(original: Encoder, exported: Path) -> None:
    encoder = _load(original, exported)
    before, after = original.encode(TEXTS), encoder.encode(TEXTS)
    assert (encoder.width, encoder.max_tokens) == (original.width, original.max_tokens)
    np.testing.assert_allclose(np.linalg.norm(after.vectors, axis=1), 1, atol=1e-5)
    assert 0.98 < (before.vectors * after.vectors).sum(axis=1).min() < 1 - 1e-6
    np.testing.assert_array_equal(before.token_counts, after.token_counts)


def test_every_product_with_weights_is_int8(original: Encoder, exported: Path) -> None:
    graph = onnx.load(_load(original, exported).graph).graph
    weights = {tensor.name for tensor in graph.initializer} | {
        name for node in graph.node if node.op_type == "Constant" for name in node.output
    }
    products = [node for node in graph.node if node.op_type == "MatMul" and weights & {*node.input}]
    linears = sum(isinstance(module, torch.nn.Linear) for module in original.model.encoder.modules())
    assert products == []
    assert sum("MatMulInteger" in node.op_type for node in graph.node) == linears > 5


def test_a_text_has_the_same_vector_alone_and_beside_a_longer_one(original: Encoder, exported: Path) -> None:
    encoder = _load(original, exported)
    together = encoder.encode(TEXTS).vectors
    alone = np.concatenate([encoder.encode([text]).vectors for text in TEXTS])
    # Activations are quantised with one scale a batch, so that neighbours leave a trace.
    assert (together * alone).sum(axis=1).min() > 0.99


def test_int8_vectors_have_an_identity_of_their_own(original: Encoder, exported: Path) -> None:
    assert _load(original, exported).hash == digest_of(original.hash, "int8") != original.hash


def test_the_original_is_as_it_was_after_the_export(original: Encoder, tmp_path: Path) -> None:
    before = original.encode(TEXTS).vectors
    onnx_int8.export(original, tmp_path / "again")
    np.testing.assert_allclose(original.encode(TEXTS).vectors, before, atol=1e-6)


def test_the_form_of_another_encoder_is_refused(exported: Path) -> None:
    with pytest.raises(EncoderError, match="int8_unloadable"):
        onnx_int8.load(exported, "tiny-int8", digest=digest_of("other", "int8"))


def test_a_damaged_or_missing_form_is_refused(original: Encoder, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="int8_unloadable"):
        _load(original, tmp_path / "nothing")
    onnx_int8.export(original, tmp_path / "harmed")
    model = tmp_path / "harmed" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-100])
    with pytest.raises(EncoderError, match="int8_unloadable"):
        _load(original, tmp_path / "harmed")


SILENCING = {"ORT_DISABLE_TELEMETRY", "CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "TRAVIS",
             "JENKINS_URL", "BUILDKITE"}  # fmt: skip
"""Variables of the environment by which the runtime reports nothing, on machines that test for others too."""


def test_the_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """It names its session in a file as soon as it is imported, if it is going to report."""
    told = {}
    for name, first in (("plain", ""), ("ours", "import learner.encoders.onnx_int8; ")):
        (tmp_path / name).mkdir()
        environment = {key: value for key, value in os.environ.items() if key not in SILENCING}
        command = [sys.executable, "-c", f"{first}import onnxruntime"]
        subprocess.run(command, cwd=ROOT, env={**environment, "TMPDIR": str(tmp_path / name)}, check=True, timeout=300)
        told[name] = [file.name for file in (tmp_path / name).iterdir()]
    assert told["ours"] == []
    assert told["plain"] == [".ses"], "without our doing it would: this test would notice"
