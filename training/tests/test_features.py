# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Configurations, filter banks and the checks of what users give."""

from __future__ import annotations

import concurrent.futures
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import LOGMEL, STATS, noise
from tocsin import _core
from tocsin.errors import DataError, TocsinError
from tocsin.features import Extractor, FeatureConfig, FeatureError
from tocsin.features.config import hann, sine_table
from tocsin.features.filterbank import power_bands


def test_window_is_scipys_hann():
    signal = pytest.importorskip("scipy.signal")
    for length in (16, 100, 101, 1024):
        whole = signal.get_window("hann", length, fftbins=True)
        half = hann(length)
        assert half.shape == (length // 2 + 1,)
        np.testing.assert_allclose(half, whole[: length // 2 + 1] if length > 1 else whole, atol=6e-8)


def test_sine_table_is_the_sine_and_symmetric():
    for n in (256, 4096):
        table = sine_table(n)
        np.testing.assert_allclose(table, np.sin(2 * np.pi * np.arange(n) / n), atol=6e-8)
        assert table[0] == 0.0
        assert table[n // 4] == 1.0
        assert table[n // 2] == 0.0
        assert table[3 * n // 4] == -1.0


@pytest.mark.parametrize("spacing", ["log", "linear", "mel"])
@pytest.mark.parametrize(("n_fft", "frame_length"), [(256, 256), (512, 300)])
def test_power_bands_add_up_to_the_mean_square(spacing, n_fft, frame_length):
    # Of white noise with a flat one-sided spectrum: each band's power is its share of the bandwidth.
    bands = power_bands(
        sample_rate=1000, n_fft=n_fft, frame_length=frame_length, n_bands=7, fmin=20.0, fmax=480.0, spacing=spacing
    )
    assert len(bands) == 7
    assert all(band.count > 0 for band in bands)
    # A spectrum |X|² with a mean square of 1 in all: n_fft · Σw² / n_fft per two-sided bin.
    flat = np.full(n_fft // 2 + 1, frame_length * 3 / 8)
    total = sum(float(np.dot(band.weights, flat[band.first : band.first + band.count])) for band in bands)
    assert total == pytest.approx((480 - 20) / 500, rel=1e-5)


def test_a_band_narrower_than_a_bin_is_not_empty():
    bands = power_bands(sample_rate=1000, n_fft=256, frame_length=256, n_bands=20, fmin=1.0, fmax=20.0, spacing="log")
    assert all(band.count > 0 for band in bands)


def test_vectors_are_those_of_the_windows():
    extractor = Extractor(STATS)
    samples = noise(STATS, 1000)
    vectors, spans = extractor.vectors(samples)
    n = (1000 - STATS.window_span) // STATS.window_step + 1
    assert vectors.shape == (n, STATS.n_vector)
    assert vectors.dtype == np.float32
    assert spans.dtype == np.uint64
    assert spans[:, 0].tolist() == [i * STATS.window_step for i in range(n)]
    assert (spans[:, 1] - spans[:, 0] == STATS.window_span).all()
    one, _ = Extractor(STATS).vectors(samples[int(spans[3, 0]) : int(spans[3, 1])])
    np.testing.assert_array_equal(one[0], vectors[3])


def test_recordings_are_independent():
    extractor = Extractor(STATS)
    first, _ = extractor.vectors(noise(STATS, 500, seed=1))
    extractor.vectors(noise(STATS, 333, seed=2))
    again, _ = extractor.vectors(noise(STATS, 500, seed=1))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("length", [0, 1, 31, 32, 91, 92])
def test_short_recordings_give_what_they_fill(length):
    extractor = Extractor(STATS)
    vectors, spans = extractor.vectors(noise(STATS, length))
    assert len(vectors) == len(spans) == (1 if length >= STATS.window_span else 0)
    assert extractor.frames(noise(STATS, length)).shape == (max(0, (length - 32) // 20 + 1), STATS.n_features)


def test_mono_needs_no_second_axis():
    samples = noise(LOGMEL, 2000)
    extractor = Extractor(LOGMEL)
    np.testing.assert_array_equal(extractor.vectors(samples[:, 0])[0], extractor.vectors(samples)[0])


def test_strided_and_byte_swapped_samples_are_the_same_samples():
    samples = noise(STATS, 300)
    wide = np.zeros((600, 4), np.int16)
    wide[::2, 1:] = samples
    extractor = Extractor(STATS)
    expected = extractor.frames(samples)
    np.testing.assert_array_equal(extractor.frames(wide[::2, 1:]), expected)
    np.testing.assert_array_equal(extractor.frames(samples.astype(">i2")), expected)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(500), "float64, the device's are int16"),
        (np.full((500, 3), np.nan, np.float32), "float32, the device's are int16"),
        (np.zeros((500, 3), np.uint16), "uint16"),
        (np.zeros((500, 2), np.int16), r"expected \(n, 3\)"),
        (np.zeros(500, np.int16), r"expected \(n, 3\)"),
        (np.zeros((5, 100, 3), np.int16), r"expected \(n, 3\)"),
    ],
)
def test_other_samples_are_refused(samples, message):
    for use in (Extractor(STATS).vectors, Extractor(STATS).frames):
        with pytest.raises(DataError, match=message):
            use(samples)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sensor": "light"}, "sensor"),
        ({"sample_rate": 0}, "sample_rate is 0"),
        ({"sample_rate": 800.0}, "sample_rate is 800.0"),
        ({"channels": 4}, "channels is 4"),
        ({"channels": True}, "channels"),
        ({"scale": 0.0}, "scale"),
        ({"scale": float("nan")}, "scale"),
        ({"scale": 1e39}, "scale"),
        ({"log_floor": -1.0}, "log_floor"),
        ({"log_floor": 1e-40}, "log_floor"),
        ({"frame_length": 15}, "frame_length is 15"),
        ({"frame_length": 5000}, "frame_length is 5000"),
        ({"hop": 0}, "hop is 0"),
        ({"hop": 33}, "hop is 33"),
        ({"stats": ("rms", "mode")}, "mode: choose from rms"),
        ({"stats": ()}, "nothing to compute"),
        ({"pool": ()}, "pool is empty"),
        ({"pool": ("median",)}, "median"),
        ({"n_fft": 256}, "there are no bands"),
        ({"window_frames": 0}, "window_frames"),
        ({"window_hop": 3}, "must divide window_frames"),
        ({"window_frames": 1024, "window_hop": 1024, "pool": ("stack",)}, "12288 values"),
        ({"bands": LOGMEL.bands, "n_fft": 300}, "power of two"),
        ({"bands": LOGMEL.bands, "n_fft": 256, "window": (1.0, 2.0)}, "table's length"),
        ({"sensor": "audio", "remove_mean": False}, "microphone's offset"),
    ],
)
def test_other_configurations_are_refused(change, message):
    with pytest.raises(FeatureError, match=message) as caught:
        dataclasses.replace(STATS, **change)
    assert isinstance(caught.value, TocsinError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_mels": 128, "n_fft": 256}, "holds no FFT bin"),
        ({"n_mels": 129}, "number of bands"),
        ({"fmin": 5000.0, "fmax": 4000.0}, "must rise"),
        ({"fmax": 9000.0}, "half the sample rate"),
        ({"n_fft": 1000}, "power of two"),
        ({"n_fft": 8192}, "n_fft is 8192"),
    ],
)
def test_other_logmels_are_refused(arguments, message):
    with pytest.raises(FeatureError, match=message):
        FeatureConfig.logmel(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"fmax": 400.0},
        {"n_fft": 256, "hop": 128, "n_mels": 128},
        {"sample_rate": 48000, "n_fft": 512, "hop": 256, "n_mels": 96},
    ],
)
def test_what_is_advised_where_a_band_is_empty_suffices(arguments):
    names = {"--mels": ("n_mels", int), "--n-fft": ("n_fft", int), "--fmin": ("fmin", float)}
    with pytest.raises(FeatureError, match=r"holds no FFT bin .* Give --") as caught:
        FeatureConfig.logmel(**arguments)
    ways = str(caught.value).rpartition(" Give ")[2].rstrip(".").split(" or ")
    for way in ways:
        option, value = way.split()
        name, number = names[option]
        assert FeatureConfig.logmel(**{**arguments, name: number(value)}).bands
    # The advice on bands is no smaller than it must be.
    number = next(int(way.split()[1]) for way in ways if way.startswith("--mels"))
    with pytest.raises(FeatureError, match="holds no FFT bin"):
        FeatureConfig.logmel(**{**arguments, "n_mels": number + 1})


@given(
    sensor=st.sampled_from(["audio", "vibration"]),
    stats=st.sets(st.sampled_from(["rms", "peak", "crest", "kurtosis"]), min_size=1),
    pool=st.lists(st.sampled_from(["stack", "mean", "std", "max"]), min_size=1),
    channels=st.integers(1, 3),
    frame=st.integers(16, 200),
    blocks=st.integers(1, 5),
    window_hop=st.integers(1, 4),
    remove_mean=st.booleans(),
)
def test_sizes_and_fields_agree_with_c(sensor, stats, pool, channels, frame, blocks, window_hop, remove_mean):
    config = FeatureConfig(
        sensor=sensor,
        sample_rate=1000,
        channels=channels,
        scale=0.1,
        frame_length=frame,
        hop=frame // 2,
        stats=stats,
        remove_mean=remove_mean or sensor == "audio",
        pool=pool,
        window_frames=blocks * window_hop,
        window_hop=window_hop,
    )
    native = config._native()
    assert native.n_features == config.n_features
    assert native.n_vector == config.n_vector
    assert FeatureConfig._from_native(native, sensor) == config
    assert len({config, FeatureConfig._from_native(native, sensor)}) == 1
    # One sample less than a window gives nothing, a window gives one, a step more two.
    counts = [
        len(Extractor(config).vectors(noise(config, n))[0])
        for n in (config.window_span - 1, config.window_span, config.window_span + config.window_step)
    ]
    assert counts == [0, 1, 2]


def test_other_tables_survive():
    window = tuple(np.float32(hann(256) * 0.5).tolist())
    config = dataclasses.replace(LOGMEL, window=window)
    again = FeatureConfig._from_native(config._native(), "audio")
    assert again.window == window
    assert again.sine is None
    assert not np.array_equal(
        Extractor(config).frames(noise(LOGMEL, 256)), Extractor(LOGMEL).frames(noise(LOGMEL, 256))
    )


def test_threads_share_nothing():
    recordings = [noise(LOGMEL, 20000, seed=seed) for seed in range(8)]
    expected = [Extractor(LOGMEL).vectors(samples)[0] for samples in recordings]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda samples: Extractor(LOGMEL).vectors(samples)[0], recordings))
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_gil_is_released_and_a_shared_extractor_is_refused():
    config = FeatureConfig.logmel(n_mels=8, n_fft=4096, hop=64, window_frames=1)
    extractor = Extractor(config)
    samples = noise(config, 2_000_000)
    refused = []

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(extractor.vectors, samples)
        # Only with the GIL released does this thread get to run while the other one is in C.
        while not future.done():
            try:
                extractor.vectors(samples[:4096])
            except RuntimeError as error:
                refused.append(str(error))
                break
        if future.exception() is not None:
            refused.append(str(future.exception()))
    assert refused == ["this object is in use by another thread; make one for each thread"]


def test_the_stub_names_what_the_extension_has():
    import ast
    from importlib import resources

    tree = ast.parse((resources.files("tocsin") / "_core.pyi").read_text())
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    others = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    others |= {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)}
    public = {name for name in dir(_core) if not name.startswith("_")}
    assert public == set(classes) | others
    for name, node in classes.items():
        members = {item.name for item in node.body if isinstance(item, ast.FunctionDef)} - {
            "__init__",
            "__enter__",
            "__exit__",
        }
        actual = {item for item in vars(getattr(_core, name)) if not item.startswith("_")}
        assert members == actual, name
