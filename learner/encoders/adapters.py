"""LoRA adapters of an encoder as safetensors bytes; peft makes them.

Source: Hu et al. (2021), LoRA: Low-Rank Adaptation of Large Language Models.
"""

from __future__ import annotations

import json
import re
import warnings
from typing import TYPE_CHECKING, Any

from learner.errors import EncoderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COMMON = "common_direction"
_LAYER = re.compile(r"\.(\d+)\.")


def attach(encoder: Any, *, rank: int, layers: int) -> Any:
    """Return the encoder with a new adapter on every linear map of its uppermost layers; the rest is frozen.

    Args:
        encoder: a transformers model.
        rank: of each low-rank product; its scale is 2.
        layers: how many of the upper layers get one.
    """
    from peft import LoraConfig

    first = int(encoder.config.num_hidden_layers) - layers
    targets = [name for name in _linear_maps(encoder) if int(_layer_of(name)) >= first]
    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.05, target_modules=targets)
    return _wrap(encoder, config)


def _wrap(encoder: Any, config: Any) -> Any:
    import torch.distributed.tensor  # noqa: F401 - peft asks it about every weight, and does not load it itself
    from peft import get_peft_model

    with warnings.catch_warnings():
        # peft asks the model under a name that transformers 5 has deprecated; users can do nothing about it.
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)
        return get_peft_model(encoder, config)


def _linear_maps(encoder: Any) -> list[str]:
    from torch import nn

    return [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear) and _LAYER.search(name)]


def _layer_of(name: str) -> str:
    match = _LAYER.search(name)
    return match.group(1) if match else "-1"


def to_bytes(adapted: Any, *, share: float = 1.0, common: NDArray[np.float32] | None = None) -> bytes:
    """Return the adapter of a peft model as safetensors bytes, float16, with its configuration beside it.

    Args:
        share: of the way from the encoder as it was to the encoder as it was tuned, in (0, 1]. Half the way often
            gains more on texts of other kinds than the whole.
        common: (width,) direction that the vectors leave out; see `learner.encoders.encoder.Encoder`.

    Source: Wortsman et al. (2022), Robust Fine-tuning of Zero-shot Models: averaging in weight space.
    """
    import torch
    from peft import get_peft_model_state_dict
    from safetensors.torch import save

    config = adapted.peft_config["default"].to_dict()
    lora = {key: config[key] for key in ("r", "lora_alpha")} | {"target_modules": sorted(config["target_modules"])}
    # An adapter adds the product B·A, so scaling B alone scales it.
    tensors = {
        name: (share * tensor if "lora_B" in name else tensor).to(torch.float16).contiguous()
        for name, tensor in get_peft_model_state_dict(adapted).items()
    }
    if common is not None:
        tensors[_COMMON] = torch.from_numpy(common)
    return bytes(save(tensors, metadata={"lora": json.dumps(lora)}))


def set_product(adapted: Any, path: str, left: Any, right: Any) -> None:
    """Set what the adapter adds to one linear map to a product, left (out, rank) times right (rank, in).

    Args:
        adapted: a model that `attach` returned, with that rank.
        path: of the linear map within the model, such as ``encoder.layer.4.attention.self.query``.
    """
    module = adapted.base_model.model.get_submodule(path)
    module.lora_A["default"].weight.data.copy_(right)
    module.lora_B["default"].weight.data.copy_(left / module.scaling["default"])


def add(first: bytes, second: bytes) -> bytes:
    """Return the adapter that adds what two adapters of the same linear maps add; its rank is the sum of theirs.

    Raises:
        EncoderError: if they are not of the same linear maps.

    Source: Wortsman et al. (2022), Model soups; Ilharco et al. (2023), Editing Models with Task Arithmetic.
    """
    import torch
    from safetensors.torch import load, save

    parts = [(load(data), _lora_of(data)) for data in (first, second)]
    if set(parts[0][0]) != set(parts[1][0]):
        raise EncoderError("adapter_unloadable", kind="keys")
    rank = sum(lora["r"] for _, lora in parts)
    tensors = {}
    for name in parts[0][0]:
        is_right = "lora_A" in name
        scales = [1.0 if is_right else lora["lora_alpha"] / lora["r"] / 2 for _, lora in parts]
        pieces = [scale * each[name].float() for scale, (each, _) in zip(scales, parts, strict=True)]
        tensors[name] = torch.cat(pieces, 0 if is_right else 1).to(torch.float16).contiguous()
    lora = {"r": rank, "lora_alpha": 2 * rank, "target_modules": parts[0][1]["target_modules"]}
    return bytes(save(tensors, metadata={"lora": json.dumps(lora)}))


def _lora_of(data: bytes) -> dict[str, Any]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    lora: dict[str, Any] = json.loads(header["__metadata__"]["lora"])
    return lora


def find_common(data: bytes) -> NDArray[np.float32] | None:
    """Return the direction that vectors of an encoder with this adapter leave out, (width,), or None."""
    from safetensors.numpy import load

    common: NDArray[np.float32] | None = load(data).get(_COMMON)
    return common


def merge(encoder: Any, data: bytes) -> Any:
    """Return the encoder with an adapter merged into its weights.

    Raises:
        EncoderError: if the bytes are no adapter of such an encoder.
    """
    try:
        added = _products(data)
        maps = {path: encoder.get_submodule(path) for path in added}
        sums = {path: maps[path].weight.data + product for path, product in added.items()}
    # Damaged bytes raise kinds of json, safetensors and torch, which share no other base.
    except Exception as error:
        raise EncoderError("adapter_unloadable", kind=type(error).__name__) from error
    if any(total.shape != maps[path].weight.shape for path, total in sums.items()):
        raise EncoderError("adapter_unloadable", kind="keys")
    for path, total in sums.items():
        maps[path].weight.data = total
    return encoder.requires_grad_(False)


def _products(data: bytes) -> dict[str, Any]:
    """Return what an adapter adds to each linear map, without peft, which brings much along."""
    from safetensors.torch import load

    lora = _lora_of(data)
    tensors = {name: tensor.float() for name, tensor in load(data).items() if name != _COMMON}
    products = {}
    for path in lora["target_modules"]:
        right, left = (tensors.pop(f"base_model.model.{path}.lora_{part}.weight") for part in "AB")
        products[path] = left @ right * (lora["lora_alpha"] / lora["r"])
    if tensors:
        raise KeyError(*tensors)
    return products
