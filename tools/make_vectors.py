#!/usr/bin/env python3
# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Make the golden vectors in tests/vectors: what every build of the pipeline must give, bit for bit.

    python tools/make_vectors.py             expected results of the bundles and inputs that are there
    python tools/make_vectors.py --check     compare instead of writing; exit status 1 where anything differs
    python tools/make_vectors.py --bundles   new inputs and bundles first (their tables and fits are float64
                                             arithmetic of NumPy and scikit-learn, so other bytes elsewhere)
    python tools/make_vectors.py --network   a new network for the autoencoder first (needs TensorFlow)

The formats are described in tests/vectors/README.md. A change of the expected results is a change of the feature
definition: raise TOCSIN_DSP_VERSION with it.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from tocsin.bundle import (
    AutoencoderModel,
    Decision,
    GaussianMixtureModel,
    KMeansModel,
    MahalanobisModel,
    Normalisation,
    read_bundle,
    write_bundle,
)
from tocsin.features import Extractor, FeatureConfig
from tocsin.twin import Event, Gap, Scorer, Twin, Window

ROOT = Path(__file__).resolve().parents[1] / "tests" / "vectors"
NETWORK = ROOT / "autoencoder.tflite"
SEED = 20260000
SMOOTH = 2


def audio() -> np.ndarray:
    """One second at 8 kHz: two tones in noise, with a rattle from 0.5 to 0.65 s that reaches full scale; an offset."""
    rng = np.random.default_rng(SEED)
    t = np.arange(8000) / 8000
    x = 1000 + 3000 * np.sin(2 * np.pi * 440 * t) + 1500 * np.sin(2 * np.pi * 1210 * t) + rng.normal(0, 400, t.size)
    rattle = (t >= 0.5) & (t < 0.65)
    x[rattle] += rng.normal(0, 15000, rattle.sum())
    return np.clip(np.rint(x), -32768, 32767).astype("<i2")


def vibration() -> np.ndarray:
    """Two seconds at 800 Hz and three axes: a rotor at 25 Hz, gravity on z, blows from 1.0 to 1.3 s, a dead x axis."""
    rng = np.random.default_rng(SEED + 1)
    t = np.arange(1600) / 800
    x = np.stack([np.cos(2 * np.pi * 25 * t), np.sin(2 * np.pi * 25 * t), 0.3 * np.sin(2 * np.pi * 50 * t)], axis=1)
    x = 600 * x + rng.normal(0, 60, x.shape) + np.array([0, 0, 2048])
    blow = (t >= 1.0) & (t < 1.3)
    x[blow] += 4000 * (rng.random((int(blow.sum()), 3)) < 0.05)
    x[-200:, 0] = 0
    return np.clip(np.rint(x), -32768, 32767).astype("<i2")


INPUTS: dict[str, Callable[[], np.ndarray]] = {"audio": audio, "vibration": vibration}

MEL = {"sample_rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 8, "fmin": 100.0, "fmax": 4000.0}
AXES = {"sample_rate": 800, "scale_g": 1 / 2048, "fmin": 5.0, "fmax": 400.0}

FEATURES: dict[str, FeatureConfig] = {
    "kmeans": FeatureConfig.logmel(**MEL, window_frames=6, window_hop=3),
    "gmm_diagonal": FeatureConfig.vibration(
        **AXES, frame_length=100, hop=50, n_fft=256, n_bands=3, pool=("mean", "max"), window_frames=4, window_hop=2
    ),
    "gmm_full": FeatureConfig.vibration(
        **AXES, frame_length=64, hop=32, n_fft=0, n_bands=0, pool=("mean",), window_frames=2, window_hop=1
    ),
    "mahalanobis": FeatureConfig.logmel(**(MEL | {"n_fft": 512}), pool=("mean", "std"), window_frames=4, window_hop=2),
    "autoencoder": FeatureConfig.logmel(**MEL, pool=("stack",), window_frames=4, window_hop=1),
}

# Samples to take and then to skip, until the input is used up; the gaps are where windows would be.
STREAMS = {"audio": [(6500, 300), (1500, 0)], "vibration": [(1000, 77), (600, 0)]}


def input_of(case: str) -> str:
    """Name of a case's input."""
    return FEATURES[case].sensor


def load_input(name: str) -> np.ndarray:
    """Samples of an input, shape (n, channels)."""
    samples = np.frombuffer((ROOT / f"{name}.i16").read_bytes(), dtype="<i2")
    return samples.reshape(-1, 1 if name == "audio" else 3)


def fit(case: str, x: np.ndarray) -> Any:
    """A model of normalised vectors."""
    if case == "kmeans":
        return KMeansModel(KMeans(3, n_init=4, random_state=SEED).fit(x).cluster_centers_)
    if case == "mahalanobis":
        return MahalanobisModel.from_moments(x.mean(axis=0), np.cov(x.T) + np.eye(x.shape[1]))
    if case == "autoencoder":
        return AutoencoderModel.from_tflite(NETWORK.read_bytes())
    name = case.removeprefix("gmm_")
    mixture = GaussianMixture(
        2, covariance_type={"diagonal": "diag", "full": "full"}[name], reg_covar=1.0, random_state=SEED
    ).fit(x)
    return GaussianMixtureModel.from_moments(mixture.weights_, mixture.means_, mixture.covariances_, name)


def normal_vectors(case: str) -> tuple[np.ndarray, Normalisation]:
    """Vectors before the anomaly, and their normalisation."""
    samples = load_input(input_of(case))
    vectors, _ = Extractor(FEATURES[case]).vectors(samples[: len(samples) // 2])
    std = np.maximum(vectors.std(axis=0), 0.3)
    return vectors, Normalisation(vectors.mean(axis=0), 1 / std)


def make_bundle(case: str) -> bytes:
    """A case's bundle, its threshold just above the scores of the normal part."""
    vectors, normalisation = normal_vectors(case)
    parts = {
        "features": FEATURES[case],
        "normalisation": normalisation,
        "model": fit(case, (vectors - normalisation.mean) * normalisation.inv_std),
        "meta": {"name": f"golden vector {case}"},
    }
    draft = write_bundle(None, decision=Decision(SMOOTH, 1, 0.0, 0.0), **parts)
    scores = Scorer(read_bundle(draft)).score(vectors)
    low, high = float(scores.mean()), float(scores.max())
    margin = 2 * (high - low) + 0.5
    return write_bundle(None, decision=Decision(SMOOTH, 2, high + margin, high + margin / 2), **parts)


def make_network() -> bytes:
    """A dense autoencoder for the case of that name, 32-8-32, int8."""
    import tensorflow as tf

    vectors, normalisation = normal_vectors("autoencoder")
    x = ((vectors - normalisation.mean) * normalisation.inv_std).astype(np.float32)
    tf.keras.utils.set_random_seed(SEED)
    dim = x.shape[1]
    model = tf.keras.Sequential(
        [tf.keras.Input((dim,)), tf.keras.layers.Dense(8, activation="relu"), tf.keras.layers.Dense(dim)]
    )
    model.compile(optimizer=tf.keras.optimizers.Adam(0.02), loss="mse")
    model.fit(x, x, epochs=60, verbose=0)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[np.newaxis]] for row in x)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def expected(case: str) -> tuple[dict[str, bytes], dict[str, Any]]:
    """A case's files of results, and its entry in index.json."""
    raw = (ROOT / case / "bundle.tocsin").read_bytes()
    samples = load_input(input_of(case))
    stream = STREAMS[input_of(case)]
    twin = Twin(read_bundle(raw), keep_vectors=True)
    results: list[Window | Event | Gap] = []
    position = 0
    for take, skip in stream:
        results += twin.push(samples[position : position + take])
        results += twin.skip(skip)
        position += take
    results += twin.finish()
    windows = [r for r in results if isinstance(r, Window)]
    events = [r for r in results if isinstance(r, Event)]
    gaps = [r for r in results if isinstance(r, Gap)]
    kinds = {"begin": 1, "end": 2}
    files = {
        "stream.bin": b"".join(struct.pack("<II", *part) for part in stream),
        "vectors.f32": twin.vectors.astype("<f4").tobytes(),
        "windows.bin": b"".join(struct.pack("<QQff", w.begin, w.end, w.score, w.smoothed) for w in windows),
        "events.bin": b"".join(struct.pack("<QQIf", e.begin, e.end, kinds[e.kind], e.peak) for e in events),
        "gaps.bin": b"".join(struct.pack("<QQ", g.index, g.count) for g in gaps),
    }
    entry = {
        "input": f"{input_of(case)}.i16",
        "channels": samples.shape[1],
        "dim": FEATURES[case].n_vector,
        "windows": len(windows),
        "events": [[e.kind, e.begin, e.end, np.float32(e.peak).tobytes().hex()] for e in events],
        "gaps": [[g.index, g.count] for g in gaps],
        "crc32": {name: f"{zlib.crc32(data):08x}" for name, data in {"bundle.tocsin": raw, **files}.items()},
    }
    return files, entry


def results() -> dict[Path, bytes]:
    """All files of expected results."""
    written: dict[Path, bytes] = {}
    index = {}
    for case in FEATURES:
        files, index[case] = expected(case)
        written.update({ROOT / case / name: data for name, data in files.items()})
    written[ROOT / "index.json"] = (json.dumps(index, indent=1) + "\n").encode()
    return written


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--bundles", action="store_true")
    parser.add_argument("--network", action="store_true")
    options = parser.parse_args()
    if options.check and (options.bundles or options.network):
        parser.error("--check writes nothing, so it goes with no other option")
    if options.bundles or options.network:
        for name, make in INPUTS.items():
            ROOT.mkdir(parents=True, exist_ok=True)
            (ROOT / f"{name}.i16").write_bytes(make().tobytes())
        if options.network:
            NETWORK.write_bytes(make_network())
        for case in FEATURES:
            (ROOT / case).mkdir(exist_ok=True)
            (ROOT / case / "bundle.tocsin").write_bytes(make_bundle(case))
    made = results()
    if not options.check:
        for path, data in made.items():
            path.write_bytes(data)
        return 0
    differing = [path for path, data in made.items() if not path.exists() or path.read_bytes() != data]
    for path in differing:
        print(f"{path.relative_to(ROOT.parent)} differs", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
