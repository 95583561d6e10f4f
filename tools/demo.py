# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The whole way, once: from a synthetic fan to alarms, on the desk and on an emulated Cortex-M4F.

Synthesises a fan, trains two detectors, judges them, streams unseen recordings through the twin and, where a Zephyr
workspace can be had, through the firmware in QEMU, and says whether the two agreed.

Everything lands in build/demo/; the summary is build/demo/summary.json. Each step is the command a user would type.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import workspace

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "demo"
MODELS = ("kmeans", "autoencoder")
BUDGET = "1/hour"
STREAM_SECONDS = 20
HEALTHY, FAILING = 3, 5  # each fault of the fan once
# Recordings from this number on are of the same machine, but none that the training data hold.
UNSEEN = 100_000


@dataclass
class Result:
    """What became of one detector; the fields are those of summary.json."""

    model: str
    bundle: str
    bytes: int = 0
    auc: float = 0.0
    pauc: float = 0.0
    failing_alarmed: int = 0
    failing: int = 0
    healthy_alarmed: int = 0
    healthy: int = 0
    windows: int = 0
    firmware: str = "not run"
    streams: list[dict[str, Any]] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the demo shows what it is to show."""
        return (
            self.auc >= 0.95
            and self.failing_alarmed == self.failing > 0
            and self.healthy_alarmed == 0 < self.healthy
            and self.firmware in ("agrees", "not run")
        )


def command(*words: object, accept: tuple[int, ...] = (0,)) -> str:
    """Run a command in the repository's root as a user would; give what it printed on stdout."""
    texts = [str(word) for word in words]
    print(f"\n$ {shlex.join(texts)}", flush=True)
    done = subprocess.run(texts, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in accept:
        print(done.stdout)
        raise SystemExit(f"demo: this command failed with status {done.returncode}: {shlex.join(texts)}")
    return done.stdout


def relative(path: Path) -> str:
    """Give a path as seen from the repository's root."""
    return str(path.relative_to(ROOT))


def synthesise() -> tuple[Path, list[Path], list[Path]]:
    """Make the training data and the unseen streams; give the data's folder, the healthy and the failing streams."""
    data, streams = OUT / "data", OUT / "streams"
    print(command("tocsin", "synth", relative(data), "--machine", "fan", "--normal", 100, "--abnormal", 48), end="")
    print(
        command(
            *("tocsin", "synth", relative(streams), "--machine", "fan", "--seconds", STREAM_SECONDS),
            *("--normal", HEALTHY, "--abnormal", FAILING, "--first", UNSEEN),
        ),
        end="",
    )
    return data, sorted(streams.glob("fan/*/normal/*.wav")), sorted(streams.glob("fan/*/abnormal/*.wav"))


def judge(result: Result, data: Path) -> None:
    """Train and evaluate one detector."""
    start = time.monotonic()
    # Two minutes of healthy running set the threshold here: they can say something of an hour, nothing of a month.
    told = command(
        *("tocsin", "train", "--data", relative(data), "--model", result.model),
        *("--false-alarms", BUDGET, "-o", result.bundle),
    )
    print(told, end="")
    print(f"trained in {time.monotonic() - start:.0f} s", flush=True)
    plots = relative(OUT / "plots" / result.model)
    rows = json.loads(command("tocsin", "eval", result.bundle, "--data", relative(data), "--plots", plots, "--json"))
    overall = next(row for row in rows if row["machine"] == "all")
    result.auc, result.pauc = overall["auc"], overall["pauc"]
    result.bytes = (ROOT / result.bundle).stat().st_size
    print(f"AUC {result.auc:.4f}, pAUC {result.pauc:.4f} on {overall['n_normal']} + {overall['n_anomaly']} recordings")


def stream(result: Result, healthy: list[Path], failing: list[Path]) -> None:
    """Stream the unseen recordings through the twin."""
    result.healthy, result.failing = len(healthy), len(failing)
    files = [relative(path) for path in [*healthy, *failing]]
    lines = command("tocsin", "run", "--windows", "--json", result.bundle, *files, accept=(0, 1)).splitlines()
    outcomes: dict[str, dict[str, Any]] = {}
    for line in lines:
        item = json.loads(line)
        outcome = outcomes.setdefault(item["file"], {"windows": [], "events": []})
        if item["kind"] == "summary":
            outcome |= {"alarms": item["alarms"], "peak": item["peak"], "threshold": item["threshold"]}
        elif item["kind"] in ("window", "event"):
            outcome[item["kind"] + "s"].append(item)
    result.windows = sum(len(outcome["windows"]) for outcome in outcomes.values())
    for name, outcome in outcomes.items():
        fails = "/abnormal/" in name
        alarmed = outcome["alarms"] > 0
        result.failing_alarmed += fails and alarmed
        result.healthy_alarmed += not fails and alarmed
        first = next((event["end_s"] for event in outcome["events"] if event["event"] == "begin"), None)
        result.streams.append(
            {"file": name, "failing": fails, "alarm": alarmed, "alarm_after_s": first}
            | {key: outcome[key] for key in ("peak", "threshold")}
        )
    print(
        f"alarms on {result.failing_alarmed} of {result.failing} failing streams,"
        f" on {result.healthy_alarmed} of {result.healthy} healthy ones",
        flush=True,
    )


def firmware(results: list[Result], recordings: list[Path]) -> str:
    """Build the firmware, replay the recordings through it in QEMU, compare; give one line on what happened."""
    base = workspace.find()
    if base is None:
        base = workspace.fetch()
        if base is None:
            return "firmware not run: no Zephyr workspace found, and none could be fetched"
        # Only now is it known that the firmware's tools are needed.
        subprocess.run(["sh", "tools/setup.sh"], cwd=ROOT, check=True)
    if shutil.which("qemu-system-arm") is None:
        return "firmware not run: qemu-system-arm is not installed"
    for result in results:
        report = json.loads(
            command(
                *(sys.executable, "tools/compare_firmware.py", "--board", "qemu_m4f", "--json", result.bundle),
                *(relative(path) for path in recordings),
                accept=(0, 1),
            )
        )
        result.firmware = "agrees" if report["equal"] else "DIFFERS"
        print(
            f"firmware: {report['windows']} windows, {report['events']} events from QEMU;"
            f" features, scores and events {'equal the twin, bit for bit' if report['equal'] else 'DIFFER'}",
            flush=True,
        )
    return f"firmware run in QEMU (Zephyr at {base})"


def table(results: list[Result]) -> None:
    """Print what came of each detector."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(title="A synthetic fan, judged on recordings that training never saw")
    for name in ("model", "bundle", "AUC", "pAUC", "failing streams", "healthy streams", "firmware and twin"):
        shown.add_column(name)
    for result in results:
        shown.add_row(
            result.model,
            f"{result.bytes / 1024:.1f} KiB",
            f"{result.auc:.3f}",
            f"{result.pauc:.3f}",
            f"{result.failing_alarmed} of {result.failing} alarm",
            f"{result.healthy_alarmed} of {result.healthy} alarm",
            {"agrees": "equal, bit for bit"}.get(result.firmware, result.firmware),
        )
    Console(width=110).print(shown)


def main() -> int:
    """Run the demo; 0 where it showed what it is to show."""
    start = time.monotonic()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    data, healthy, failing = synthesise()
    results = [Result(model, relative(OUT / f"fan-{model}.tocsin")) for model in MODELS]
    for result in results:
        judge(result, data)
        stream(result, healthy, failing)
    told = firmware(results, [*healthy, *failing])
    good = all(result.good for result in results)
    ran = all(result.firmware != "not run" for result in results)
    agreed = all(result.firmware == "agrees" for result in results) if ran else None
    summary = {
        "good": good,
        "twin_and_firmware_agree": agreed,
        "firmware": told,
        "plots": relative(OUT / "plots"),
        "seconds": round(time.monotonic() - start),
        "models": [asdict(result) for result in results],
    }
    (OUT / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print()
    table(results)
    print(told)
    print(f"plots: {relative(OUT / 'plots')}/, summary: {relative(OUT / 'summary.json')}, {summary['seconds']} s")
    if not good:
        print("demo: this is not what it is to show: AUC >= 0.95, alarms on the failing streams alone, twin = firmware")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
