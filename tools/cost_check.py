# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Check the cost model against the emulator: the instructions of detectors of many sizes, predicted and counted.

Builds ``tools/bench`` with bundles of several front ends and models, runs it in QEMU as ``tools/bench.py`` does, and
prints both figures beside each other. The exit status is 1 where they differ by more than the model's tolerance.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).parent))
import numpy as np

import bench
from emulation import BuildFailed, CannotBuild, configure_and_build
from tocsin.bundle import (
    AutoencoderModel,
    CombinedModel,
    Decision,
    GaussianMixtureModel,
    KMeansModel,
    MahalanobisModel,
    Model,
    NeighboursModel,
    NetworkModel,
    Normalisation,
    read_bundle,
    write_bundle,
)
from tocsin.features import FeatureConfig
from tocsin.features.frontend import FrontEnd, audio_features, vibration_features

RECORD = bench.SOURCE / "cost.json"


def front_ends() -> dict[str, FeatureConfig]:
    """Features of many sizes, by name."""
    audio = {
        f"fft{n_fft}-mel{bands}": FrontEnd(n_fft=n_fft, bands=bands)
        for n_fft, bands in ((256, 32), (512, 64), (1024, 64), (1024, 128), (2048, 64), (4096, 128))
    }
    audio |= {
        "mean-std": FrontEnd(pool=("mean", "std")),
        "max": FrontEnd(pool=("max",)),
        "power": FrontEnd(bands=64, spacing="linear", average="power"),
        "power128": FrontEnd(bands=128, spacing="linear", average="power", pool=("mean", "max")),
        "stack3": FrontEnd(bands=32, pool=("stack",), window_frames=3, window_hop=1),
        "stack8": FrontEnd(bands=32, pool=("stack",), window_frames=8, window_hop=2),
    }
    found = {name: audio_features(choice, sample_rate=16000, stacked=False) for name, choice in audio.items()}
    for rate, channels, bands in ((1600, 3, 16), (1600, 1, 32), (400, 3, 8), (8000, 3, 16)):
        found[f"vibration{rate}x{channels}-{bands}"] = vibration_features(
            FrontEnd(bands=bands), sample_rate=rate, channels=channels, scale_g=8 / 32768, clip_samples=10 * rate
        )
    return found


def pack(features: FeatureConfig, model: Model) -> bytes:
    """A bundle that never alarms."""
    dim = features.n_vector
    return write_bundle(
        None,
        features=features,
        normalisation=Normalisation(np.full(dim, -40.0), np.full(dim, 0.1)),
        model=model,
        decision=Decision(smooth=8, min_windows=2, threshold_on=1e9, threshold_off=1e9),
        meta={},
    )


def detectors() -> dict[str, bytes]:
    """Bundles with each front end and a k-means, then with models of several sizes and kinds."""
    rng = np.random.default_rng(bench.SEED)
    fronts = front_ends()

    found = {name: pack(front, KMeansModel(rng.normal(size=(8, front.n_vector)))) for name, front in fronts.items()}
    for name, k in (("fft1024-mel64", 32), ("fft1024-mel128", 16), ("mean-std", 16), ("fft256-mel32", 64)):
        front = fronts[name]
        dim = front.n_vector
        means, ones = rng.normal(size=(k, dim)), np.ones((k, dim))
        found[f"kmeans{k} {name}"] = pack(front, KMeansModel(means))
        found[f"gmm{k} {name}"] = pack(front, GaussianMixtureModel.from_moments(np.full(k, 1 / k), means, ones))
        found[f"mahalanobis {name}"] = pack(front, MahalanobisModel.from_moments(np.zeros(dim), np.eye(dim)))
        found[f"diagonal {name}"] = pack(front, MahalanobisModel.from_moments(np.zeros(dim), np.ones(dim), "diagonal"))
    for name, k, full in (("power", 300, True), ("fft1024-mel128", 64, True), ("fft256-mel32", 500, False)):
        dim = fronts[name].n_vector
        factor = np.eye(dim)[np.tril_indices(dim)] if full else None
        model = NeighboursModel.from_references(rng.normal(size=(k, dim)), np.ones(k), factor)
        found[f"neighbours{k} {name}"] = pack(fronts[name], model)
    few = fronts["fft256-mel32"]
    full = np.stack([np.eye(32)] * 4)
    found["gmm4-full"] = pack(
        few, GaussianMixtureModel.from_moments(np.full(4, 0.25), rng.normal(size=(4, 32)), full, "full")
    )
    network = (bench.ROOT / "tests" / "vectors" / "autoencoder.tflite").read_bytes()
    found["autoencoder"] = pack(few, AutoencoderModel.from_tflite(network))
    return found | composed(network, few, fronts["fft512-mel64"], rng)


def composed(network: bytes, few: FeatureConfig, more: FeatureConfig, rng: np.random.Generator) -> dict[str, bytes]:
    """Networks with and without heads, and combinations; `network` has 32 inputs, `few` 32 values, `more` 64."""

    def centres(k: int, dim: int) -> KMeansModel:
        return KMeansModel(rng.normal(size=(k, dim)))

    def gaussians(k: int, dim: int) -> MahalanobisModel:
        return MahalanobisModel.from_moments(rng.normal(size=(k, dim)), np.stack([np.eye(dim)] * k))

    def near(k: int, dim: int) -> NeighboursModel:
        return NeighboursModel.from_references(rng.normal(size=(k, dim)), np.ones(k), np.eye(dim)[np.tril_indices(dim)])

    def net(use: Literal["reconstruct", "predict", "embed"], dim: int = 32, **options: Any) -> NetworkModel:
        return NetworkModel.from_tflite(network, use=use, dim=dim, **options)

    mixture = GaussianMixtureModel.from_moments(np.full(8, 1 / 8), rng.normal(size=(8, 64)), np.ones((8, 64)))
    selective = net("reconstruct", fold=2, head=gaussians(2, 16))
    choices: dict[str, tuple[FeatureConfig, Model]] = {
        "reconstruct": (few, net("reconstruct")),
        "predict": (more, net("predict", 64, first=16)),
        "predict neighbours": (more, net("predict", 64, first=16, head=near(100, 32))),
        "embed k-means": (few, net("embed", head=centres(16, 32))),
        "selective": (few, selective),
        "selective full": (few, net("reconstruct", head=gaussians(2, 32))),
        "neighbours + selective": (few, CombinedModel((near(200, 32), selective), (1.0, 4.0), (1.5, 0.5), "sum")),
        "mahalanobis, predict": (
            more,
            CombinedModel((gaussians(1, 64), net("predict", 64)), (1.0, 4.0), (1.5, 0.5), "max"),
        ),
        "mixture, k-means": (more, CombinedModel((mixture, centres(16, 64)), (20.0, 4.0), (0.1, 1.0), "max")),
    }
    return {name: pack(features, model) for name, (features, model) in choices.items()}


def networks() -> dict[str, bytes]:
    """Autoencoders of sizes that nothing was fitted to, by chance weights; TensorFlow makes them in some seconds."""
    from tocsin.learn.models.autoencoder import FrameLayer, fit_autoencoder
    from tocsin.learn.models.network import to_int8
    from tocsin.learn.models.training import Schedule

    rng = np.random.default_rng(bench.SEED)
    found = {}
    for bands, hidden in ((32, (64, 8, 64)), (64, (128, 64, 16, 64, 128))):
        front = audio_features(FrontEnd(bands=bands), sample_rate=16000, stacked=True)
        x = rng.normal(size=(256, front.n_vector)).astype(np.float32)
        network = fit_autoencoder(x, x[:64], hidden, Schedule(epochs=1)).network
        # One scale a layer, as when the counts were recorded.
        model = AutoencoderModel.from_tflite(to_int8(network, x, seed=0, by_channel=False))
        found[f"autoencoder {'-'.join(map(str, hidden))}"] = pack(front, model)
    for bands, hop, width, hidden in ((32, 1, 32, (64, 8, 64)), (64, 2, 24, (32, 8, 32))):
        choice = FrontEnd(bands=bands, window_frames=5, window_hop=hop)
        front = audio_features(choice, sample_rate=16000, stacked=True)
        x = rng.normal(size=(256, front.n_vector)).astype(np.float32)
        shared = FrameLayer(front.window_frames, width)
        network = fit_autoencoder(x, x[:64], hidden, Schedule(epochs=1), shared=shared).network
        for name, slide in (("kept", hop), ("anew", 0)):
            model = AutoencoderModel.from_tflite(to_int8(network, x, seed=0), slide=slide)
            found[f"frame layer {width} of {bands}, {name}"] = pack(front, model)
    return found


def count(found: dict[str, bytes]) -> dict[str, dict[str, int]]:
    """Stages of every detector, counted in the emulator."""
    folder = bench.BUILD / "cost"
    folder.mkdir(parents=True, exist_ok=True)
    packed = folder / "bundles.bin"
    packed.write_bytes(b"".join(raw + bytes(-len(raw) % 16) for raw in found.values()))
    configure_and_build(folder / "image", "qemu_m4f", f"-DTOCSIN_BENCH_BUNDLES={packed}", source=bench.SOURCE)
    told = bench.run(folder / "image" / "zephyr" / "zephyr.elf")
    return {name: bench.stages_of(told, number) for number, name in enumerate(found)}


def main() -> int:
    """Count, predict, compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0], prog="cost_check.py")
    parser.add_argument("--record", action="store_true", help=f"write what was counted to {RECORD.name}")
    options = parser.parse_args()
    try:
        found = detectors()
        others = networks()
        counted = count(found | others)
    except (CannotBuild, BuildFailed) as error:
        print(f"cost_check: {error}", file=sys.stderr)
        return 2
    if options.record:
        RECORD.write_text(json.dumps({name: counted[name] for name in found}, indent=1) + "\n")
    from tocsin.bundle.cost import TOLERANCE, instructions

    bad = 0
    for name, raw in (found | others).items():
        predicted = instructions(read_bundle(raw))
        second = counted[name]["second"]
        ratio = predicted.per_second / second
        window = predicted.window / (counted[name]["score"] + counted[name]["decide"])
        bad += abs(ratio - 1) > TOLERANCE
        print(
            f"{name:32} {second:>12,} counted {predicted.per_second:>12,.0f} predicted {ratio - 1:+.1%},"
            f" score and decision {window - 1:+.1%}"
        )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
