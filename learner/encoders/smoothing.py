"""What makes an encoder's products fit eight bits, before both of their sides become int8.

One scale holds for all numbers of an activation. A few channels of a transformer are many times as large as the others,
so each channel is divided by a factor, and its weights are multiplied by it. Single tokens are, too, above all behind a
block's widest layer, so each token is divided by its largest number, and the product is multiplied by it. Products stay
what they were.

Source: Xiao et al. (2023), SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models.
"""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Any

import torch

from learner.encoders.encoder import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterator

STRENGTH = 0.55
"""Share of an outlier that moves into the weights, in [0, 1]: of 0.4 to 0.9 it lost least, see docs/performance.md."""

_LEAST = 1e-5

_TEXTS = (
    "오늘은 아침부터 비가 내렸다.",
    "친구가 내 생일을 기억해 줘서 정말 고마웠다. 작은 케이크에 초를 꽂고 노래를 불러 주는데 눈물이 날 뻔했다.",
    "왜 나한테만 이런 일이 생기는지 모르겠다 ㅠㅠ",
    "회사에서 또 혼났다. 잘못한 것도 없는데 다들 나만 쳐다보는 것 같아서 숨이 막혔다.",
    "ㅋㅋㅋㅋㅋ 진짜 웃겨서 배 아파 죽는 줄",
    "시험 결과가 내일 나온다. 떨어지면 어떡하지, 자꾸 나쁜 생각만 들고 잠이 오지 않는다.",
    "별일 없이 지나간 하루. 빨래를 하고 밥을 먹고 일찍 누웠다.",
    "어떻게 사람한테 그런 말을 할 수가 있지? 생각할수록 화가 나고 역겹다!!!",
    "엄마 목소리를 들으니까 마음이 놓였다. 다음 주에는 꼭 집에 내려가야겠다.",
    "10월 3일 (목) 14:30 병원 예약, 약 2주치, 다음 검사 11/5",
    "헐 갑자기 비상벨이 울려서 심장 떨어지는 줄 알았네;;",
    (
        "할머니가 돌아가신 지 일 년이 되었다. 아직도 전화를 걸면 받으실 것만 같아서 번호를 지우지 못하고 있다. "
        "산소에 다녀오는 길에 좋아하시던 국화빵을 샀는데, 식을 때까지 들고만 있었다."
    ),
    "드디어 합격!! 3년 동안 준비한 보람이 있다. 제일 먼저 아빠한테 전화했더니 아무 말씀도 못 하시고 우셨다.",
    "Monday again... so tired, but the new song is really good :)",
    "그냥 다 귀찮다. 아무것도 하고 싶지 않고 아무도 만나고 싶지 않다.",
    (
        "버스에서 어떤 아저씨가 큰 소리로 통화를 해서 짜증이 났지만 참았다. 내려서 보니 우산을 두고 내렸다는 걸 "
        "알았고, 하필 그때부터 비가 쏟아졌다. 집까지 뛰어왔더니 옷이 다 젖었다. "
        "따뜻한 물로 씻고 라면을 끓여 먹으니 그래도 살 것 같다."
    ),
)
"""Texts that show which channels are large: of the project's own would depend which vectors a digest stands for."""


class _Smoothed(torch.nn.Module):
    """A linear layer that reads its input divided by a factor a channel, and by the largest number of each token."""

    weight: torch.Tensor
    inverse: torch.Tensor

    def __init__(self, linear: torch.nn.Linear, factors: torch.Tensor) -> None:
        super().__init__()
        # Buffers become initializers of the graph; other tensors would become nodes, which are not quantised.
        self.register_buffer("weight", linear.weight.detach() * factors)
        self.register_buffer("inverse", 1 / factors)
        self.bias = None if linear.bias is None else linear.bias.detach()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        divided = values * self.inverse
        largest = divided.abs().amax(dim=-1, keepdim=True).clamp(min=_LEAST)
        product = torch.nn.functional.linear(divided / largest, self.weight) * largest
        return product if self.bias is None else product + self.bias


def smooth(encoder: Encoder) -> Encoder:
    """Return a copy of an encoder that gives the same vectors, and keeps more of them when its products become int8."""
    model = copy.deepcopy(encoder.model)
    smoothed = Encoder(
        encoder.name, model, encoder.tokenizer, prefix=encoder.prefix, digest=encoder.hash, common=encoder.common
    )
    largest = _largest_inputs(smoothed)
    for name, linear in list(_linears(model)):
        if name not in largest:
            continue  # a pooler, which no vector depends on
        weights = linear.weight.detach().abs().amax(dim=0).clamp(min=_LEAST)
        factors = largest[name].clamp(min=_LEAST) ** STRENGTH / weights ** (1 - STRENGTH)
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, _Smoothed(linear, factors))
    return smoothed


def _linears(model: Any) -> Iterator[tuple[str, torch.nn.Linear]]:
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            yield name, module


def _largest_inputs(encoder: Encoder) -> dict[str, torch.Tensor]:
    """Return the largest absolute input of each channel of each linear layer that takes part in a vector."""
    largest: dict[str, torch.Tensor] = {}
    noting = threading.Lock()

    def watch(name: str) -> Any:
        def note(_: object, inputs: tuple[torch.Tensor, ...]) -> None:
            highest = inputs[0].detach().abs().reshape(-1, inputs[0].shape[-1]).amax(dim=0)
            with noting:  # passes go side by side
                largest[name] = torch.maximum(largest[name], highest) if name in largest else highest

        return note

    hooks = [linear.register_forward_pre_hook(watch(name)) for name, linear in _linears(encoder.model)]
    try:
        encoder.encode(_TEXTS)
    finally:
        for hook in hooks:
            hook.remove()
    return largest
