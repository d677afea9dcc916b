"""Print how likely each label of a text is: pip install numpy onnxruntime tokenizers; python example.py "a text"."""

import json
import os
import re
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer


def predict(texts: list[str], folder: Path = Path(__file__).parent) -> tuple[list[str], np.ndarray]:
    """Return the labels, and the probabilities of each text's labels, (texts, labels)."""
    # It would report its use to its maker as soon as it is imported.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    model = onnxruntime.InferenceSession(folder / "model.onnx")
    rows = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch(texts)
    plain = [re.sub(r"\s\s+", " ", text.lower()) for text in texts]
    longest = max(map(len, plain))
    feeds = {
        "input_ids": [row.ids for row in rows],
        "attention_mask": [row.attention_mask for row in rows],
        "characters": [[*map(ord, text), *[-1] * (1 + longest - len(text))] for text in plain],
    }
    inputs = {node.name: np.array(feeds[node.name], np.int64) for node in model.get_inputs()}
    labels = json.loads(model.get_modelmeta().custom_metadata_map["labels"])
    return labels, model.run(["probabilities"], inputs)[0]


if __name__ == "__main__":
    names, proba = predict(sys.argv[1:])
    json.dump([dict(zip(names, row.tolist(), strict=True)) for row in proba], sys.stdout, ensure_ascii=False, indent=1)
