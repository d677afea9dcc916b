"""An encoder is loaded without torch's compiler, which is there as soon as somebody uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

_LOAD = """
import sys
from pathlib import Path
from learner.encoders import encoder
loaded = encoder.load(sys.argv[1], cache=Path(sys.argv[1]))
vectors = loaded.encode(["정말 기쁘고 즐거운 하루였다"]).vectors
"""


def _run(script: str, encoder: Path) -> str:
    command = [sys.executable, "-c", _LOAD + script, str(encoder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny", "정말기쁘고즐거운하루였다 ")


@pytest.mark.slow
def test_an_encoder_is_loaded_without_what_it_does_not_use(tiny: Path) -> None:
    names = ["torch._dynamo", "torch._inductor", "torch.distributed.tensor", "scipy.optimize"]
    assert _run(f"print([name for name in {names} if name in sys.modules], vectors.shape[0])", tiny) == "[] 1\n"


@pytest.mark.slow
def test_the_compiler_is_there_for_whoever_uses_it_later(tiny: Path) -> None:
    script = """
import torch
from transformers import masking_utils, utils
assert utils.is_scipy_available() and utils.is_torch_distributed_available()
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2)).tolist() == [2, 2]
import torch._dynamo.config
from torch._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex
assert isinstance(masking_utils.TransformGetItemToIndex(), TransformGetItemToIndex)
assert torch._dynamo is sys.modules["torch._dynamo"] and "convert_frame" in vars(torch._dynamo)
"""
    assert _run(script, tiny) == ""


@pytest.mark.slow
def test_a_mask_by_a_function_loads_the_compiler_itself(tiny: Path) -> None:
    script = """
from transformers import masking_utils
with masking_utils.TransformGetItemToIndex():
    print(type(sys.modules["torch._dynamo"]).__name__)
"""
    assert _run(script, tiny) == "module\n"
