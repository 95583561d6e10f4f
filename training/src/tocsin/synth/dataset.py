# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Write a data set in MIMII's folder layout, with the labels that MIMII's file names cannot carry."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin.errors import reason
from tocsin.synth.errors import SynthesisError
from tocsin.synth.render import RATES, Domain, check_options, machine_spec, record
from tocsin.synth.seeds import stream
from tocsin.synth.target import GENERATOR, check_target, clear
from tocsin.synth.wav import write_wav

# Raised whenever the same options would give other bytes than before.
GENERATOR_VERSION = 1
# Clips of abnormal folders are numbered from here, so that none shares its background with a normal one.
ABNORMAL_CLIP = 1 << 20
# What 32768 steps mean: full scale for audio, +-4 g for vibration.
RANGES: dict[Domain, tuple[float, str]] = {"audio": (1.0, "FS"), "vibration": (4.0, "g")}
CHANNELS: dict[Domain, list[str]] = {"audio": ["mono"], "vibration": ["x", "y", "z"]}
COLUMNS = ("file", "label", "fault", "severity", "rpm", "snr_db", "seed", "clip")
MAX_CLIPS = 100_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DatasetSummary:
    """What was written.

    Attributes
    ----------
    root : pathlib.Path
        The machine's folder, ``OUT/<machine>``.
    machine, domain : str
        Kind of machine, and of sensor.
    ids : tuple of int
        Machine IDs.
    normal, abnormal : int
        Recordings in all.
    faults : dict of str to int
        Recordings by fault.
    seconds : float
        Length of each recording in s.
    clipped : int
        Samples that exceeded the 16-bit range and were limited.
    """

    root: Path
    machine: str
    domain: str
    ids: tuple[int, ...]
    normal: int
    abnormal: int
    faults: dict[str, int]
    seconds: float
    clipped: int

    def to_json(self) -> dict[str, Any]:
        """Return the summary as JSON-ready values."""
        return dataclasses.asdict(self) | {"root": str(self.root), "ids": list(self.ids)}


@dataclass(frozen=True)
class _Plan:
    """A checked request for a data set; see `write_dataset`."""

    machine: str
    domain: Domain
    ids: tuple[int, ...]
    normal: int
    abnormal: int
    seconds: float
    snr_db: float
    seed: int
    faults: tuple[str, ...]
    first: int

    def clips(self) -> Iterator[tuple[str, str | None, int, int]]:
        """Yield label, fault, number of its file, and clip number of each clip of a machine ID."""
        for number in range(self.first, self.first + self.normal):
            yield "normal", None, number, number
        for number in range(self.first, self.first + self.abnormal):
            yield "abnormal", self.faults[(number - self.first) % len(self.faults)], number, ABNORMAL_CLIP + number


def mimii_ids(ids: int | Sequence[int]) -> tuple[int, ...]:
    """Return machine IDs: a number of machines becomes 0, 2, 4, ... as MIMII numbers them.

    Raises
    ------
    SynthesisError
        If there is none, one twice, or one beyond 99.
    """
    if isinstance(ids, int):
        if not 1 <= ids <= 50:
            raise SynthesisError(f"the number of machine IDs must be from 1 to 50, not {ids}")
        return tuple(range(0, 2 * ids, 2))
    chosen = tuple(ids)
    if not chosen or len(set(chosen)) != len(chosen) or not all(0 <= i <= 99 for i in chosen):
        raise SynthesisError(f"machine IDs must be different whole numbers from 0 to 99, not {list(chosen)}")
    return chosen


def _plan(
    machine: str, domain: Domain, ids: int | Sequence[int], normal: int, abnormal: int,
    seconds: float, snr_db: float, seed: int, faults: Sequence[str] | None, first: int,
) -> _Plan:  # fmt: skip
    spec = machine_spec(machine)
    check_options(seconds=seconds, rate=16000.0, snr_db=snr_db, domain=domain)
    stream(seed)  # refuses a bad seed before anything is written
    for name, count in (("normal", normal), ("abnormal", abnormal)):
        if not 0 <= count <= MAX_CLIPS:
            raise SynthesisError(f"the number of {name} clips must be from 0 to {MAX_CLIPS}, not {count}")
    if not 0 <= first <= ABNORMAL_CLIP - MAX_CLIPS:
        raise SynthesisError(f"the first recording's number must be from 0 to {ABNORMAL_CLIP - MAX_CLIPS}, not {first}")
    if normal + abnormal == 0:
        raise SynthesisError("there is nothing to write; ask for at least one normal or abnormal clip")
    chosen = tuple(spec.fault(name).name for name in (spec.faults if faults is None else faults))
    if not chosen:
        raise SynthesisError(f"name at least one fault of a {machine}: {', '.join(spec.faults)}")
    return _Plan(machine, domain, mimii_ids(ids), normal, abnormal, seconds, snr_db, seed, chosen, first)


def _metadata(plan: _Plan, machine_id: int) -> dict[str, Any]:
    spec = machine_spec(plan.machine)
    full_scale, unit = RANGES[plan.domain]
    geometry = dataclasses.asdict(spec.unit(machine_id, seed=plan.seed))
    geometry["dimensions"] = dict(geometry["dimensions"])
    bearing = spec.unit(machine_id, seed=plan.seed).bearing
    geometry["bearing"] |= {"bpfo": bearing.bpfo, "bpfi": bearing.bpfi, "bsf": bearing.bsf, "ftf": bearing.ftf}
    return {
        "generator": GENERATOR,
        "generator_version": GENERATOR_VERSION,
        "domain": plan.domain,
        "rate": RATES[plan.domain],
        "channels": CHANNELS[plan.domain],
        "units": unit,
        "full_scale": full_scale,
        "bits": 16,
        "gravity_axis": "z" if plan.domain == "vibration" else None,
        "seed": plan.seed,
        "seconds": plan.seconds,
        "snr_db": _number(plan.snr_db),
        "faults": {name: spec.faults[name].description for name in plan.faults},
        "machine": geometry,
    }


def _number(x: float) -> float | str:
    # JSON has no infinity.
    return x if abs(x) < float("inf") else "inf"


def _write_id(plan: _Plan, root: Path, machine_id: int, step: Callable[[], None]) -> int:
    """Write the recordings, labels and metadata of one machine ID; return the clipped samples."""
    folder = root / f"id_{machine_id:02d}"
    for label in ("normal", "abnormal"):
        (folder / label).mkdir(parents=True, exist_ok=True)
    # First of all, so that --force knows an interrupted run for its own.
    text = json.dumps(_metadata(plan, machine_id), indent=2) + "\n"
    (folder / "metadata.json").write_text(text, encoding="utf-8", newline="\n")
    clipped = 0
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(COLUMNS)
        for label, fault, number, drawn in plan.clips():
            clip = record(
                plan.machine, fault=fault, seconds=plan.seconds, snr_db=plan.snr_db, seed=plan.seed,
                domain=plan.domain, machine_id=machine_id, clip=drawn,
            )  # fmt: skip
            name = f"{label}/{number:08d}.wav"
            clipped += write_wav(
                folder / name, clip.samples, rate=round(RATES[plan.domain]), full_scale=RANGES[plan.domain][0]
            )
            table.writerow(
                (name, label, fault or "", f"{clip.severity:.3f}", f"{clip.rpm:.2f}", f"{plan.snr_db:g}",
                 plan.seed, drawn)
            )  # fmt: skip
            step()
    return clipped


def write_dataset(
    out: str | Path,
    *,
    machine: str = "fan",
    domain: Domain = "audio",
    ids: int | Sequence[int] = 1,
    normal: int = 100,
    abnormal: int = 50,
    seconds: float = 10.0,
    snr_db: float = 6.0,
    seed: int = 0,
    faults: Sequence[str] | None = None,
    first: int = 0,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> DatasetSummary:
    """Write a data set of one kind of machine.

    The layout is MIMII's, ``OUT/<machine>/id_00/{normal,abnormal}/00000000.wav``, and beside the two
    folders stand ``labels.csv`` (a row for each file; `render` with its seed, clip, fault and severity
    gives that file again) and ``metadata.json`` (rate, units, full scale, the machine's dimensions).

    Parameters
    ----------
    out : str or pathlib.Path
        Where; created if it is not there.
    machine : str
        Kind of machine.
    domain : {"audio", "vibration"}
        16 kHz mono sound, or 1600 Hz three-axis acceleration with a full scale of 4 g.
    ids : int or sequence of int
        How many machines (numbered 0, 2, 4, ... as in MIMII), or their numbers.
    normal, abnormal : int
        Recordings of each machine ID, healthy and faulty; 0 to 100000, not both 0.
    seconds : float
        Length of a recording in s.
    snr_db : float
        Signal-to-noise ratio in dB, see `record`.
    seed : int
        The same seed gives the same files.
    faults : sequence of str, optional
        Faults that take turns in the abnormal folder; without it, all of the machine's.
    first : int
        Number of the first recording of each folder.  The same seed with numbers that no earlier run used
        gives further recordings of the very same machines.
    overwrite : bool
        Replace what an earlier run wrote to ``OUT/<machine>``.  Files of others are never deleted.
    progress : callable, optional
        Called with the number of recordings written and their total.

    Returns
    -------
    DatasetSummary

    Raises
    ------
    SynthesisError
        If an option is out of range, ``OUT/<machine>`` is not empty, or it cannot be written.
    """
    plan = _plan(machine, domain, ids, normal, abnormal, seconds, snr_db, seed, faults, first)
    total = len(plan.ids) * (normal + abnormal)
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    root = Path(out) / machine
    try:
        clear(check_target(out, machine, overwrite=overwrite))
        clipped = sum(_write_id(plan, root, machine_id, step) for machine_id in plan.ids)
    except OSError as error:
        raise SynthesisError(f"cannot write to {root}: {reason(error)}") from error
    by_fault = dict.fromkeys(plan.faults, 0) if abnormal else {}
    for label, fault, _, _ in plan.clips():
        if label == "abnormal" and fault is not None:
            by_fault[fault] += len(plan.ids)
    return DatasetSummary(
        root, machine, domain, plan.ids, len(plan.ids) * normal, len(plan.ids) * abnormal, by_fault, seconds, clipped
    )
