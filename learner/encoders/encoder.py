"""Encoders: any transformers checkpoint that turns texts into vectors, by hub name, folder or the bundled one.

A vector is the mean of the last hidden states over the text's tokens, of some beside that of a layer before, scaled to
length 1. Of an encoder that was tuned here, the direction that all texts share is taken out before.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from learner import side_by_side
from learner.encoders import adapters, bundled, emotion_editions, light_transformers
from learner.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

_TOKENS_A_BATCH = 1024
"""Padded tokens in one forward pass: on two cores larger passes were no faster and took more memory."""

_FEW_TOKENS = 512
"""Tokens up to which one pass reads all: two halves side by side took a tenth longer for 8 comments, and a fifth less
for 16."""

_PADDING_A_BATCH = 256
"""Tokens of padding from which a separate pass is faster: small ones leave a processor's units idle, those for bfloat16
above all. With 64 as many texts a second in float32, a tenth fewer in bfloat16."""

_CHARACTERS_A_TURN = 6_000
"""Characters that `list_turns` puts together: about a second of two cores in float32. Of comments of 60 characters,
turns of 128 texts are read 1.4 (float32) to 1.9 times (bfloat16) as fast as turns of 16."""

_MOST_TOKENS = 8192
"""Tokens at which texts are cut where a checkpoint names no limit."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors of some texts.

    Attributes:
        vectors: (n, width) float32, length 1.
        token_counts: (n,) int32 of the uncut texts, special tokens included, at least 1.
    """

    vectors: NDArray[np.float32]
    token_counts: NDArray[np.int32]


class Encoder:
    """A loaded checkpoint. Not safe for use by several threads at once.

    Attributes:
        name: what was asked for: ``bundled``, a hub name or a folder.
        hash: identity of weights, tokenizer and prefix: vectors of different hashes are never mixed.
        width: length of a vector.
        parts: of a vector that are centred and scaled each by itself, all of the same length: one, or two of a model
            whose states are those of two layers; see `learner.encoders.joined_layers`.
        max_tokens: longer texts are cut.
        model, tokenizer, prefix: the checkpoint, and what is put before every text.
        common: (width,) direction of length 1 that is taken out of every vector; None for none.
        is_centred: whether vectors of this encoder need no centre.
    """

    is_centred: bool

    def __init__(
        self,
        name: str,
        model: Any,
        tokenizer: Any,
        *,
        prefix: str,
        digest: str,
        common: NDArray[np.float32] | None = None,
    ) -> None:
        self.name = name
        self.hash = digest
        self.width = int(model.config.hidden_size)
        # Of the model, not of its configuration, which is a file that a checkpoint brings along.
        self.parts = int(getattr(model, "parts", 1))
        self.max_tokens = max_tokens(model.config, tokenizer)
        self.model = model
        self.tokenizer = tokenizer
        self.prefix = prefix
        self.common = common
        self.is_centred = common is not None

    def by_parts(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return vectors, (…, width), as (…, parts, width / parts)."""
        return vectors.reshape(*vectors.shape[:-1], self.parts, self.width // self.parts)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Return the vectors of texts, in their order.

        Texts are grouped by length, so that little padding is computed. An empty text has a vector, too.
        """
        token_ids, counts = self._tokenize(texts)
        vectors = np.zeros((len(texts), self.width), np.float32)

        def read(places: NDArray[np.int64]) -> None:
            vectors[places] = self._forward([token_ids[i] for i in places])

        self._pass(read, list(_batches(token_ids)))
        return Encoded(vectors, counts)

    def _pass(self, read: Callable[[NDArray[np.int64]], None], batches: list[NDArray[np.int64]]) -> None:
        side_by_side.each(read, batches)

    def count_tokens(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Count the tokens of uncut texts, (n,) int32."""
        return self._tokenize(texts)[1]

    def _tokenize(self, texts: Sequence[str]) -> tuple[list[list[int]], NDArray[np.int32]]:
        if not texts:
            return [], np.zeros(0, np.int32)
        whole = self.tokenizer(
            [self.prefix + text for text in texts],
            truncation=True,
            max_length=self.max_tokens,
            return_overflowing_tokens=True,
            return_attention_mask=False,
        )
        token_ids: list[list[int]] = [[] for _ in texts]
        counts = np.zeros(len(texts), np.int32)
        specials = self.tokenizer.num_special_tokens_to_add()
        for place, ids in zip(whole["overflow_to_sample_mapping"], whole["input_ids"], strict=True):
            first = not token_ids[place]
            counts[place] += len(ids) if first else len(ids) - specials
            if first:
                # Where a tokenizer adds no special tokens, an empty text has none, and no mean.
                token_ids[place] = ids or [self.tokenizer.pad_token_id or 0]
        return token_ids, np.maximum(counts, 1)

    def _forward(self, rows: list[list[int]]) -> NDArray[np.float32]:
        import torch

        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), self.tokenizer.pad_token_id or 0)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = 1
        with torch.inference_mode():
            hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            weights = mask.unsqueeze(-1)
            mean = (hidden * weights).sum(1) / weights.sum(1)
            if self.common is not None:
                common = torch.from_numpy(self.common)
                mean = mean - (mean @ common).unsqueeze(1) * common
            vectors: NDArray[np.float32] = torch.nn.functional.normalize(mean, dim=1).numpy()
        return vectors


def list_turns(texts: Sequence[str], *, characters: int = _CHARACTERS_A_TURN) -> list[NDArray[np.int64]]:
    """Return the places of texts in turns, shortest first, between which whoever encodes looks for what is more urgent.

    Args:
        characters: of a turn at most, unless it is one long text.
    """
    lengths = np.array([len(text) for text in texts])
    order = np.argsort(lengths, kind="stable")
    turns, start, total = [], 0, 0
    for at, length in enumerate(lengths[order]):
        if at > start and total + length > characters:
            turns.append(order[start:at])
            start, total = at, 0
        total += length
    return [*turns, order[start:]] if len(order) else []


def _batches(token_ids: list[list[int]]) -> Iterator[NDArray[np.int64]]:
    """Yield places of texts of like length, longest first, so that a lack of memory shows at once."""
    lengths = np.array([len(ids) for ids in token_ids])
    order = np.argsort(-lengths, kind="stable")
    most = _tokens_a_batch(int(lengths.sum()))
    start = padding = 0
    for at, length in enumerate(lengths[order]):
        longest = lengths[order[start]]
        padding += longest - length
        if at > start and ((at - start + 1) * longest > most or padding > _PADDING_A_BATCH):
            yield order[start:at]
            start, padding = at, 0
    if len(order):
        yield order[start:]


def _tokens_a_batch(tokens: int) -> int:
    """Return the tokens of a pass: an even number of like passes keeps two cores busy to the end."""
    if tokens <= _FEW_TOKENS:
        return _TOKENS_A_BATCH
    pairs = -(-tokens // (2 * _TOKENS_A_BATCH))
    return -(-tokens // (2 * pairs))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded transformers checkpoint, before it serves as an encoder or is tuned.

    Attributes:
        digest: identity of weights, tokenizer, prefix and common direction.
        common: see `Encoder`.
    """

    model: Any
    tokenizer: Any
    prefix: str
    digest: str
    common: NDArray[np.float32] | None = None


def load(
    name: str, *, cache: Path, adapter: bytes | None = None, called: str | None = None, joined_layer: int | None = None
) -> Encoder:
    """Load an encoder.

    Args:
        name: ``bundled``, an edition of `emotion_editions`, a hub name such as ``klue/roberta-base``, or a folder.
        cache: where the bundled checkpoint is written.
        adapter: LoRA adapter that is merged into the weights; see `learner.encoders.adapters`.
        called: name of the encoder if it is not that of its checkpoint.
        joined_layer: whose states stand beside those of the last one; None for what an edition has of itself. With an
            adapter an edition has none: a tuned encoder stays one that transformers can load.

    Raises:
        EncoderError: if it can't be found, read or used. Code that a checkpoint brings along is never run.
    """
    checkpoint = load_checkpoint(name, cache=cache)
    model, digest, common = checkpoint.model, checkpoint.digest, checkpoint.common
    if adapter is not None:
        model, digest = adapters.merge(model, adapter), adapted_digest(digest, adapter)
        common = adapters.find_common(adapter)
    elif joined_layer is None:
        joined_layer = emotion_editions.JOINED_LAYERS.get(name)
    if joined_layer is not None:
        from learner.encoders.joined_layers import JoinedLayers  # it loads torch, as importing this module does not

        model = JoinedLayers(model, layer=joined_layer)
        digest = adapted_digest(digest, f"layer {joined_layer}".encode())
    encoder = Encoder(
        called or name, model.eval(), checkpoint.tokenizer, prefix=checkpoint.prefix, digest=digest, common=common
    )
    _try_out(encoder)
    return encoder


def adapted_digest(base: str, adapter: bytes) -> str:
    """Return the identity of an encoder with an adapter: that of both, as merged weights differ between machines."""
    return hashlib.blake2b(base.encode() + adapter, digest_size=16).hexdigest()


def load_checkpoint(name: str, *, cache: Path) -> Checkpoint:
    """Load only the checkpoint that `load` makes an encoder of, to be tuned.

    Raises:
        EncoderError: if it can't be found, read or used.
    """
    if name not in emotion_editions.FOLDERS:
        return _load_checkpoint(name, cache=cache)
    base = _load_checkpoint(bundled.NAME, cache=cache)
    try:
        adapter = (emotion_editions.FOLDERS[name] / "adapter.safetensors").read_bytes()
    except OSError as error:
        raise EncoderError("encoder_unloadable", name=name, reason=error.strerror or "") from error
    digest = adapted_digest(base.digest, adapter)
    return Checkpoint(adapters.merge(base.model, adapter), base.tokenizer, base.prefix, digest)


@light_transformers.lightly()
def _load_checkpoint(name: str, *, cache: Path) -> Checkpoint:
    from transformers import AutoConfig, AutoModel, AutoTokenizer
    from transformers import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    source = str(bundled.write_checkpoint(cache)) if name == bundled.NAME else name
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        model, info = AutoModel.from_pretrained(source, trust_remote_code=False, output_loading_info=True)
    # Damaged files raise kinds of safetensors, pickle and tokenizers, too, which share no other base.
    except Exception as error:
        raise EncoderError("encoder_unloadable", name=name, reason=_first_line(error)) from error
    # Without its files transformers makes a tokenizer of special tokens alone, to which every text is the same.
    if not tokenizer.is_fast or len(tokenizer) <= len(tokenizer.all_special_ids):
        raise EncoderError("encoder_tokenizer_unusable", name=name)
    missing = set(info["missing_keys"])
    if strange := [key for key in missing if "pooler" not in key]:
        raise EncoderError("encoder_incomplete", name=name, count=len(strange), example=sorted(strange)[0])
    prefix = getattr(config, "text_prefix", "query: " if "e5" in Path(name).name.lower() else "")
    digest = _digest(model, tokenizer, prefix, skip=missing)
    common = getattr(config, "common_direction", None)
    if common is None:
        return Checkpoint(model, tokenizer, prefix, digest)
    direction = np.array(common, np.float32)
    return Checkpoint(model, tokenizer, prefix, adapted_digest(digest, direction.tobytes()), direction)


def find_common(checkpoint: Checkpoint, model: Any, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the direction that all texts share under a model, (width,) of length 1: that of their mean vector.

    Encoders put every text close to every other; what is left without that direction tells them apart. Unlike a shift
    by the mean this does not depend on the length of a vector, so that a layer norm can do it: an ordinary
    checkpoint can hold it; see `learner.publishing.transformers`.

    Args:
        texts: at least one.

    Source: Mu and Viswanath (2018), All-but-the-Top: Simple and Effective Postprocessing for Word Representations.
    """
    plain = Encoder("", model, checkpoint.tokenizer, prefix=checkpoint.prefix, digest="")
    mean = plain.encode(texts).vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def _try_out(encoder: Encoder) -> None:
    """Encode two texts, so that a checkpoint of a wrong kind is refused now and not in the middle of a round."""
    try:
        vectors = encoder.encode(["", "안녕하세요"]).vectors
    except Exception as error:
        raise EncoderError("encoder_unloadable", name=encoder.name, reason=_first_line(error)) from error
    if not np.isfinite(vectors).all():
        raise EncoderError("encoder_unloadable", name=encoder.name, reason="NaN")


def default_cache() -> Path:
    """Return this software's cache folder for the user: ``$MAEUMGYEOL_CACHE`` or the platform's usual place."""
    if chosen := os.environ.get("MAEUMGYEOL_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "maeumgyeol"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _digest(model: Any, tokenizer: Any, prefix: str, *, skip: set[str]) -> str:
    """Hash what a vector depends on; missing weights are random at each load, and not used."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(prefix.encode())
    backend = getattr(tokenizer, "backend_tokenizer", None)
    digest.update(backend.to_str().encode() if backend else repr(sorted(tokenizer.get_vocab().items())).encode())
    for name, tensor in sorted(model.state_dict().items()):
        if name not in skip and tensor.is_floating_point():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(tensor.float().numpy()).data)
    return digest.hexdigest()


def max_tokens(config: Any, tokenizer: Any) -> int:
    """Return how many tokens of a text a checkpoint reads, special ones included."""
    limits = [int(tokenizer.model_max_length), _MOST_TOKENS]
    if positions := getattr(config, "max_position_embeddings", None):
        # RoBERTa counts positions from the padding id on, so it has fewer than it says.
        offset = (config.pad_token_id or 0) + 1 if "roberta" in str(config.model_type) else 0
        limits.append(int(positions) - offset)
    return max(8, min(limits))
