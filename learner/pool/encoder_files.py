"""An encoder that every computer can load: what it takes lies in the pool, beside the shards."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from learner.encoders import encoder as encoders
from learner.encoders import onnx_int8
from learner.encoders.precision import EXACT
from learner.pool.storage import PoolError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from learner.encoders.encoder import Encoder
    from learner.encoders.precision import Precision
    from learner.pool.storage import Storage

_ABOUT = "about.json"
_FOLDER = "folder"
_ADAPTER = "adapter.safetensors"


@dataclass(frozen=True, slots=True)
class EncoderFiles:
    """What it takes to load an encoder.

    Attributes:
        name: what it is called.
        hash: identity of its vectors: whoever gets another one has other files, and computes nothing.
        base: ``bundled``, an edition of `learner.encoders.emotion_editions` or a hub name, which each computer has;
            empty for a folder in the pool.
        has_adapter: whether an adapter lies in the pool.
        precision: how exactly it computes: of ``int8`` the form lies in the folder, ``bf16`` is made of the exact one.
    """

    name: str
    hash: str
    base: str
    has_adapter: bool = False
    precision: Precision = EXACT


def place_of(digest: str) -> str:
    """Return the folder of an encoder in the pool."""
    return f"encoders/{digest}"


def put(storage: Storage, about: EncoderFiles, *, adapter: bytes | None = None, folder: Path | None = None) -> None:
    """Put into the pool what it takes to load an encoder, unless it is there.

    Args:
        folder: a checkpoint or an int8 form, of which all files are copied.
    """
    at = place_of(about.hash)
    if storage.size(f"{at}/{_ABOUT}") is not None:
        return
    files = [] if folder is None else sorted(file for file in folder.iterdir() if file.is_file())
    for file in files:
        storage.write(f"{at}/{_FOLDER}/{file.name}", file.read_bytes())
    if adapter is not None:
        storage.write(f"{at}/{_ADAPTER}", adapter)
    # Last: whoever finds it finds all of it.
    storage.write(f"{at}/{_ABOUT}", json.dumps({**asdict(about), "files": [file.name for file in files]}).encode())


def load(storage: Storage, digest: str, *, cache: Path) -> Encoder:
    """Load an encoder of the pool.

    Args:
        cache: where the bundled checkpoint, and files of an object store, are kept.

    Raises:
        EncoderError: if it can't be loaded here.
        PoolError: ``pool_encoder_differs`` if what was loaded gives other vectors than it shall.
    """
    at = place_of(digest)
    stored = json.loads(storage.read(f"{at}/{_ABOUT}"))
    files = stored.pop("files")
    about = EncoderFiles(**stored)
    adapter = storage.read(f"{at}/{_ADAPTER}") if about.has_adapter else None
    folder = _folder(storage, at, files, cache / digest) if files else None
    if about.precision == "int8" and folder is not None:
        encoder: Encoder = onnx_int8.load(folder, about.name, digest=digest)
    else:
        encoder = encoders.load(about.base or str(folder), cache=cache, adapter=adapter, called=about.name)
    if about.precision == "bf16":
        from learner.encoders import bf16  # whoever only lists a pool loads no torch

        encoder = bf16.in_bf16(encoder, about.name)
    if encoder.hash != digest:
        raise PoolError("pool_encoder_differs", name=about.name, asked=digest[:12], found=encoder.hash[:12])
    return encoder


def _folder(storage: Storage, at: str, names: list[str], target: Path) -> Path:
    """Return a folder of this computer with the files: that of the pool, or a copy."""
    if (path := storage.path(f"{at}/{_FOLDER}")) is not None:
        return path
    for name in names:
        if not (target / name).is_file():
            private_files.make_folder(target)
            part = target / f".part-{name}.{os.getpid()}"
            private_files.write_bytes(part, storage.read(f"{at}/{_FOLDER}/{name}"))
            part.replace(target / name)
    return target


def node_cache() -> Path:
    """Return where a computer of a cluster keeps an encoder: ``$MAEUMGYEOL_CACHE``, or a folder for temporary files.

    Nothing is written to anybody's home folder.
    """
    if chosen := os.environ.get("MAEUMGYEOL_CACHE"):
        return Path(chosen)
    return Path(tempfile.gettempdir()) / f"maeumgyeol-{os.getuid()}"
