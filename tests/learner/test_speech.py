"""Speech to text by real checkpoints with random weights, and audio as files bring it."""

from __future__ import annotations

import io
import json
import shutil
import sys
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator.messages import explain
from learner import speech
from learner.errors import LearnerError
from tests.learner.tiny import write_tiny_encoder
from tests.learner.tiny_speech import LETTERS, write_tiny_ctc, write_tiny_whisper

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def tone(seconds: float, rate: int = 16_000, pitch: float = 440.0) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def wav(samples: NDArray[np.float32], rate: int = 16_000, *, width: int = 2, channels: int = 1) -> bytes:
    """Return a WAV file whose channels all hold the same."""
    spread = np.repeat(samples, channels)
    if width == 1:
        raw = (spread * 127 + 128).astype(np.uint8).tobytes()
    else:
        whole = (spread.astype(np.float64) * (2**31 - 1)).astype("<i4")
        raw = whole.view(np.uint8).reshape(-1, 4)[:, 4 - width :].tobytes()
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(raw)
    return target.getvalue()


def code_of(data: bytes) -> str:
    with pytest.raises(LearnerError) as raised:
        speech.read(data)
    assert explain(raised.value)
    return raised.value.code


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_width_and_number_of_channels_gives_the_same_samples(width: int, channels: int) -> None:
    samples = tone(0.3)
    audio = speech.read(wav(samples, width=width, channels=channels))
    assert audio.dtype == np.float32
    np.testing.assert_allclose(audio, samples, atol=0.02 if width == 1 else 1e-4)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_other_rates_are_resampled_without_changing_the_pitch(rate: int) -> None:
    audio = speech.read(wav(tone(1.0, rate), rate))
    assert abs(len(audio) - 16_000) <= 2
    loudest = np.abs(np.fft.rfft(audio)).argmax() * 16_000 / len(audio)
    assert abs(loudest - 440) < 2


def test_a_compressed_recording_is_read_as_well() -> None:
    soundfile = pytest.importorskip("soundfile")
    target = io.BytesIO()
    soundfile.write(target, tone(0.5), 16_000, format="FLAC")
    np.testing.assert_allclose(speech.read(target.getvalue()), tone(0.5), atol=1e-3)


def test_without_the_extra_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert code_of(b"OggS not a wave file") == "speech_extra_missing"
    assert len(speech.read(wav(tone(0.5)))) == 8_000, "WAV needs no extra"


def test_what_is_no_recording_is_refused() -> None:
    pytest.importorskip("soundfile")
    assert code_of(b"") == "speech_unreadable"
    assert code_of(b"RIFF____WAVEjunk" * 9) == "speech_unreadable"
    assert code_of(wav(tone(0.05))) == "speech_too_short"


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = wav(tone(1.0), channels=2)
    audio = speech.read(whole[: len(whole) // 2 + 1])
    assert 7_000 < len(audio) < 9_000


def test_hours_are_refused_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "MOST_SECONDS", 1)
    assert code_of(wav(tone(1.5))) == "speech_too_long"
    soundfile = pytest.importorskip("soundfile")
    target = io.BytesIO()
    soundfile.write(target, np.zeros(32_000), 16_000, format="FLAC")
    assert code_of(target.getvalue()) == "speech_too_long"


@pytest.fixture(scope="module")
def ctc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_ctc(tmp_path_factory.mktemp("speech") / "ctc")


@pytest.mark.slow
def test_a_ctc_checkpoint_spells_what_it_hears_however_long_it_is(ctc: Path) -> None:
    heard = speech.Transcriber(str(ctc))
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000 * 33).astype(np.float32)
    short, long = heard.text_of(noise[: 16_000 * 2]), heard.text_of(noise)
    assert set(short) <= {*LETTERS, " "}, "marks of the tokenizer are no text"
    assert short
    assert len(long) > 6 * len(short), "what comes after half a minute is heard as well"


@pytest.mark.slow
def test_a_whisper_checkpoint_writes_down_short_and_long_audio(tmp_path: Path) -> None:
    heard = speech.Transcriber(str(write_tiny_whisper(tmp_path / "whisper")))
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000 * 32).astype(np.float32)
    for samples in (noise[:16_000], noise):
        text = heard.text_of(samples)
        assert "<|" not in text
        assert text == text.strip()


@pytest.mark.slow
def test_a_checkpoint_of_another_kind_or_with_code_of_its_own_is_refused(ctc: Path, tmp_path: Path) -> None:
    text_encoder = write_tiny_encoder(tmp_path / "text", "가나")
    coded = shutil.copytree(ctc, tmp_path / "coded")
    config = json.loads((coded / "config.json").read_text("utf-8"))
    (coded / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}), "utf-8")
    headless = shutil.copytree(ctc, tmp_path / "headless")
    _drop_head(headless)
    for name, code in (
        (str(text_encoder), "speech_other_kind"),
        (str(coded), "checkpoint_wants_code"),
        (str(headless), "checkpoint_without_head"),
        ("no/such-checkpoint", "checkpoint_missing"),
    ):
        with pytest.raises(LearnerError) as raised:
            speech.Transcriber(name)
        assert raised.value.code == code
        assert name in explain(raised.value)


def _drop_head(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    file = folder / "model.safetensors"
    tensors = {key: tensor for key, tensor in load_file(file).items() if "lm_head" not in key}
    save_file(tensors, file, metadata={"format": "pt"})
