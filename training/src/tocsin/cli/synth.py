# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin synth``: write synthetic recordings of machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli.options import now_and_then
from tocsin.words import counted, verb

if TYPE_CHECKING:
    from tocsin.synth import DatasetSummary

# As tocsin.synth.MACHINES has them, which takes NumPy and SciPy to import; a test compares the two.
MACHINE_NAMES = ("fan", "pump", "valve", "slider", "motor")
# A bar that vanishes at once is noise.
_PATIENCE_S = 2.0


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a progress callback: a bar on a terminal once the job has taken two seconds, else a line now and then."""
    if not sys.stderr.isatty():
        tell = now_and_then(label)
        yield lambda done, total: tell(f"{done} of {counted(total, 'recording')}")
        return
    started = time.monotonic()
    bar: Any = None

    def advance(done: int, total: int) -> None:
        nonlocal bar
        if bar is None and time.monotonic() - started > _PATIENCE_S:
            bar = click.progressbar(length=total, label=label, file=sys.stderr)
            bar.__enter__()
        if bar is not None:
            bar.update(done - bar.pos)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.__exit__(None, None, None)


def _faults_of(machine: str, machines: tuple[str, ...], faults: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the chosen faults that a machine has; each must belong to one of the chosen machines."""
    from tocsin.synth import MACHINES, SynthesisError

    if not faults:
        return None
    known = {name for kind in machines for name in MACHINES[kind].faults}
    for fault in faults:
        if fault not in known:
            raise SynthesisError(
                f"no fault {fault!r} for {', '.join(machines)}; choose from: {', '.join(sorted(known))}"
            )
    own = tuple(fault for fault in faults if fault in MACHINES[machine].faults)
    if not own:
        raise SynthesisError(
            f"a {machine} has none of the faults {', '.join(faults)}; "
            f"leave the machine out, or add one of: {', '.join(MACHINES[machine].faults)}"
        )
    return own


def _report(summary: DatasetSummary) -> str:
    ids = ", ".join(f"id_{number:02d}" for number in summary.ids)
    lines = [
        f"{summary.root}: {summary.normal} normal, {summary.abnormal} abnormal "
        f"{summary.domain} recordings of {summary.seconds:g} s ({ids})"
    ]
    if summary.faults:
        lines.append("  faults: " + ", ".join(f"{name} {count}" for name, count in summary.faults.items()))
    if summary.clipped:
        lines.append(
            f"  {counted(summary.clipped, 'sample')} exceeded the 16-bit range and"
            f" {verb(summary.clipped, 'was', 'were')} limited"
        )
    return "\n".join(lines)


_EPILOG = """\b
Example:
  tocsin synth data --machine fan --normal 100 --abnormal 50 --seed 1

Writes data/fan/id_00/{normal,abnormal}/00000000.wav and so on, with labels.csv and metadata.json
beside them."""


@click.command(epilog=_EPILOG)
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--machine", "machines", multiple=True, default=("fan",), show_default=True,
    type=click.Choice([*MACHINE_NAMES, "all"]), help="Kind of machine; may be given more than once.",
)  # fmt: skip
@click.option(
    "--domain", type=click.Choice(["audio", "vibration"]), default="audio", show_default=True,
    help="16 kHz mono sound, or 1600 Hz three-axis acceleration.",
)  # fmt: skip
@click.option("--ids", type=int, default=1, show_default=True, help="How many machines of each kind.")
@click.option("--normal", type=int, default=100, show_default=True, help="Healthy recordings of each machine.")
@click.option("--abnormal", type=int, default=50, show_default=True, help="Faulty recordings of each machine.")
@click.option("--seconds", type=float, default=10.0, show_default=True, help="Length of a recording.")
@click.option(
    "--snr", "snr_db", type=float, default=6.0, show_default=True,
    help="Signal-to-noise ratio in dB; 'inf' for no background.",
)  # fmt: skip
@click.option(
    "--fault", "faults", multiple=True,
    help="Fault of the faulty recordings; may be given more than once. Without it, all take turns.",
)  # fmt: skip
@click.option(
    "--first", type=int, default=0, show_default=True,
    help="Number of the first recording: unused numbers give more of the same machines.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same files.")
@click.option("--force", is_flag=True, help="Replace what an earlier run wrote there.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def synth(
    out: Path, machines: tuple[str, ...], faults: tuple[str, ...], as_json: bool, force: bool, **options: Any
) -> None:
    """Write synthetic recordings of machines to OUT, in MIMII's folder layout.

    Shafts, blades, gears, bearings, flow and valves come from physical models, at a drifting speed and
    before the noise of a factory; faults are labelled in labels.csv.
    """
    from tocsin.synth import check_target, write_dataset

    chosen = MACHINE_NAMES if "all" in machines else tuple(dict.fromkeys(machines))
    # All checks first: a mistake in the last machine must not surface after an hour.
    plans = [(machine, _faults_of(machine, chosen, faults)) for machine in chosen]
    for machine in chosen:
        check_target(out, machine, overwrite=force)
    summaries = []
    for machine, own in plans:
        with _progress(machine) as advance:
            summaries.append(
                write_dataset(out, machine=machine, faults=own, overwrite=force, progress=advance, **options)
            )
    if as_json:
        click.echo(json.dumps([summary.to_json() for summary in summaries], indent=2))
    else:
        click.echo("\n".join(_report(summary) for summary in summaries))
