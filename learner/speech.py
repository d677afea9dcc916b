"""Speech to text: any transformers speech checkpoint, by hub name or folder, on 16 kHz mono audio."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.classification.pretrained import first_line, quieten, read_config
from learner.errors import LearnerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

RATE = 16_000
"""Samples a second that speech checkpoints hear."""

MOST_SECONDS = 30 * 60
"""No diary is longer, and the text of a longer recording would be cut."""

_LEAST_SECONDS = 0.2
_CHUNK_SECONDS = 30
"""Checkpoints hear half a minute at a time; longer audio is cut with overlap and put together again."""

_RATES = range(4_000, 400_001)
_LANGUAGE = "<|ko|>"


def read(data: bytes) -> FloatArray:
    """Return audio as samples in [-1, 1], (n,), 16,000 a second, several channels as their mean.

    Args:
        data: a WAV file, as browsers record it; with the package ``soundfile`` also FLAC, OGG and MP3.

    Raises:
        LearnerError: if it can't be read, is longer than `MOST_SECONDS` or too short to hold a word.
    """
    try:
        samples, rate = _read_wave(data)
    except (wave.Error, EOFError):
        samples, rate = _read_other(data)
    if len(samples) < _LEAST_SECONDS * rate:
        raise LearnerError("speech_too_short")
    if rate == RATE:
        return samples
    from scipy.signal import resample_poly

    step = np.gcd(rate, RATE)
    return np.asarray(resample_poly(samples, RATE // step, rate // step), np.float32)


def _read_wave(data: bytes) -> tuple[FloatArray, int]:
    with wave.open(io.BytesIO(data)) as file:
        rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
        _check_length(file.getnframes(), rate)
        raw = file.readframes(file.getnframes())
    # A recording that was cut off may end within a frame.
    whole = np.frombuffer(raw, np.uint8)[: len(raw) // (width * channels) * width * channels].reshape(-1, width)
    if width == 1:
        samples = (whole[:, 0].astype(np.float32) - 128) / 128
    else:
        # The upper bytes of 32 bits, so that the sign is right for 16, 24 and 32.
        padded = np.zeros((len(whole), 4), np.uint8)
        padded[:, 4 - width :] = whole
        samples = padded.view("<i4")[:, 0].astype(np.float32) / 2**31
    return np.asarray(samples.reshape(-1, channels).mean(axis=1), np.float32), rate


def _read_other(data: bytes) -> tuple[FloatArray, int]:
    try:
        import soundfile
    except (ImportError, OSError) as error:  # the package, or the library that it stands on
        raise LearnerError("speech_extra_missing") from error
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            _check_length(file.frames, file.samplerate)
            samples = file.read(dtype="float32", always_2d=True)
            return np.asarray(samples.mean(axis=1), np.float32), file.samplerate
    except (soundfile.SoundFileError, ValueError) as error:
        raise LearnerError("speech_unreadable") from error


def _check_length(frames: int, rate: int) -> None:
    """Refuse long audio before anything is unpacked: a small file may hold hours."""
    if rate not in _RATES:
        raise LearnerError("speech_unreadable")
    if frames > MOST_SECONDS * rate:
        raise LearnerError("speech_too_long", found=frames // rate // 60, most=MOST_SECONDS // 60)


class Transcriber:
    """A loaded speech checkpoint. Not safe for use by several threads at once.

    Args:
        name: hub name or folder.

    Raises:
        LearnerError: if it can't be found, asks to run code of its own, is no speech checkpoint or can't be loaded.
    """

    def __init__(self, name: str) -> None:
        read_config(name)
        quieten()
        self.name = name
        try:
            self._pipeline = _pipeline(name)
        except LearnerError:
            raise
        except Exception as error:
            raise LearnerError("checkpoint_unloadable", name=name, reason=first_line(error)) from error
        if self._pipeline.feature_extractor.sampling_rate != RATE:
            rate = self._pipeline.feature_extractor.sampling_rate
            raise LearnerError("speech_rate", name=name, found=rate, wanted=RATE)

    def text_of(self, samples: FloatArray) -> str:
        """Return what is said in audio.

        Args:
            samples: (n,) of `read`.

        Raises:
            LearnerError: if the checkpoint fails on it.
        """
        try:
            # The pipeline changes the dictionary that it is given.
            heard = self._pipeline({"raw": samples, "sampling_rate": RATE}, **self._options(len(samples) / RATE))
        except Exception as error:
            raise LearnerError("speech_failed", name=self.name, reason=type(error).__name__) from error
        text = str(heard["text"])
        # Some tokenizers leave their own marks in.
        for mark in self._pipeline.tokenizer.all_special_tokens:
            text = text.replace(mark, "")
        return " ".join(text.split())

    def _options(self, seconds: float) -> dict[str, Any]:
        kind = self._pipeline.type
        is_long = seconds > _CHUNK_SECONDS
        if kind not in ("seq2seq", "seq2seq_whisper"):
            return {"chunk_length_s": _CHUNK_SECONDS} if is_long else {}
        generate: dict[str, Any] = {"num_beams": 1}
        languages = getattr(self._pipeline.model.generation_config, "lang_to_id", None) or {}
        if _LANGUAGE in languages:
            generate |= {"language": "ko", "task": "transcribe"}
        options: dict[str, Any] = {"generate_kwargs": generate}
        if is_long and kind == "seq2seq_whisper":
            # Whisper goes through long audio by itself, from the times that it hears.
            return {**options, "return_timestamps": True}
        return {**options, "chunk_length_s": _CHUNK_SECONDS, "ignore_warning": True} if is_long else options


def _pipeline(name: str) -> Any:
    from transformers import (
        AutoConfig,
        AutoFeatureExtractor,
        AutoModelForCTC,
        AutoModelForSpeechSeq2Seq,
        AutoTokenizer,
        pipeline,
    )

    config = AutoConfig.from_pretrained(name, trust_remote_code=False)
    kinds = [kind for kind in (AutoModelForSpeechSeq2Seq, AutoModelForCTC) if type(config) in kind._model_mapping]  # noqa: SLF001
    if not kinds:
        raise LearnerError("speech_other_kind", name=name, kind=str(config.model_type))
    # Several wav2vec2 checkpoints hold the encoder alone; the head that is missing would be random.
    model, info = kinds[0].from_pretrained(name, trust_remote_code=False, output_loading_info=True)
    if missing := sorted(key for key in info["missing_keys"] if "masked_spec_embed" not in key):
        raise LearnerError("checkpoint_without_head", name=name, count=len(missing), example=missing[0])
    return pipeline(
        "automatic-speech-recognition",
        model=model.eval(),
        tokenizer=AutoTokenizer.from_pretrained(name, trust_remote_code=False),
        feature_extractor=AutoFeatureExtractor.from_pretrained(name, trust_remote_code=False),
        device="cpu",
    )
