# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Compressed sound: written by FFmpeg's and libsndfile's encoders, read back by Tocsin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from recordings import hum, write
from tocsin.data import Issues, ReadOptions, open_dataset
from tocsin.data.readers import Source, open_reader, sound
from tocsin.errors import DataError

RATE = 16000
SECONDS = 3.0


def encode(path: Path, samples: np.ndarray, codec: str, rate: int = RATE) -> Path:
    """Write `samples`, shape (n, channels) within ±1, by FFmpeg."""
    av = pytest.importorskip("av")

    layout = "mono" if samples.shape[1] == 1 else "stereo"
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 128000
        packed = np.ascontiguousarray(samples.reshape(1, -1), np.float32)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(format=stream.format.name, layout=layout, rate=rate, frame_size=stream.frame_size)
        for one in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(one))
        container.mux(stream.encode(None))
    return path


def like(found: np.ndarray, wanted: np.ndarray) -> float:
    """Correlation of the channels at the best delay: codecs begin a little early or late."""
    spectrum = np.fft.rfft(found, 2 * len(wanted), axis=0) * np.conj(np.fft.rfft(wanted, 2 * len(wanted), axis=0))
    product = np.fft.irfft(spectrum, axis=0).sum(axis=1)
    return float(product.max() / np.sqrt((found**2).sum() * (wanted**2).sum()))


def tone(channels: int) -> np.ndarray:
    t = np.arange(int(RATE * SECONDS)) / RATE
    sweep = 0.4 * np.sin(2 * np.pi * (200 * t + 400 * t**2))
    return np.stack([sweep, 0.5 * np.sin(2 * np.pi * 440 * t + t)], axis=1)[:, :channels]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("suffix", "codec"), [(".m4a", "aac"), (".mp4", "aac"), (".aac", "aac"), (".mka", "aac"), (".wma", "wmav2")]
)
def test_containers_are_read(tmp_path: Path, suffix: str, codec: str, channels: int) -> None:
    wanted = tone(channels)
    found = open_reader(Source(encode(tmp_path / f"a{suffix}", wanted, codec)))
    assert (found.rate, found.channels, found.unit) == (RATE, channels, "digits")
    assert abs(found.samples - len(wanted)) <= 4096
    assert like(found.read_all() / 32768, wanted) > 0.99
    assert "compressed with losses" in found.notes[0]
    np.testing.assert_array_equal(found.read(5000, 100), found.read_all()[5000:5100])


def test_a_codec_without_losses_gives_the_samples(tmp_path: Path) -> None:
    wanted = np.round(tone(2) * 32767)
    found = open_reader(Source(encode(tmp_path / "a.m4a", wanted / 32768, "alac")))
    np.testing.assert_array_equal(found.read_all()[: len(wanted)], wanted)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("suffix", "form", "subtype"),
    [
        (".mp3", "MP3", "MPEG_LAYER_III"),
        (".ogg", "OGG", "VORBIS"),
        (".opus", "OGG", "OPUS"),
        (".aiff", "AIFF", "PCM_16"),
    ],
)
def test_libsndfile_reads_more_than_wav_and_flac(tmp_path: Path, suffix: str, form: str, subtype: str) -> None:
    if form not in soundfile.available_formats():
        pytest.skip(f"this libsndfile has no {form}")
    wanted = tone(1)
    path = tmp_path / "fan/normal" / f"a{suffix}"
    path.parent.mkdir(parents=True)
    soundfile.write(path, wanted, RATE, format=form, subtype=subtype)
    found = open_dataset(tmp_path, ReadOptions())
    samples = found.read(found.clips[0], Issues())
    assert like(samples[:, None] / 32768, wanted) > 0.99
    assert bool(open_reader(Source(path)).notes) == (form != "AIFF")


@pytest.mark.parametrize(("suffix", "subtype"), [(".mp3", "MPEG_LAYER_III"), (".ogg", "VORBIS"), (".opus", "OPUS")])
def test_ffmpeg_stands_in_for_an_old_libsndfile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, subtype: str
) -> None:
    pytest.importorskip("av")
    monkeypatch.setattr(sound, "is_known", lambda suffix: suffix in (".wav", ".flac"))
    wanted = tone(1)
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, wanted, RATE, format="MP3" if suffix == ".mp3" else "OGG", subtype=subtype)
    found = open_reader(Source(path))
    # Opus is 48 kHz, whatever went in.
    assert (found.rate, found.channels) == (48000 if suffix == ".opus" else RATE, 1)
    assert abs(found.samples / found.rate - SECONDS) < 0.2
    if found.rate == RATE:
        assert like(found.read_all() / 32768, wanted) > 0.99


def test_an_old_libsndfile_without_ffmpeg_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(sound, "is_known", lambda suffix: suffix in (".wav", ".flac"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "av" else find(name, *rest))
    write(tmp_path / "normal/a.wav", hum(1))
    (tmp_path / "normal/b.mp3").write_bytes(b"\xff\xfb\x90\x00" * 100)
    left = open_dataset(tmp_path, ReadOptions()).left_out
    assert [str(item) for item in left] == ['normal/b.mp3: .mp3 needs the package av: pip install "tocsin[audio]"']


@pytest.mark.parametrize("suffix", [".m4a", ".mka", ".aac", ".wma"])
def test_malformed_containers_are_refused_or_told(tmp_path: Path, suffix: str, rng: np.random.Generator) -> None:
    codec = "wmav2" if suffix == ".wma" else "aac"
    whole = encode(tmp_path / f"whole{suffix}", tone(1), codec).read_bytes()
    for number in range(20):
        path = tmp_path / f"{number}{suffix}"
        damaged = bytearray(whole[: len(whole) * (number + 1) // 21])
        for at in rng.integers(0, len(damaged), 4 if number % 2 else 0):
            damaged[at] = int(rng.integers(0, 256))
        path.write_bytes(damaged)
        try:
            open_reader(Source(path)).read_all()
        except DataError:
            continue


def test_a_playlist_under_another_name_opens_nothing(tmp_path: Path) -> None:
    pytest.importorskip("av")
    secret = write(tmp_path / "secret.wav", hum(1))
    for suffix in (".m4a", ".aac", ".mka", ".wma"):
        path = tmp_path / f"a{suffix}"
        path.write_text(f"#EXTM3U\n#EXTINF:3,\nfile:{secret}\n#EXT-X-ENDLIST\n")
        with pytest.raises(DataError):
            open_reader(Source(path)).read_all()


def test_a_film_without_sound_is_refused(tmp_path: Path) -> None:
    av = pytest.importorskip("av")

    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 32
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(DataError, match="holds no sound"):
        open_reader(Source(path))
