"""Tuning the bundled encoder on labelled Korean emotions: 44 emotions of comments, and ratings of reviews.

`maeumgyeol tune-encoder` runs it and writes the adapter that is shipped in `learner/encoders/emotion_2/`, with the
hashes of the texts it saw, so that a benchmark can leave them out. It is the sum of two: one of low rank on few
comments and reviews, which the first edition was, and what becomes of the upper layers as a whole on many reviews.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.encoders import rated_reviews
from learner.encoders.emotion_editions import FOLDERS, JOINED_LAYERS, SECOND
from learner.encoders.text_hashes import hashes_of
from learner.errors import LearnerError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from learner.encoders.fine_tuning import TuningSet, TuningSettings
    from learner.encoders.rated_reviews import RatedReviews

KOTE_EMOTIONS = 44
_BANDS = ((1, 4), (5, 8), (9, 10))


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts with up to 44 emotions and one rating each; NaN where a text has none of that kind."""

    texts: list[str]
    targets: NDArray[np.float32]


def tuned_on(editions: Sequence[str]) -> NDArray[np.int64]:
    """Return the identities of the texts that one of the editions was tuned on, sorted; none for no edition."""
    seen = [np.load(FOLDERS[edition] / "tuned_on.npy") for edition in editions]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *seen]))


def read_corpus(kote: Path, reviews: Path, *, kote_share: float, review_count: int, seed: int) -> Corpus:
    """Read what the adapter is tuned on, chosen by the hash of each text.

    Args:
        kote: TSV with columns ``text`` and ``kote_labels`` (indices, comma-separated).
        reviews: Parquet with columns ``document`` and ``rating`` (1 to 10).
        kote_share: share of the comments, in (0, 1); the others stay unseen.
        review_count: reviews, a third from each of the rating bands 1-4, 5-8, 9-10.

    Raises:
        LearnerError: ``corpus_empty`` where a file is of another kind, or no comment is left.
    """
    import pandas as pd

    try:
        comments = pd.read_csv(kote, sep="\t", usecols=["text", "kote_labels"]).dropna()
    # pandas' errors and those of decoding are kinds of it.
    except ValueError as error:
        raise LearnerError("corpus_empty") from error
    chosen = hashes_of(comments["text"]) % 1000 < 1000 * kote_share
    comments = comments[chosen]
    rated = rated_reviews.read_frame(reviews)
    rated = rated[rated["document"].str.len() >= 10]
    bands = [rated[rated["rating"].between(low, high)] for low, high in _BANDS]
    drawn = pd.concat([band.sample(min(len(band), review_count // 3), random_state=seed) for band in bands])
    if comments.empty:
        raise LearnerError("corpus_empty")
    targets = np.full((len(comments) + len(drawn), KOTE_EMOTIONS + 1), np.nan, np.float32)
    targets[: len(comments), :KOTE_EMOTIONS] = _emotions(comments["kote_labels"].tolist())
    targets[len(comments) :, KOTE_EMOTIONS] = (drawn["rating"].to_numpy() - 1) / 9
    return Corpus([*comments["text"], *drawn["document"]], targets)


def _emotions(listed: Sequence[Any]) -> NDArray[np.float32]:
    emotions = np.zeros((len(listed), KOTE_EMOTIONS), np.float32)
    for row, indices in enumerate(listed):
        emotions[row, [int(i) for i in str(indices).split(",")]] = 1
    return emotions


def examples(corpus: Corpus, places: NDArray[np.int64], *, comment_weight: float) -> TuningSet:
    """Return a part of the corpus; a comment, which carries 44 answers, may count more than a review."""
    from learner.encoders.fine_tuning import TuningSet

    targets = corpus.targets[places]
    is_comment = ~np.isnan(targets[:, 0])
    weights = np.where(is_comment, comment_weight, 1.0).astype(np.float32)
    return TuningSet([corpus.texts[i] for i in places], targets, weights)


SEED = 0
_VALIDATION = 500
_COMMENT_WEIGHT = 2.0

SHARE = 0.5
"""How much of the first adapter is kept; chosen in docs/learning.md: the whole of it lost 2 points on diaries."""

RUNS = 2
"""Of the second adapter's tuning, whose mean is taken."""

RANK = 60
"""Of the second adapter. Both together are 8.4 MB, with the hashes and the first edition 11.6 MB."""

_FIRST_SHARE = 0.3
"""Of the time that both take, spent on the first adapter."""

_MOST_TOKENS = 128


def settings() -> TuningSettings:
    """Return how the first adapter is tuned."""
    from learner.encoders.fine_tuning import TuningSettings

    return TuningSettings(adapter_rank=16, adapted_layers=8, epochs=4, learning_rate=1e-3, batch_size=16, max_tokens=96)


def run(
    kote: Path,
    reviews: Path,
    out: Path,
    *,
    work: Path,
    cache: Path,
    kote_share: float,
    review_count: int,
    rated_count: int,
    on_progress: Callable[[float], None],
) -> dict[str, Any]:
    """Tune the adapter, write it and the hashes of what it saw to a folder, and return what was measured.

    Args:
        work: holds checkpoints of the first adapter; a run that was cut off in it goes on from there.
        review_count: reviews of the first adapter.
        rated_count: reviews of the second adapter, which is added to the first; 0 for none.
        on_progress: is called with the share of the work that is done.

    Raises:
        LearnerError: ``corpus_empty``; see also `learner.encoders.fine_tuning.tune`.
    """
    from learner.encoders import adapters

    corpus = read_corpus(kote, reviews, kote_share=kote_share, review_count=review_count, seed=SEED)
    # Before anything is tuned: what is wrong with a file is known now, and not after twenty minutes.
    rated = rated_reviews.read(reviews, count=rated_count, seed=SEED) if rated_count else None
    share = _FIRST_SHARE if rated else 1.0
    adapter, losses = _tune_first(corpus, work=work, cache=cache, on_progress=lambda done: on_progress(share * done))
    seen = hashes_of(corpus.texts)
    if rated:
        second = _tune_second(corpus, rated, cache=cache, on_progress=lambda x: on_progress(share + (1 - share) * x))
        adapter, seen = adapters.add(adapter, second), np.concatenate([seen, rated.hashes])
    private_files.make_folder(out)
    private_files.write_bytes(out / "adapter.safetensors", adapter)
    with private_files.open_file(out / "tuned_on.npy", "wb") as file:
        np.save(file, np.unique(seen))
    write_head(corpus, out, cache=cache, joined_layer=JOINED_LAYERS[SECOND] if rated else None)
    validation = min(_VALIDATION, len(corpus.texts))
    return {"texts": len(corpus.texts) - validation, "validation": validation, "losses": losses}


def _tune_first(
    corpus: Corpus, *, work: Path, cache: Path, on_progress: Callable[[float], None]
) -> tuple[bytes, tuple[tuple[int, float | None, float | None], ...]]:
    """Return an adapter tuned on the corpus, the share of it that is kept, and its losses."""
    from transformers import AutoModel, AutoTokenizer

    from learner.encoders import adapters, bundled, fine_tuning

    source = bundled.write_checkpoint(cache)
    order = np.random.default_rng(SEED).permutation(len(corpus.texts))
    validation, training = order[:_VALIDATION], order[_VALIDATION:]

    def goes_on(share: float) -> bool:
        on_progress(share)
        return True

    tuned = fine_tuning.tune(
        AutoModel.from_pretrained(source),
        AutoTokenizer.from_pretrained(source),
        examples(corpus, training, comment_weight=_COMMENT_WEIGHT),
        examples(corpus, validation, comment_weight=_COMMENT_WEIGHT),
        settings(),
        prefix="query: ",
        loss="sigmoid",
        folder=work,
        seed=SEED,
        on_progress=goes_on,
    )
    return adapters.to_bytes(tuned.model.encoder, share=SHARE), tuned.losses


def _tune_second(corpus: Corpus, rated: RatedReviews, *, cache: Path, on_progress: Callable[[float], None]) -> bytes:
    """Return what the upper layers learn of the comments of a corpus and of rated reviews, as an adapter.

    It is the mean of several runs, which lie in one basin as they begin alike: steadier than each of them.

    Source: Wortsman et al. (2022), Model soups.
    """
    import torch

    from learner.encoders import bundled, encoder, graded_tuning
    from learner.encoders.upper_layers import UpperLayers

    chosen = graded_tuning.GradedSettings()
    checkpoint = encoder.load_checkpoint(bundled.NAME, cache=cache)

    def untuned() -> UpperLayers:
        return UpperLayers(checkpoint.model, count=chosen.layers, dropout=chosen.dropout)

    places = np.flatnonzero(~np.isnan(corpus.targets[:, 0]))
    texts = [checkpoint.prefix + text for text in (*(corpus.texts[i] for i in places), *rated.texts)]
    token_ids = checkpoint.tokenizer(texts, truncation=True, max_length=_MOST_TOKENS)["input_ids"]
    below = untuned().read_below(token_ids, padding=checkpoint.tokenizer.pad_token_id or 0)
    learned_from = graded_tuning.GradedTexts(below, corpus.targets[places, :KOTE_EMOTIONS], rated.ratings)

    def tune(run: int) -> dict[str, torch.Tensor]:
        return graded_tuning.tune(
            untuned(),
            learned_from,
            chosen,
            seed=SEED + run,
            on_progress=lambda share: on_progress((run + share) / RUNS),
        )

    tuned = [tune(run) for run in range(RUNS)]
    mean = {name: torch.stack([each[name] for each in tuned]).mean(dim=0) for name in tuned[0]}
    return untuned().to_adapter(mean, rank=RANK)


def write_head(corpus: Corpus, folder: Path, *, cache: Path, joined_layer: int | None) -> None:
    """Fit the head of 44 emotions on the comments of a corpus, as the adapter in a folder encodes them, beside it."""
    from learner.classification.classifier import join_features
    from learner.encoders import emotion_head, encoder

    places = np.flatnonzero(~np.isnan(corpus.targets[:, 0]))
    adapter = (folder / "adapter.safetensors").read_bytes()
    adapted = encoder.load("bundled", cache=cache, adapter=adapter, joined_layer=joined_layer)
    vectors = adapted.encode([corpus.texts[i] for i in places]).vectors
    features = join_features(vectors, None, mean=adapted.by_parts(vectors.mean(axis=0)))
    head = emotion_head.fit(features, corpus.targets[places, :KOTE_EMOTIONS])
    private_files.write_bytes(folder / emotion_head.FILE, emotion_head.to_bytes(head))
