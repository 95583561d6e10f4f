# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Do thresholds keep their budget? Count the alarms on many hours of synthetic healthy running.

For each machine and each kind of model: train on some hours of healthy recordings, and score many hours of others.
These are dealt into sets for calibration; the threshold for a budget is taken from each set in turn, and alarms are
counted in all recordings outside the set, by the device's decision stage. Recordings are synthesised one at a time and
never stored; scores are kept in a folder, so that a run that was stopped goes on, and another estimator can be tried.

A kind may name its head or its members: ``autoencoder+mahalanobis``, ``combined+neighbours+idnn``. An embedding has to
tell machines apart: with ``--ids 4``, recordings of four take turns, in training as in what is held out.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import multiprocessing
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tocsin.alarm.operating_point import find_alarms, poisson_interval
from tocsin.alarm.threshold import alarm_statistic, fit_threshold, judged_hours, parse_rate
from tocsin.bundle import Decision, read_bundle
from tocsin.data import Issues, ReadOptions, extract, open_dataset
from tocsin.errors import ModelError
from tocsin.features import Extractor
from tocsin.learn.kinds import HEADS, KINDS
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import train
from tocsin.synth import RATES, SynthesisError, record, write_dataset
from tocsin.synth.dataset import RANGES, mimii_ids
from tocsin.synth.wav import to_pcm16
from tocsin.twin import Scorer

# Clips of the held-out recordings are numbered from here, far from those that were trained on.
HELD_OUT = 200_000
# Held-out recordings whose scores are written at a time.
SHARD = 360


@dataclass(frozen=True)
class Plan:
    """What is trained and heard of one machine; see the options."""

    machine: str
    ids: int
    domain: str
    kinds: tuple[str, ...]
    train_hours: float
    hours: float
    seconds: float
    validation: float
    seed: int
    folder: Path

    @property
    def machines(self) -> str:
        """The machine, or how many of its kind."""
        return f"{self.machine}x{self.ids}" if self.ids > 1 else self.machine

    def file(self, kind: str, what: str) -> Path:
        """Where scores of a model are kept."""
        return self.folder / f"{self.domain}-{self.machines}-{self.seed}" / kind / f"{what}.npz"


def parse_kind(text: str) -> dict[str, Any]:
    """Options of a kind that may name its head, or its members: ``kind+head``, ``combined+member+member``.

    Raises
    ------
    ModelError
        There is no such kind, head or member.
    """
    kind, *parts = text.split("+")
    known, counts = (KINDS, (0, 2)) if kind == "combined" else (HEADS, (0, 1))
    if kind not in KINDS or len(parts) not in counts or not set(parts) <= set(known):
        raise ModelError(f"{text!r} is no kind: write one of {', '.join(KINDS)}, with +head or +member+member.")
    if kind == "combined":
        return {"kind": kind, "members": tuple(parts)} if parts else {"kind": kind}
    return {"kind": kind, "head": parts[0] if parts else None}


def save(path: Path, scores: list[np.ndarray], **more: Any) -> None:
    """Write scores of recordings, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez(part, scores=np.concatenate(scores), lengths=[len(s) for s in scores], **more)
    part.rename(path)


def load(path: Path) -> list[np.ndarray]:
    """Scores of each recording in a file of :func:`save`."""
    with np.load(path) as content:
        return np.split(content["scores"], np.cumsum(content["lengths"])[:-1])


def prepare(plan: Plan) -> None:
    """Train every model that is not there yet."""
    missing = [kind for kind in plan.kinds if not plan.file(kind, "judged").exists()]
    if not missing:
        return
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        clips = round(3600 * plan.train_hours / plan.seconds / plan.ids)
        write_dataset(
            folder, machine=plan.machine, domain=plan.domain, ids=mimii_ids(plan.ids), normal=clips, abnormal=0,
            seconds=plan.seconds, seed=plan.seed,
        )  # fmt: skip
        took = time.monotonic() - start
        print(f"{plan.machines} {plan.domain}: {plan.ids * clips} clips in {took:.0f} s", flush=True)
        for kind in missing:
            start = time.monotonic()
            options = TrainOptions(
                **parse_kind(kind),
                budget=parse_rate("1/hour"),
                seed=plan.seed,
                holdout=0.0,
                validation=plan.validation,
                strange=0,
                hearing=False,
            )
            dataset = open_dataset(Path(folder), ReadOptions())
            trained = train(dataset, None, options)
            dataset = dataset.settle(trained.split.fit)
            scorer = Scorer(trained.bundle)
            judged = extract(dataset, trained.split.validation, trained.bundle.features, issues=Issues())
            scores = [scorer.score(item.vectors) for item in judged]
            save(plan.file(kind, "judged"), scores, bundle=np.frombuffer(trained.raw, np.uint8))
            print(f"{plan.machines} {plan.domain}: {kind} in {time.monotonic() - start:.0f} s", flush=True)


def listen(plan: Plan) -> None:
    """Score the held-out recordings, shard by shard."""
    bundles = {}
    for kind in plan.kinds:
        with np.load(plan.file(kind, "judged")) as content:
            bundles[kind] = read_bundle(content["bundle"].tobytes())
    fronts = list({bundle.features: None for bundle in bundles.values()})
    extractors = {front: Extractor(front) for front in fronts}
    scorers = {kind: Scorer(bundle) for kind, bundle in bundles.items()}
    clips = round(3600 * plan.hours / plan.seconds)
    ids = mimii_ids(plan.ids)
    for first in range(0, clips, SHARD):
        missing = [kind for kind in plan.kinds if not plan.file(kind, f"held-{first}").exists()]
        if not missing:
            continue
        start = time.monotonic()
        scores: dict[str, list[np.ndarray]] = {kind: [] for kind in missing}
        for number in range(first, min(first + SHARD, clips)):
            clip = record(
                plan.machine, seconds=plan.seconds, seed=plan.seed, domain=plan.domain,
                machine_id=ids[number % len(ids)], clip=HELD_OUT + number,
            )  # fmt: skip
            samples, _ = to_pcm16(clip.samples, full_scale=RANGES[plan.domain][0])
            vectors = {front: extractors[front].vectors(samples)[0] for front in fronts}
            for kind in missing:
                scores[kind].append(scorers[kind].score(vectors[bundles[kind].features]))
        for kind in missing:
            save(plan.file(kind, f"held-{first}"), scores[kind])
        print(f"{plan.machines} {plan.domain}: from {first} in {time.monotonic() - start:.0f} s", flush=True)


def work(plan: Plan) -> None:
    """Everything that takes long, for one machine."""
    prepare(plan)
    listen(plan)


def check(plan: Plan, kind: str, budget: str, hours: float) -> dict[str, Any]:
    """Thresholds from sets of `hours` of recordings, and the alarms outside of each."""
    with np.load(plan.file(kind, "judged")) as content:
        bundle = read_bundle(content["bundle"].tobytes())
    smooth, persist = bundle.decision.smooth, bundle.decision.min_windows
    step = bundle.features.window_step / bundle.features.sample_rate
    clips = round(3600 * plan.hours / plan.seconds)
    scores = [s for first in range(0, clips, SHARD) for s in load(plan.file(kind, f"held-{first}"))]
    series = [alarm_statistic(s, smooth, persist) for s in scores]
    judged = np.array([judged_hours([s], step) for s in series])
    # Recordings that stay well below a threshold need not be decided: there are tens of thousands of them.
    peaks = np.array([s.max(initial=-np.inf) for s in series])
    size = round(3600 * hours / plan.seconds)
    per_hour = parse_rate(budget).per_hour
    alarms: list[int] = []
    heard: list[float] = []
    of_id = np.zeros((plan.ids, 2))
    inside = 0
    for begin in range(0, len(scores) - size + 1, size):
        own = slice(begin, begin + size)
        line = fit_threshold(series[own], hours=judged_hours(series[own], step), per_hour=per_hour)
        decision = Decision(smooth, persist, line.on, line.off)
        others = np.r_[:begin, begin + size : len(scores)]
        counted = np.zeros(len(scores), int)
        for i in others[peaks[others] >= line.on - 1e-3 * abs(line.on)]:
            counted[i] = len(find_alarms(scores[i], decision))
        alarms.append(int(counted.sum()))
        heard.append(float(judged[others].sum()))
        for i in range(plan.ids):
            of_id[i] += counted[i :: plan.ids].sum(), judged[others[others % plan.ids == i]].sum()
        # How far the interval holds what was counted, itself known to the chance of its number.
        low, high = poisson_interval(alarms[-1], heard[-1])
        inside += line.expected_low <= high and low <= line.expected_high
    rate = sum(alarms) / sum(heard)
    low, high = poisson_interval(round(np.mean(alarms)), float(np.mean(heard)))
    return {
        "domain": plan.domain,
        "machine": plan.machines,
        "kind": kind,
        "budget": budget,
        "sets": len(alarms),
        "set_hours": round(judged_hours(series[:size], step), 2),
        "test_hours": round(float(np.mean(heard)), 1),
        "alarms": round(float(np.mean(alarms)), 1),
        "ratio": round(rate / per_hour, 2),
        "ratio_low": round(low / per_hour, 2),
        "ratio_high": round(high / per_hour, 2),
        "worst": [round(f(a / h for a, h in zip(alarms, heard, strict=True)) / per_hour, 2) for f in (min, max)],
        "interval_holds": f"{inside}/{len(alarms)}",
        "of_id": [round(a / h / per_hour, 2) for a, h in of_id],
    }


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Lines for people, and for each domain, kind and budget the mean over the machines."""
    lines = [
        f"{r['domain']:9} {r['machine']:6} {r['kind']:23} {r['budget']:6} {r['sets']:2} sets of {r['set_hours']:5.1f} h"
        f", {r['alarms']:6.1f} alarms in {r['test_hours']:6.1f} h: {r['ratio']:5.2f} of the budget"
        f" ({r['ratio_low']:.2f} to {r['ratio_high']:.2f}), single sets {r['worst'][0]:.2f} to {r['worst'][1]:.2f},"
        f" interval holds {r['interval_holds']}"
        f"{', machines ' + ' '.join(map(str, r['of_id'])) if len(r['of_id']) > 1 else ''}"
        for r in rows
    ]
    for key in sorted({(r["domain"], r["kind"], r["budget"]) for r in rows}):
        own = [r for r in rows if (r["domain"], r["kind"], r["budget"]) == key]
        ratio = sum(r["alarms"] for r in own) / sum(r["test_hours"] for r in own) / parse_rate(key[2]).per_hour
        lines.append(f"{' '.join(key)}: {ratio:.2f} of the budget over {len(own)} rows")
    return lines


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--domain", choices=list(RATES), default="audio")
    parser.add_argument("--machines", default="fan,pump,motor")
    parser.add_argument("--ids", type=int, default=1, help="machines of each kind, whose recordings take turns")
    parser.add_argument("--kinds", help="kind, kind+head or combined+member+member; default: all that --ids allows")
    parser.add_argument("--train-hours", type=float, default=8)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--validation", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--budgets", default="1/hour=8,1/day=66", help="each with the hours of recordings of a set")
    parser.add_argument("--scores", type=Path, required=True, help="folder to keep scores in")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    kinds = given.kinds.split(",") if given.kinds else [k for k in KINDS if k != "embedding" or given.ids > 1]
    try:
        mimii_ids(given.ids)
        for kind in kinds:
            parse_kind(kind)
    except (ModelError, SynthesisError) as error:
        parser.error(str(error))
    plans = [
        Plan(
            machine, given.ids, given.domain, tuple(kinds), given.train_hours, given.hours, given.seconds,
            given.validation, given.seed, given.scores,
        )
        for machine in given.machines.split(",")
    ]  # fmt: skip
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(given.jobs, mp_context=context) as pool:
        list(pool.map(work, plans))
    budgets = [pair.split("=") for pair in given.budgets.split(",")]
    rows = [check(plan, kind, text, float(hours)) for text, hours in budgets for plan in plans for kind in plan.kinds]
    print(json.dumps(rows, indent=1) if given.json else "\n".join(table(rows)))
    return 0 if all(0.5 <= row["ratio"] <= 2 for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
