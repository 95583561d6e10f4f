# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""One detector of each kind, and recordings real and synthetic to run through it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tocsin.bundle import (
    AutoencoderModel,
    Bundle,
    CombinedModel,
    Decision,
    DutyCycle,
    GaussianMixtureModel,
    KMeansModel,
    MahalanobisModel,
    NetworkModel,
    Normalisation,
    read_bundle,
    write_bundle,
)
from tocsin.features import Extractor, FeatureConfig
from tocsin.synth import MACHINES, render
from tocsin.synth.wav import to_pcm16
from tocsin.tflite.interpreter import model_io

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors"
Samples = NDArray[np.int16]
RATE = 16000
FAN_RATE = 200
FAN_SCALE = 1 / 4096  # g a digit, as a ±8 g accelerometer gives


def silent(features: FeatureConfig, duty: DutyCycle | None = None) -> bytes:
    """A detector that can be run, and never alarms."""
    dim = features.n_vector
    return write_bundle(
        None,
        features=features,
        normalisation=Normalisation(np.zeros(dim), np.ones(dim)),
        model=KMeansModel(np.zeros((1, dim))),
        decision=Decision(smooth=1, min_windows=1, threshold_on=1e9, threshold_off=1e9),
        meta={},
        duty=duty,
    )


def data() -> Path | None:
    """The folder with real recordings, None where there is none."""
    folder = Path(os.environ.get("TOCSIN_DATA", ROOT.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


@cache
def toycar() -> list[tuple[str, Samples]]:
    """Twelve real recordings of toy cars, a second each."""
    import soundfile

    folder = data()
    if folder is None:
        return []
    files = [
        path for car in "BCD" for path in sorted((folder / "toycar" / f"car_{car}" / "test").glob("*.flac"))[::9][:4]
    ]
    return [(path.stem, soundfile.read(path, dtype="int16", frames=RATE)[0]) for path in files]


@cache
def fan() -> list[tuple[str, Samples]]:
    """Eighteen real recordings of a ceiling fan, eight seconds each, three axes."""
    folder = data()
    if folder is None:
        return []
    archive = np.load(folder / "ceiling_fan.npz")
    clips = []
    for name in sorted(archive.files):
        for first in (0, 100):
            millionths = archive[name][first : first + 8].reshape(-1, 3)
            digits = np.clip(np.rint(millionths / 1e6 / FAN_SCALE), -32768, 32767).astype(np.int16)
            clips.append((f"{name} {first}", digits))
    return clips


@cache
def machines() -> list[tuple[str, Samples]]:
    """One failing machine of each kind from ``tocsin synth``, a second each."""
    clips = []
    for kind, spec in MACHINES.items():
        fault = next(iter(spec.faults))
        clips.append((f"{kind} {fault}", to_pcm16(render(kind, fault=fault, seconds=1.0), full_scale=1.0)[0]))
    return clips


@cache
def machine_noise() -> list[tuple[str, Samples]]:
    """Six synthetic recordings: a hum in noise, its level and pitch wandering; the last three with blows."""
    rng = np.random.default_rng(7)
    clips = []
    for number in range(6):
        t = np.arange(2 * RATE) / RATE
        hum = sum(np.sin(2 * np.pi * k * (97 + 3 * number) * t + k) / k for k in range(1, 9))
        signal = 2500 * hum + rng.normal(0, 900, t.size)
        if number >= 3:
            signal += 20000 * np.exp(-((t * 11) % 1) * 60) * rng.normal(0, 1, t.size)
        clips.append((f"hum {number}", np.clip(np.rint(signal), -32768, 32767).astype(np.int16)))
    return clips


@cache
def shaking() -> list[tuple[str, Samples]]:
    """Four synthetic recordings of three axes, one saturating and one partly dead."""
    rng = np.random.default_rng(8)
    clips = []
    for number in range(4):
        t = np.arange(8 * FAN_RATE) / FAN_RATE
        axes = np.stack([400 * np.sin(2 * np.pi * (7 + number) * t + a) + rng.normal(0, 60, t.size) for a in range(3)])
        axes[2] += 4096
        if number == 2:
            axes *= 20
        if number == 3:
            axes[0, t.size // 2 :] = 0
        clips.append((f"shaking {number}", np.clip(np.rint(axes.T), -32768, 32767).astype(np.int16)))
    return clips


def audio() -> list[tuple[str, Samples]]:
    """All recordings for detectors of sound."""
    return toycar() + machines() + machine_noise()


def vibration() -> list[tuple[str, Samples]]:
    """All recordings for detectors of vibration."""
    return fan() + shaking()


def _fit(features: FeatureConfig, clips: list[tuple[str, Samples]]) -> tuple[NDArray[np.float64], Normalisation]:
    vectors = np.concatenate([Extractor(features).vectors(samples)[0] for _, samples in clips]).astype(np.float64)
    normalisation = Normalisation(vectors.mean(axis=0), 1 / np.maximum(vectors.std(axis=0), 1e-3))
    return (vectors - normalisation.mean) * normalisation.inv_std, normalisation


def _pack(features: FeatureConfig, normalisation: Normalisation, model, vectors: NDArray[np.float64]) -> Bundle:
    """Thresholds in the middle of the scores, so that there are events to compare."""
    from tocsin.twin import Scorer

    def pack(on: float, off: float) -> Bundle:
        raw = write_bundle(
            None,
            features=features,
            normalisation=normalisation,
            model=model,
            decision=Decision(smooth=3, min_windows=2, threshold_on=on, threshold_off=off),
            meta={},
        )
        return read_bundle(raw)

    plain = (vectors / normalisation.inv_std + normalisation.mean).astype(np.float32)
    scores = Scorer(pack(1.0, 1.0)).score(plain)
    return pack(float(np.quantile(scores, 0.6)), float(np.quantile(scores, 0.4)))


def _audio_features() -> FeatureConfig:
    return FeatureConfig.logmel(sample_rate=RATE, n_mels=64, pool=("mean", "std"), window_frames=8, window_hop=2)


def _fan_features(bands: bool) -> FeatureConfig:
    return FeatureConfig.vibration(
        sample_rate=FAN_RATE, scale_g=FAN_SCALE, frame_length=100, hop=50, n_fft=256 if bands else 0,
        n_bands=8 if bands else 0, fmin=2.0, fmax=90.0, window_frames=4, window_hop=2, pool=("mean", "max"),
    )  # fmt: skip


def kmeans() -> Bundle:
    """Eight clusters of sound."""
    from sklearn.cluster import KMeans

    features = _audio_features()
    x, normalisation = _fit(features, audio())
    centroids = KMeans(8, n_init=1, random_state=0).fit(x).cluster_centers_
    return _pack(features, normalisation, KMeansModel(centroids), x)


def mahalanobis() -> Bundle:
    """One Gaussian of sound, full covariance."""
    features = _audio_features()
    x, normalisation = _fit(features, audio())
    covariance = np.cov(x.T) + 0.1 * np.eye(x.shape[1])
    return _pack(features, normalisation, MahalanobisModel.from_moments(x.mean(axis=0), covariance), x)


def neighbours() -> Bundle:
    """Healthy vectors of sound themselves, whitened, of powers averaged in bands of equal width."""
    from tocsin.learn.models.neighbours import NeighboursOptions, fit_neighbours

    features = FeatureConfig.logmel(
        sample_rate=RATE, n_mels=48, pool=("mean", "max"), window_frames=8, window_hop=2, spacing="linear", power=True
    )  # fmt: skip
    x, normalisation = _fit(features, audio())
    return _pack(features, normalisation, fit_neighbours(x, ["all"] * len(x), NeighboursOptions(references=64)), x)


def _mixture(covariance: str, bands: bool) -> Bundle:
    from sklearn.mixture import GaussianMixture

    features = _fan_features(bands)
    x, normalisation = _fit(features, vibration())
    kind = {"diagonal": "diag", "full": "full"}[covariance]
    fitted = GaussianMixture(3, covariance_type=kind, reg_covar=0.05, random_state=0).fit(x)
    model = GaussianMixtureModel.from_moments(fitted.weights_, fitted.means_, fitted.covariances_, covariance)
    return _pack(features, normalisation, model, x)


def gmm_diagonal() -> Bundle:
    """Three Gaussians of vibration, diagonal, statistics and spectrum."""
    return _mixture("diagonal", True)


def gmm_full() -> Bundle:
    """Three Gaussians of vibration, full, statistics alone."""
    return _mixture("full", False)


def mlperf(window_hop: int) -> Bundle:
    """The MLPerf Tiny reference network on five stacked frames of 128 mel bands, every `window_hop` frames."""
    folder = data()
    if folder is None:
        pytest.skip("the MLPerf network is not there (set TOCSIN_DATA)")
    features = FeatureConfig.logmel(
        sample_rate=RATE, n_mels=128, pool=("stack",), window_frames=5, window_hop=window_hop, n_fft=1024, hop=512
    )  # fmt: skip
    x, normalisation = _fit(features, audio())
    model = AutoencoderModel.from_tflite((folder / "mlperf_tiny_ad01_int8.tflite").read_bytes())
    return _pack(features, normalisation, model, x)


def autoencoder() -> Bundle:
    """The MLPerf network on every second frame."""
    return mlperf(2)


def _stacked(frames: int) -> FeatureConfig:
    """Eight mel bands of so many frames: small enough for the network of tests/vectors, which takes 32 values."""
    return FeatureConfig.logmel(
        sample_rate=RATE, n_mels=8, n_fft=512, hop=256, pool=("stack",), window_frames=frames, window_hop=2
    )


def _network() -> bytes:
    return (VECTORS / "autoencoder.tflite").read_bytes()


def _shortened() -> bytes:
    """That network, told to give its hidden layer: 32 values in, fewer out."""
    from tocsin.tflite import flatbuffer as _tflite

    buffer = bytearray(_network())
    _, graph = _tflite._graph(buffer)
    graph.OutputsAsNumpy()[0] = graph.Operators(0).Outputs(0)
    return bytes(buffer)


def _residuals(model: NetworkModel, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a head is fitted to, folded."""
    from tocsin.learn.decoder import expected_by, reconstruct

    found = reconstruct(model, x) if model.use == "embed" else x - expected_by(model, x)
    return found.reshape(len(x), model.fold, -1).mean(axis=1)


def predict() -> Bundle:
    """Four frames of eight predicted from the others."""
    features = _stacked(8)
    x, normalisation = _fit(features, audio())
    model = NetworkModel.from_tflite(_network(), use="predict", dim=64, first=16)
    return _pack(features, normalisation, model, x)


def embed() -> Bundle:
    """An embedding shorter than the vector, scored by k-means."""
    from sklearn.cluster import KMeans

    features = _stacked(4)
    x, normalisation = _fit(features, audio())
    found = NetworkModel.from_tflite(_shortened(), use="embed", dim=32, head=_anything(_shortened()))
    centroids = KMeans(4, n_init=1, random_state=0).fit(_residuals(found, x)).cluster_centers_
    return _pack(features, normalisation, replace(found, head=KMeansModel(centroids)), x)


def _anything(network: bytes) -> KMeansModel:
    """A head for a network whose own is still to be fitted."""
    return KMeansModel(np.zeros((1, model_io(network).outputs)))


def _selective(x: NDArray[np.float64]) -> NetworkModel:
    """A reconstruction whose residual, averaged over two halves, is scored by the nearer of two Gaussians."""
    found = NetworkModel.from_tflite(_network(), use="reconstruct", dim=32, fold=2, head=KMeansModel(np.zeros((1, 16))))
    residuals = _residuals(found, x)
    halves = np.array_split(residuals, 2)
    covariances = np.stack([np.cov(half.T) + 0.05 * np.eye(16) for half in halves])
    return replace(found, head=MahalanobisModel.from_moments(np.stack([h.mean(axis=0) for h in halves]), covariances))


def selective() -> Bundle:
    """Selective Mahalanobis distance on a reconstruction's residual."""
    features = _stacked(4)
    x, normalisation = _fit(features, audio())
    return _pack(features, normalisation, _selective(x), x)


def combined() -> Bundle:
    """The sum of two scores, one by a network with a head and one by neighbours."""
    from tocsin.learn.models.neighbours import NeighboursOptions, fit_neighbours

    features = _stacked(4)
    x, normalisation = _fit(features, audio())
    near = fit_neighbours(x, ["all"] * len(x), NeighboursOptions(references=32))
    return _pack(features, normalisation, CombinedModel((near, _selective(x)), (1.0, 4.0), (1.5, 0.5), "sum"), x)


def either() -> Bundle:
    """The greater of two scores, neither by a network."""
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture

    features = _fan_features(True)
    x, normalisation = _fit(features, vibration())
    fitted = GaussianMixture(2, covariance_type="diag", reg_covar=0.05, random_state=0).fit(x)
    mixture = GaussianMixtureModel.from_moments(fitted.weights_, fitted.means_, fitted.covariances_, "diagonal")
    centres = KMeansModel(KMeans(4, n_init=1, random_state=0).fit(x).cluster_centers_)
    return _pack(features, normalisation, CombinedModel((mixture, centres), (20.0, 4.0), (0.1, 1.0), "max"), x)


def frame_layer() -> Bundle:
    """An autoencoder of five frames that share its first layer, which runs for the new frame of a window alone."""
    from tocsin.learn.models.autoencoder import FrameLayer, fit_autoencoder
    from tocsin.learn.models.network import to_int8
    from tocsin.learn.models.training import Schedule
    from tocsin.learn.train import fit_normalisation, normalise

    features = replace(_stacked(5), window_hop=1)
    vectors = np.concatenate([Extractor(features).vectors(samples)[0] for _, samples in audio()])
    normalisation = fit_normalisation(vectors, 5)
    x = normalise(vectors, normalisation)
    fitted = fit_autoencoder(x, x[::9], (16, 4, 16), Schedule(epochs=2), shared=FrameLayer(5, 12))
    model = AutoencoderModel.from_tflite(to_int8(fitted.network, x, seed=0), slide=1)
    return _pack(features, normalisation, model, x.astype(np.float64))


DETECTORS: dict[str, tuple[Callable[[], Bundle], Callable[[], list[tuple[str, Samples]]]]] = {
    "kmeans": (kmeans, audio),
    "mahalanobis": (mahalanobis, audio),
    "neighbours": (neighbours, audio),
    "autoencoder": (autoencoder, audio),
    "gmm_diagonal": (gmm_diagonal, vibration),
    "gmm_full": (gmm_full, vibration),
    "frame_layer": (frame_layer, audio),
    "predict": (predict, audio),
    "embed": (embed, audio),
    "selective": (selective, audio),
    "combined": (combined, audio),
    "either": (either, vibration),
}


@cache
def detector(name: str) -> Bundle:
    """A detector by name, fitted once a session."""
    return DETECTORS[name][0]()


def recordings(name: str) -> list[tuple[str, Samples]]:
    """What to run through it."""
    return DETECTORS[name][1]()
