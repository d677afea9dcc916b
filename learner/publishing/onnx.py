"""A version as one ONNX graph: from token ids and characters to the probabilities of the labels.

The encoder's part is traced (`learner.encoders.onnx_int8`); what the classifier makes of its vectors is written here,
node by node. Character n-grams are counted in the graph as well: it takes a text's code points as a second input,
lower-cased and with runs of white space as one space, as the features were fitted on.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.classification.classifier import NGRAM_SCALE
from learner.classification.unlearned import MOST
from learner.encoders import onnx_int8
from learner.encoders.onnx_int8 import Int8Encoder
from learner.errors import EncoderError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from learner.classification.classifier import Classifier
    from learner.classification.ngram_features import NgramFeatures
    from learner.classification.unlearned import Unlearned
    from learner.encoders.encoder import Encoder

_LONGEST_GRAM = 4

_CENTRED = """
    parts = Reshape (vectors, by_parts)
    shifted = Sub (parts, mean)
    long = ReduceL2 <axes = [2]> (shifted)
    length = Max (long, tiny)
    scaled_parts = Div (shifted, length)
    centred = Reshape (scaled_parts, joined)
"""

_GRAMS = """
    known = Greater (counts, zero)
    at_least_one = Max (counts, one)
    logarithms = Log (at_least_one)
    rising = Add (logarithms, one)
    present = Cast <to = 1> (known)
    frequencies = Mul (rising, present)
    weighed = Mul (frequencies, idf)
    weighed_long = ReduceL2 <axes = [1]> (weighed)
    weighed_length = Max (weighed_long, tiny)
    grams = Div (weighed, weighed_length)
    wide_components = Cast <to = 1> (components)
    condensed = MatMul (grams, wide_components)
    moved = Sub (condensed, text_mean)
    any_known = ReduceMax <axes = [1]> (present)
    kept = Mul (moved, any_known)
    kept_long = ReduceL2 <axes = [1]> (kept)
    kept_length = Max (kept_long, tiny)
    text_features = Div (kept, kept_length)
    features = Concat <axis = 1> (centred, text_features)
"""

_ANSWER = """
    logits = Gemm <transB = 1> ({features}, weight, bias)
    {answer} = Softmax <axis = 1> (logits)
"""

_UNLEARNED = """
    first_logits = Gemm <transB = 1> (centred, first_weight, first_bias)
    first = Softmax <axis = 1> (first_logits)
    scaled = Mul (first, unlearned_scale)
    shares = Min (scaled, unlearned_most)
    of_learned = Mul (learned, is_learned)
    learned_sum = ReduceSum (of_learned, label_axis)
    share_sum = ReduceSum (shares, label_axis)
    rest = Sub (whole, share_sum)
    at_least = Max (learned_sum, tiny)
    factor = Div (rest, at_least)
    others = Mul (of_learned, factor)
    probabilities = Add (others, shares)
"""


@private_files.umask()
def write(
    encoder: Encoder, classifier: Classifier, space: NgramFeatures | None, target: Path, *, about: dict[str, Any]
) -> None:
    """Write the graph of a version.

    Its inputs are ``input_ids`` and ``attention_mask``, (texts, tokens), and, where the version reads n-grams,
    ``characters``, (texts, characters): code points, with -1 behind a text's end; all int64. Its output is
    ``probabilities``, (texts, k).

    Args:
        space: the n-grams that the classifier reads; None for none.
        about: written into the graph's properties as JSON.

    Raises:
        EncoderError: ``model_unexportable`` for an encoder that can't be traced, or a graph that can't be written.
    """
    try:
        with tempfile.TemporaryDirectory() as place:
            graph = _graph(encoder, classifier, space, Path(place) / "encoder.onnx")
        for key in sorted(about):
            graph.metadata_props.add(key=key, value=json.dumps(about[key], ensure_ascii=False))
        private_files.write_bytes(target, graph.SerializeToString(deterministic=True))
    # Tracing and writing raise kinds of torch, onnx and protobuf, which share no other base.
    except Exception as error:
        raise EncoderError("model_unexportable", name=encoder.name, kind=type(error).__name__) from error


def _graph(encoder: Encoder, classifier: Classifier, space: NgramFeatures | None, traced: Path) -> Any:
    import onnx
    from onnx import compose

    if isinstance(encoder, Int8Encoder):
        traced = encoder.graph
    else:
        onnx_int8.trace(encoder, traced)
    front = onnx.load(traced)
    # Metadata about the nodes' origin, with paths of this machine.
    for node in front.graph.node:
        node.ClearField("doc_string")
    tail = _tail(classifier, space, opset=front.opset_import[0].version, ir_version=front.ir_version)
    whole = compose.merge_models(front, tail, io_map=[("vectors", "vectors")])
    whole.producer_name, whole.graph.name = "maeumgyeol", "classifier"
    onnx.checker.check_model(whole)
    return whole


def _tail(classifier: Classifier, space: NgramFeatures | None, *, opset: int, ir_version: int) -> Any:
    from onnx import helper, numpy_helper, parser

    weight, bias = classifier.head
    k, width = len(bias), classifier.width
    constants: dict[str, NDArray[Any]] = {
        "mean": classifier.mean,
        "by_parts": np.array([0, -1, classifier.mean.shape[-1]]),
        "joined": np.array([0, -1]),
        "tiny": np.array([1e-9], np.float32),
        "bias": bias,
    }
    inputs, steps, features = f"float[texts, {width}] vectors", _CENTRED, "centred"
    if space is not None:
        inputs, steps, features = f"{inputs}, int64[texts, characters] characters", _CENTRED + _GRAMS, "features"
        weight = np.hstack([weight[:, :width], NGRAM_SCALE * weight[:, width:]])
        constants |= {
            "zero": np.array([0], np.float32),
            "one": np.array([1], np.float32),
            "idf": space.vectorizer.idf_,
            # They were rounded to half precision when they were fitted.
            "components": np.ascontiguousarray(space.components.T.astype(np.float16)),
            "text_mean": space.mean,
        }
    constants["weight"] = weight
    unlearned = classifier.unlearned
    body = steps + _ANSWER.format(features=features, answer="probabilities" if unlearned is None else "learned")
    if unlearned is not None:
        body += _UNLEARNED
        constants |= _constants_of(unlearned, k)
    graph = parser.parse_graph(f"tail ({inputs}) => (float[texts, {k}] probabilities) {{{body}}}")
    if space is not None:
        graph.node.insert(0, _counting(space.vectorizer.vocabulary_))
    for name, value in constants.items():
        tensor = value if name in ("components", "label_axis", "by_parts", "joined") else np.asarray(value, np.float32)
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(tensor), name))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


def _constants_of(unlearned: Unlearned, k: int) -> dict[str, NDArray[Any]]:
    scale, is_learned = np.zeros(k), np.ones(k)
    scale[unlearned.places], is_learned[unlearned.places] = unlearned.scale, 0
    return {
        "first_weight": unlearned.weight,
        "first_bias": unlearned.bias,
        "unlearned_scale": scale,
        "unlearned_most": np.array([MOST / len(unlearned.places)]),
        "is_learned": is_learned,
        "label_axis": np.array([1], np.int64),
        "whole": np.array([1]),
    }


def _counting(vocabulary: dict[str, int]) -> Any:
    """Return the node that counts known n-grams: ``characters`` to ``counts``, (texts, n-grams)."""
    from onnx import helper

    by_length: list[list[str]] = [[gram for gram in vocabulary if len(gram) == n] for n in range(1, _LONGEST_GRAM + 1)]
    pools = [[ord(character) for gram in grams for character in gram] for grams in by_length]
    starts = np.cumsum([0, *map(len, pools)])[:-1]
    return helper.make_node(
        "TfIdfVectorizer",
        ["characters"],
        ["counts"],
        mode="TF",
        min_gram_length=1,
        max_gram_length=_LONGEST_GRAM,
        max_skip_count=0,
        ngram_counts=starts.tolist(),
        ngram_indexes=[vocabulary[gram] for grams in by_length for gram in grams],
        pool_int64s=[point for pool in pools for point in pool],
    )
