#!/usr/bin/env python3
# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Time feature extraction by the C modules and by librosa, on the same clips in one run.

Front ends: `logmel64` and `logmel128`, each frame's log-mel spectrum as it is, and `linear128`, the mean power in 128
linear bands over windows of a second, as `tocsin train --spacing linear --average power --bands 128` has it. Of the
latter librosa makes the spectrogram, and NumPy the bands and the mean.

Nothing is resampled, and reading the files is not counted. The repetitions take turns, so that what else the machine
does hits all; each figure is the least of its repetitions, in microseconds a frame:

  tocsin           C modules, one thread, frames side by side in the processor's vectors
  tocsin_alone     ... one frame at a time, as a device does it
  tocsin_all       ... on all processors, a clip a thread
  librosa          as it comes (its matrix products may use several threads)
  librosa_one      ... held to one thread
  ratio_one        how many times as fast, one thread against one; `ratio` is all processors against librosa as it comes

Example:
    python tools/bench_features.py ../shared/data/toycar --clips 20
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
from threadpoolctl import ThreadpoolController

from tocsin import _core
from tocsin.data import Issues, ReadOptions, open_dataset
from tocsin.data.extract import in_threads, processors
from tocsin.features import FeatureConfig
from tocsin.features.frontend import FrontEnd, audio_features

TOLERANCE_DB = 0.01
# Threads get the clips so many times over: once is done before they have all begun.
ROUNDS = 10

FRONT_ENDS = {
    "logmel64": FrontEnd(bands=64, pool=("stack",), window_frames=1, window_hop=1),
    "logmel128": FrontEnd(bands=128, pool=("stack",), window_frames=1, window_hop=1),
    "linear128": FrontEnd(bands=128, spacing="linear", average="power"),
}


def least(works: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Least seconds of each of `works`, which take turns."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(repeats):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - begin)
    return best


def oracle_of(config: FeatureConfig) -> Callable[[np.ndarray], np.ndarray]:
    """The same features by librosa, of a clip between -1 and 1."""
    if not config.power:

        def logmel(y: np.ndarray) -> np.ndarray:
            power = librosa.feature.melspectrogram(
                y=y,
                sr=config.sample_rate,
                n_fft=config.n_fft,
                hop_length=config.hop,
                n_mels=len(config.bands),
                center=False,
            )
            return librosa.power_to_db(power, top_db=None).T

        return logmel

    weights = np.zeros((len(config.bands), config.n_fft // 2 + 1), np.float32)
    for row, band in zip(weights, config.bands, strict=True):
        row[band.first : band.first + band.count] = band.weights

    def pooled(y: np.ndarray) -> np.ndarray:
        power = weights @ np.abs(librosa.stft(y, n_fft=config.n_fft, hop_length=config.hop, center=False)) ** 2
        begins = range(0, power.shape[1] - config.window_frames + 1, config.window_hop)
        means = np.stack([power[:, i : i + config.window_frames].mean(axis=1) for i in begins])
        return librosa.power_to_db(means, amin=config.log_floor, top_db=None)

    return pooled


def measure(config: FeatureConfig, clips: list[np.ndarray], repeats: int) -> dict[str, float]:
    """Figures of one front end.

    Raises
    ------
    ValueError
        The C modules and librosa do not compute the same.
    """
    native = config._native()
    fast, alone = _core.Extractor(native), _core.Extractor(native, lanes=1)
    samples = [np.ascontiguousarray(clip[:, np.newaxis]) for clip in clips]
    floats = [clip.astype(np.float32) / 32768 for clip in clips]
    oracle = oracle_of(config)

    # The same features, or the comparison says nothing; librosa's first call also builds its caches here.
    difference = float(np.abs(fast.vectors(samples[0])[0] - oracle(floats[0])).max())
    if not difference <= TOLERANCE_DB:
        raise ValueError(f"the features differ by {difference} dB")

    controller = ThreadpoolController()

    def librosa_alone() -> None:
        with controller.limit(limits=1):
            for y in floats:
                oracle(y)

    local = threading.local()

    def in_its_thread(clip: np.ndarray) -> None:
        if not hasattr(local, "extractor"):
            local.extractor = _core.Extractor(native)
        local.extractor.vectors(clip)

    def on_all() -> None:
        for _ in in_threads(in_its_thread, samples * ROUNDS):
            pass

    works: dict[str, Callable[[], None]] = {
        "tocsin": lambda: [fast.vectors(clip) for clip in samples] and None,
        "tocsin_alone": lambda: [alone.vectors(clip) for clip in samples] and None,
        "tocsin_all": on_all,
        "librosa": lambda: [oracle(y) for y in floats] and None,
        "librosa_one": librosa_alone,
    }
    frames = sum(len(fast.frames(clip)) for clip in samples)
    result = {name: seconds / frames * 1e6 for name, seconds in least(works, repeats).items()}
    result["tocsin_all"] /= ROUNDS
    return result | {
        "ratio": result["librosa"] / result["tocsin_all"],
        "ratio_one": result["librosa_one"] / result["tocsin"],
        "difference_db": difference,
    }


def main() -> int:
    """Print the table, or JSON; exit status 1 where a ratio_one is below --at-least or the features differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of a data set of sound")
    parser.add_argument("--clips", type=int, default=20, help="how many clips (20)")
    parser.add_argument("--repeats", type=int, default=7, help="repetitions (7)")
    parser.add_argument(
        "--front-end", choices=list(FRONT_ENDS), action="append", help="one of them; may be repeated (all)"
    )
    parser.add_argument("--at-least", type=float, default=0.0, help="fail below this ratio_one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()

    dataset = open_dataset(given.data, ReadOptions())
    clips = [dataset.read(clip, Issues()) for clip in dataset.clips[: given.clips]]
    results = {}
    for name in given.front_end or FRONT_ENDS:
        config = audio_features(FRONT_ENDS[name], sample_rate=dataset.rate, stacked=False)
        try:
            results[name] = measure(config, clips, given.repeats)
        except ValueError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1

    seconds = sum(len(clip) for clip in clips) / dataset.rate
    if given.json:
        about = {"clips": len(clips), "audio_s": seconds, "lanes": _core.DSP_LANES[-1], "processors": processors()}
        print(json.dumps(about | {"us_a_frame": results}, indent=2))
    else:
        print(f"{len(clips)} clips, {seconds:.0f} s; {_core.DSP_LANES[-1]} lanes; {processors()} processors")
        print("us a frame     " + "".join(f"{name:>12}" for name in results))
        for row in next(iter(results.values())):
            print(f"{row:15}" + "".join(f"{result[row]:12.3g}" for result in results.values()))
    return int(min(result["ratio_one"] for result in results.values()) < given.at_least)


if __name__ == "__main__":
    sys.exit(main())
