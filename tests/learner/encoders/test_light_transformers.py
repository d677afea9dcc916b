"""An encoder is loaded and a head fitted without torch's compiler, which is there as soon as somebody uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.slow

_LOAD = """
import json, os, sys
from pathlib import Path
import numpy as np
from learner.classification import classifier
from learner.encoders import encoder
loaded = encoder.load(sys.argv[1], cache=Path(sys.argv[1]))
vectors = loaded.encode(["정말 기쁘고 즐거운 하루였다"]).vectors

def said_by(then):
    "Return what a script says that goes on from here in a process of its own."
    reads, writes = os.pipe()
    if (child := os.fork()) == 0:
        os.dup2(writes, 1)
        os.dup2(writes, 2)
        exec(then, globals())
        sys.stdout.flush()
        os._exit(0)
    os.close(writes)
    text = os.fdopen(reads).read()
    return text if os.waitpid(child, 0)[1] == 0 else "failed: " + text

print(json.dumps({name: said_by(then) for name, then in json.loads(sys.argv[2]).items()}))
"""

_COMPILER = ["torch._dynamo", "torch._inductor", "torch.distributed.tensor"]

_THEN = {
    "nothing": f"print([name for name in {[*_COMPILER, 'scipy.optimize']} if name in sys.modules], len(vectors))",
    "fit": f"""
features, targets = np.eye(4, dtype=np.float32), np.eye(2, dtype=np.float32).repeat(2, axis=0)
head = classifier.train(features, targets, mean=np.zeros((1, 4), np.float32), text_space="", seed=0).classifier
print([name for name in {_COMPILER} if name in sys.modules], len(head.bias))
""",
    "save": """
from learner.encoders import light_transformers
with light_transformers.lightly():
    loaded.model.save_pretrained(copy := Path(sys.argv[1] + "-copy"))
print("torch._dynamo" in sys.modules, (copy / "model.safetensors").exists())
""",
    "compile": """
import torch
from transformers import masking_utils, utils
assert utils.is_scipy_available() and utils.is_torch_distributed_available()
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2)).tolist() == [2, 2]
import torch._dynamo.config
from torch._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex
assert isinstance(masking_utils.TransformGetItemToIndex(), TransformGetItemToIndex)
assert torch._dynamo is sys.modules["torch._dynamo"] and "convert_frame" in vars(torch._dynamo)
""",
    "mask": """
from transformers import masking_utils
with masking_utils.TransformGetItemToIndex():
    print(type(sys.modules["torch._dynamo"]).__name__)
""",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What each script says that goes on, by itself, where an encoder has been loaded."""
    encoder = write_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny", "정말기쁘고즐거운하루였다 ")
    command = [sys.executable, "-c", _LOAD, str(encoder), json.dumps(_THEN)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_encoder_is_loaded_without_what_it_does_not_use(said: Mapping[str, str]) -> None:
    assert said["nothing"] == "[] 1\n"


def test_a_head_is_fitted_without_the_compiler(said: Mapping[str, str]) -> None:
    assert said["fit"] == "[] 2\n"


def test_a_model_is_saved_without_the_compiler(said: Mapping[str, str]) -> None:
    assert said["save"] == "False True\n"


def test_the_compiler_is_there_for_whoever_uses_it_later(said: Mapping[str, str]) -> None:
    assert said["compile"] == ""


def test_a_mask_by_a_function_loads_the_compiler_itself(said: Mapping[str, str]) -> None:
    assert said["mask"] == "module\n"
