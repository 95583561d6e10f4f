#!/usr/bin/env python3
# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Time feature extraction by the C modules and by librosa, on the same clips in one run.

Both compute the log-mel spectrum of the default front end, without resampling; reading the files is not counted. The
repetitions of the two alternate, so that what else the machine does hits both; each figure is the least of its
repetitions. --threads also times the C modules on 1 and 2 threads.

Example:
    python tools/bench_features.py ../shared/data/toycar --clips 20 --threads
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tocsin.data import Issues, ReadOptions, open_dataset
from tocsin.features import Extractor, FeatureConfig


def least(works: list[Callable[[], None]], repeats: int) -> list[float]:
    """Least seconds of each of `works`, which take turns."""
    best = [float("inf")] * len(works)
    for _ in range(repeats):
        for i, work in enumerate(works):
            begin = time.perf_counter()
            work()
            best[i] = min(best[i], time.perf_counter() - begin)
    return best


def main() -> int:
    """Print the table, or JSON; exit status 1 where the C modules are less than --at-least times as fast."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of a data set of sound")
    parser.add_argument("--clips", type=int, default=20, help="how many clips (20)")
    parser.add_argument("--repeats", type=int, default=5, help="repetitions (5)")
    parser.add_argument("--mels", type=int, default=64, help="mel bands (64)")
    parser.add_argument("--at-least", type=float, default=0.0, help="fail below this ratio")
    parser.add_argument("--threads", action="store_true", help="time one and two threads")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()

    import librosa

    dataset = open_dataset(given.data, ReadOptions())
    clips = [dataset.read(clip, Issues()) for clip in dataset.clips[: given.clips]]
    config = FeatureConfig.logmel(
        sample_rate=dataset.rate, n_mels=given.mels, pool=("stack",), window_frames=1, window_hop=1
    )
    extractors = [Extractor(config), Extractor(config)]
    floats = [clip.astype(np.float32) / 32768 for clip in clips]

    def oracle(y: np.ndarray) -> np.ndarray:
        power = librosa.feature.melspectrogram(
            y=y, sr=dataset.rate, n_fft=config.n_fft, hop_length=config.hop, n_mels=given.mels, center=False
        )
        return librosa.power_to_db(power, top_db=None).T

    def run(extractor: Extractor, part: list[np.ndarray]) -> None:
        for clip in part:
            extractor.vectors(clip)

    # The same features, or the comparison says nothing; librosa's first call also builds its caches here.
    difference = float(np.abs(extractors[0].vectors(clips[0])[0] - oracle(floats[0])).max())
    if difference > 0.01:
        print(f"the features differ by {difference} dB", file=sys.stderr)
        return 1
    ours, theirs = least(
        [lambda: run(extractors[0], clips), lambda: [oracle(y) for y in floats] and None], given.repeats
    )
    seconds = sum(len(clip) for clip in clips) / dataset.rate
    result = {
        "clips": len(clips), "audio_s": seconds, "difference_db": difference,
        "tocsin_s": ours, "librosa_s": theirs, "ratio": theirs / ours,
    }  # fmt: skip
    if given.threads:
        with ThreadPoolExecutor(2) as pool:

            def both() -> None:
                list(pool.map(run, extractors, (clips, clips)))

            one, two = least([lambda: run(extractors[0], clips + clips), both], given.repeats)
        result |= {"one_thread_s": one, "two_threads_s": two, "speedup": one / two}
    if given.json:
        print(json.dumps(result, indent=2))
    else:
        for name, value in result.items():
            print(f"{name:14} {value:.4g}")
    return int(result["ratio"] < given.at_least)


if __name__ == "__main__":
    sys.exit(main())
