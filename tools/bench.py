# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Count the instructions of every stage on the emulated Cortex-M4F, beside what others offer.

Builds ``tools/bench`` up to three times (ours; CMSIS-NN and CMSIS-DSP; TensorFlow Lite Micro's reference kernels), runs
it in QEMU with ``-icount shift=0``, where a nanosecond passes for each instruction, and prints a table or JSON. Two
runs give the same numbers. They are instructions, not cycles: a board needs more of those, by its flash and pipeline.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import workspace
from emulation import ROOT, BuildFailed, CannotBuild, configure_and_build

SOURCE = ROOT / "tools" / "bench"
BUILD = ROOT / "build" / "bench"
BASELINE = SOURCE / "baseline.json"
TOLERANCE = 0.02
RUN_SECONDS = 300
SEED = 7
# Images: their options, and how the names of what a network takes in them end.
VARIANTS = {
    "ours": ((), ""),
    "cmsis": (("-DEXTRA_CONF_FILE=cmsis.conf",), "_cmsis_nn"),
    "reference": (("-DEXTRA_CONF_FILE=reference.conf",), "_reference"),
}
# Bundles with a network that runs in all images.
NETWORKS = ("mlperf_ad", "dense_by_channel", "conv_ad")
# Bundles with a network whose first layer frames share: what of it is kept, and the same computed anew.
STREAMS = ("frame_layer", "frame_layer_anew")
# Outputs of that layer.
FRAME_LAYER = 64


def mlperf_network() -> bytes:
    """MLPerf Tiny's anomaly detection network, or one of its size where the file is not there.

    How many instructions a layer takes depends on its size alone, not on its weights.
    """
    import numpy as np

    from tocsin.learn.models.autoencoder import fit_autoencoder
    from tocsin.learn.models.network import to_int8
    from tocsin.learn.models.training import Schedule

    data = Path(os.environ.get("TOCSIN_DATA", ROOT.parent / "shared" / "data"))
    file = data / "mlperf_tiny_ad01_int8.tflite"
    if file.is_file():
        return file.read_bytes()
    x = np.random.default_rng(SEED).normal(size=(512, 640)).astype(np.float32)
    hidden = (128, 128, 128, 128, 8, 128, 128, 128, 128)
    found = fit_autoencoder(x, x[:64], hidden, Schedule(epochs=1, batch=256, seed=SEED))
    # As the reference network, whose weights have one scale a layer.
    return to_int8(found.network, x, seed=SEED, by_channel=False)


def untrained(kind: str, frames: int, bands: int) -> bytes:
    """A network as `tocsin train --model autoencoder` or `conv` has it, quantised by channel, but weights by chance.

    `frame_layer` is an autoencoder whose first layer frames share.
    """
    import numpy as np

    from tocsin.learn.models import tensorflow
    from tocsin.learn.models.autoencoder import FrameLayer, convolutional, default_hidden, dense
    from tocsin.learn.models.network import FloatNetwork, fold, to_int8

    tf = tensorflow.load(seed=SEED)
    dim = frames * bands
    if kind == "conv":
        model = convolutional(tf, frames, bands)
    else:
        shared = FrameLayer(frames, FRAME_LAYER) if kind == "frame_layer" else None
        model = dense(tf, dim, default_hidden(dim), dim, shared)
    x = np.random.default_rng(SEED).normal(size=(64, dim)).astype(np.float32)
    return to_int8(FloatNetwork(fold(model), 3.0, 0), x, seed=SEED)


@cache
def bundles() -> dict[str, bytes]:
    """The detectors to measure, by name; parameters by chance.

    Sizes as `tocsin train` makes them by default; `toycar_64k` is that of docs/explanation/detection.md.
    """
    import numpy as np

    from tocsin.bundle import (
        AutoencoderModel,
        Decision,
        GaussianMixtureModel,
        KMeansModel,
        MahalanobisModel,
        NeighboursModel,
        Normalisation,
        write_bundle,
    )
    from tocsin.features.frontend import MLPERF, FrontEnd, audio_features, vibration_features

    rng = np.random.default_rng(SEED)
    audio = audio_features(FrontEnd(), sample_rate=16000, stacked=False)
    stacked = audio_features(MLPERF, sample_rate=16000, stacked=True)
    vibration = vibration_features(FrontEnd(), sample_rate=1600, channels=3, scale_g=8 / 32768, clip_samples=16000)

    def gaussians(k: int, dim: int) -> GaussianMixtureModel:
        return GaussianMixtureModel.from_moments(np.full(k, 1 / k), rng.normal(size=(k, dim)), np.ones((k, dim)))

    long = FrontEnd(bands=64, spacing="linear", average="power", window_frames=374, window_hop=187)
    toycar = audio_features(long, sample_rate=16000, stacked=False)

    dim = audio.n_vector
    shared = untrained("frame_layer", 5, 128)
    models = {
        "mlperf_ad": (stacked, AutoencoderModel.from_tflite(mlperf_network())),
        "kmeans": (audio, KMeansModel(rng.normal(size=(16, dim)))),
        "gmm": (audio, gaussians(16, dim)),
        "mahalanobis": (audio, MahalanobisModel.from_moments(np.zeros(dim), np.eye(dim))),
        "vibration_gmm": (vibration, gaussians(8, vibration.n_vector)),
        "toycar_64k": (
            toycar,
            NeighboursModel.from_references(rng.normal(size=(340, 64)), np.ones(340), np.eye(64)[np.tril_indices(64)]),
        ),
        "dense_by_channel": (stacked, AutoencoderModel.from_tflite(untrained("autoencoder", 5, 128))),
        "conv_ad": (stacked, AutoencoderModel.from_tflite(untrained("conv", 5, 128))),
        "frame_layer": (stacked, AutoencoderModel.from_tflite(shared, slide=1)),
        "frame_layer_anew": (stacked, AutoencoderModel.from_tflite(shared)),
    }
    return {
        name: write_bundle(
            None,
            features=features,
            normalisation=Normalisation(np.full(features.n_vector, -40.0), np.full(features.n_vector, 0.1)),
            model=model,
            decision=Decision(smooth=8, min_windows=2, threshold_on=1e9, threshold_off=1e9),
            meta={},
        )
        for name, (features, model) in models.items()
    }


def run(image: Path) -> dict[str, int]:
    """Run an image in QEMU; what it printed, by name.

    Raises
    ------
    BuildFailed
        Where it does not come to its end.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [
            "qemu-system-arm", "-machine", "mps2-an386", "-cpu", "cortex-m4", "-icount", "shift=0", "-display", "none",
            "-monitor", "none", "-serial", f"file:{out}", "-kernel", str(image),
        ]  # fmt: skip
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + RUN_SECONDS
            text = ""
            while time.monotonic() < deadline and not re.search(r"^bench (done|failed)", text, re.M):
                time.sleep(0.2)
                text = out.read_text(errors="replace") if out.exists() else ""
            process.kill()
    if "bench done" not in text:
        raise BuildFailed(f"the benchmark did not come to its end; it printed:\n{text[-2000:]}")
    return {name: int(value) for name, value in re.findall(r"^bench (\S+) (\d+)\s*$", text, re.M)}


def stages_of(found: dict[str, int], number: int) -> dict[str, int]:
    """What one bundle's stages took, by the name that stages.c gives them."""
    prefix = f"{number}:"
    return {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}


def summarise(found: dict[str, int], names: list[str]) -> dict[str, dict[str, int]]:
    """Stages and whole pipelines of our image."""
    ours = {name: stages_of(found, number) for number, name in enumerate(names)}
    logmel, pooled = ours["mlperf_ad"], ours["kmeans"]
    stages = {
        "window": logmel["window"],
        "fft": logmel["fft"],
        "fft_and_power": logmel["power"],
        "mel": logmel["bands"] - logmel["log"],
        "log": logmel["log"],
        "logmel_frame": logmel["frame"],
        "stacking": logmel["push"] - logmel["frame"],
        "pooling": pooled["push"] - pooled["frame"],
        "vibration_frame": ours["vibration_gmm"]["frame"],
        "normalise": logmel["normalise"],
        **{name: ours[name]["infer"] for name in (*NETWORKS, *STREAMS)},
        "mlperf_ad_score": logmel["score"],
        **{name: ours[name]["score"] for name in ("kmeans", "gmm", "mahalanobis", "vibration_gmm")},
        "neighbours": ours["toycar_64k"]["score"],
        "decide": logmel["decide"],
    }
    return {"stages": stages, "per_second": {name: found["second"] for name, found in ours.items()}}


def compiler(folder: Path) -> str:
    """Name and version of the compiler that built an image; the counts are its as much as ours."""
    cache = (folder / "CMakeCache.txt").read_text()
    path = re.search(r"^CMAKE_C_COMPILER:\w+=(.+)$", cache, re.M)
    assert path is not None
    done = subprocess.run([path[1], "-dumpfullversion"], capture_output=True, text=True, check=True)
    return f"{Path(path[1]).name} {done.stdout.strip()}"


def measure(variants: list[str]) -> dict[str, Any]:
    """Build and run; the benchmark's JSON.

    Raises
    ------
    CannotBuild, BuildFailed
        See :func:`emulation.configure_and_build`.
    """
    if workspace.find() is None:
        raise CannotBuild("no Zephyr workspace found (ZEPHYR_BASE, west, CMake's registry)")
    detectors = bundles()
    BUILD.mkdir(parents=True, exist_ok=True)
    packed = BUILD / "bundles.bin"
    content = b"".join(raw + bytes(-len(raw) % 16) for raw in detectors.values())
    if not packed.exists() or packed.read_bytes() != content:
        packed.write_bytes(content)
    result: dict[str, Any] = {}
    for variant in variants:
        options, suffix = VARIANTS[variant]
        folder = BUILD / variant
        configure_and_build(folder, "qemu_m4f", f"-DTOCSIN_BENCH_BUNDLES={packed}", *options, source=SOURCE)
        found = run(folder / "zephyr" / "zephyr.elf")
        if variant == "ours":
            result = {"compiler": compiler(folder), **summarise(found, list(detectors))}
        else:
            for name in NETWORKS:
                result["stages"][name + suffix] = stages_of(found, list(detectors).index(name))["infer"]
            result["stages"].update({name: value for name, value in found.items() if ":" not in name})
    return result


def worse(result: dict[str, Any], baseline: dict[str, Any]) -> list[str]:
    """What takes more than the tolerance allows beyond the baseline, a line each."""
    lines = []
    for group in ("stages", "per_second"):
        for name, before in baseline[group].items():
            now = result[group].get(name)
            # The hardware clock ticks every 40 ns: twenty calls of a small stage are off by two instructions each.
            if now is not None and now > before * (1 + TOLERANCE) + 4:
                lines.append(
                    f"{name}: {now} instructions, {before} in the baseline (+{100 * (now / before - 1):.1f} %)"
                )
    return lines


def show(result: dict[str, Any]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Instructions on an emulated Cortex-M4F, {result['compiler']}")
    table.add_column("stage")
    table.add_column("instructions", justify="right")
    for name, value in result["stages"].items():
        table.add_row(name, f"{value:,}")
    table.add_section()
    for name, value in result["per_second"].items():
        table.add_row(f"{name}, a second of its samples", f"{value:,}")
    Console(width=100).print(table)


def main() -> int:
    """Measure, print, compare; 1 where something is worse than the baseline, 2 where nothing can be measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0], prog="bench.py")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--ours", action="store_true", help="leave out what others offer: one image instead of three")
    parser.add_argument("--baseline", action="store_true", help="write what was measured to tools/bench/baseline.json")
    options = parser.parse_args()
    try:
        result = measure(["ours"] if options.ours else list(VARIANTS))
    except (CannotBuild, BuildFailed) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)
    if options.baseline:
        BASELINE.write_text(json.dumps(result, indent=2) + "\n")
        return 0
    baseline = json.loads(BASELINE.read_text())
    if baseline["compiler"] != result["compiler"]:
        print(f"not compared: the baseline is of {baseline['compiler']}", file=sys.stderr)
        return 0
    lines = worse(result, baseline)
    for line in lines:
        print(f"worse: {line}", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
