# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Say what flash, RAM and stack each module takes, and what has grown since the committed baseline.

    python tools/footprint.py                        # the boards that `make test` looks at
    python tools/footprint.py xiao_ble-mic --json    # one board
    python tools/footprint.py --all                  # every board, some minutes each
    python tools/footprint.py --all --update         # after a change that is meant: write the baseline

Flash and RAM are read from the linker's map of each image, without the embedded bundle, which is the user's. Stacks
are the most that each thread has used on the emulated Cortex-M4F while detectors were uploaded, run and asked about.
"""

from __future__ import annotations

import argparse
import json
import re
import struct
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import boards
from bench import compiler
from emulation import BOARDS, ROOT, BuildFailed, CannotBuild, Emulator, configure_and_build
from tocsin.device.link import Link, LinkError, Refused

BASELINE = ROOT / "tools" / "footprint.json"
TOLERANCE = 0.02
# Alignment moves a few bytes from here to there, and 2 % of a small module are less than that.
SLACK = 32
# An interrupt leaves a frame of 104 bytes on a thread's stack, at its deepest place or not.
STACK_SLACK = 128
EMULATED = "qemu_m4f"
VECTORS = ROOT / "tests" / "vectors"


@dataclass(frozen=True)
class Image:
    """A board's image: how it is configured, and where."""

    board: str
    options: tuple[str, ...]
    folder: Path


IMAGES = {
    "nrf52840dk": Image("nrf52840dk/nrf52840", (), ROOT / "build" / "boards" / "nrf52840dk"),
    EMULATED: Image(EMULATED, (), ROOT / "build" / "sim" / "qemu"),
} | {
    f"{target.name}-{target.sensor}": Image(target.board, (f"-DFILE_SUFFIX={target.sensor}",), target.folder)
    for target in boards.TARGETS
}
ALWAYS = ("nrf52840dk", EMULATED)

# Which module a file of the map belongs to: the first pattern that fits. What fits none is Zephyr's.
MODULES = (
    (r"default_bundle\.S", "bundle embedded"),
    (r"libapp\.a", "app"),
    (r"libtocsin_tflite_micro\.a|libtocsin_cmsis_nn\.a", "TensorFlow Lite Micro"),
    (r"libtocsin_source\w*\.a", "source"),
    (r"libtocsin_link\w*\.a", "link"),
    (r"libtocsin_(\w+)\.a", ""),
    (r"/lib(c|gcc|stdc\+\+|supc\+\+|m)\.a", "compiler's libraries"),
    (r"libkernel\.a|libarch\w*\.a|isr_tables", "Zephyr: kernel"),
    (r"libdrivers\w*\.a|libnrfx\.a|libsoc\w*\.a|libmodules\w*hal\w*\.a", "Zephyr: drivers"),
    (r"subsys|lib__|libzephyr\.a", "Zephyr: services"),
)
SECTION = re.compile(r"^ (\.\S+|[A-Za-z_]\S*)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S.*\.o(?:bj)?\)?)$", re.M)
NOT_LOADED = (".debug", ".comment", ".ARM.attributes", ".intList")


def module_of(path: str) -> str:
    """The module that an object file of the map is part of."""
    for pattern, name in MODULES:
        if found := re.search(pattern, path):
            return name or found[1]
    return "Zephyr: rest"


def memory_regions(text: str) -> dict[str, range]:
    """FLASH and RAM as the map's head configures them."""
    table = re.findall(r"^(FLASH|RAM)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)", text, re.M)
    return {name: range(int(start, 16), int(start, 16) + int(size, 16)) for name, start, size in table}


def sizes_of(map_file: str) -> dict[str, dict[str, int]]:
    """Bytes of flash and RAM a module, from the text of a linker's map.

    What starts in RAM with a value counts twice: its value lies in flash.

    Raises
    ------
    BuildFailed
        Where that is no such map.
    """
    head, _, body = map_file.partition("Linker script and memory map")
    regions = memory_regions(head)
    if regions.keys() != {"FLASH", "RAM"}:
        raise BuildFailed("the linker's map does not say where flash and RAM are")
    # Long names of sections have a line of their own.
    body = re.sub(r"^( \S+)\n\s+(?=0x)", r"\1 ", body, flags=re.M)
    flash: Counter[str] = Counter()
    ram: Counter[str] = Counter()
    for section, address, size, path in SECTION.findall(body):
        module, start, length = module_of(path), int(address, 16), int(size, 16)
        if section.startswith(NOT_LOADED) or length == 0:
            continue
        if start in regions["RAM"]:
            ram[module] += length
            if section.startswith((".data", "._")) and "bss" not in section and "noinit" not in section:
                flash[module] += length
        elif start in regions["FLASH"]:
            flash[module] += length
    flash.pop("bundle embedded", None)
    if not flash or not ram:
        raise BuildFailed("nothing was found in the linker's map")
    return {
        "flash": {"total": flash.total(), **dict(sorted(flash.items()))},
        "ram": {"total": ram.total(), **dict(sorted(ram.items()))},
    }


def measure_stacks(image: Path) -> dict[str, int]:
    """The most that each thread has used of its stack, bytes, after work of every kind on the emulated board.

    Raises
    ------
    BuildFailed
        Where the emulated board does not do it.
    """
    with tempfile.TemporaryDirectory() as folder, Emulator(BOARDS["qemu"], image, Path(folder), icount=4) as emulator:
        try:
            emulator.wait_for(r"bundle [0-9a-f]{8}: ")
            with emulator.open_link() as link:
                work(emulator, link)
                stacks = link.status().stacks
        except (AssertionError, LinkError, OSError) as error:
            raise BuildFailed(f"the emulated board did not do its work: {error}") from error
    return {name: used for name, (used, _) in sorted(stacks.items())}


def work(emulator: Emulator, link: Link) -> None:
    """All that a board does: run a detector of each kind, record, refuse, alarm, and say all it knows."""
    import numpy as np

    from tocsin.bundle import read_bundle

    link.subscribe(0xFFFFFFFF)
    index = json.loads((VECTORS / "index.json").read_text())
    for name in index:
        raw = (VECTORS / name / "bundle.tocsin").read_bytes()
        features = read_bundle(raw).features
        link.upload(raw)
        samples = np.fromfile(VECTORS / ("audio.i16" if features.channels == 1 else "vibration.i16"), np.int16)
        link.replay(
            samples[: samples.size // features.channels * features.channels].reshape(-1, features.channels),
            sample_rate=features.sample_rate,
            vectors=True,
        )
        for bad in (raw[:-16], raw[:200] + bytes(200) + raw[400:], bytes(400)):
            try:
                link.upload(bad)
            except Refused:
                continue
            raise AssertionError(f"a damaged bundle of {name} was not refused")
    link.use_default()
    record(link, seconds=5)
    for command, answer in (
        ("tocsin fault on", "ALARM begins"),
        ("tocsin fault off", "ALARM ends"),
        ("tocsin status", r"stack idle"),
        ("tocsin bundle", r"trained|made|\{"),
    ):
        emulator.type(command)
        emulator.wait_for(answer, timeout=90)


def record(link: Link, *, seconds: float) -> None:
    """Record the live source, acknowledging what comes, and answer for none of it at the end."""
    from tocsin.device import messages as types
    from tocsin.device.recording import Recording

    recording = Recording(1)
    link.listen(recording)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        link.pump(0.1)
    link.ignore(recording)
    link._request(types.RECORD_STOP, struct.pack("<I", recording.identity))
    if not recording.items():
        raise AssertionError("nothing was recorded")


def measure(names: list[str]) -> dict[str, Any]:
    """Build what is not built yet; the report's JSON: `compiler`, `images` by name, and `stacks` of the emulated board.

    Raises
    ------
    CannotBuild, BuildFailed
        See :func:`emulation.configure_and_build`.
    """
    result: dict[str, Any] = {"images": {}}
    for name in names:
        image = IMAGES[name]
        configure_and_build(image.folder, image.board, *image.options)
        result["compiler"] = compiler(image.folder)
        result["images"][name] = sizes_of((image.folder / "zephyr" / "zephyr.map").read_text())
        if name == EMULATED:
            result["stacks"] = measure_stacks(image.folder / "zephyr" / "zephyr.elf")
    return result


def grown(result: dict[str, Any], baseline: dict[str, Any]) -> list[str]:
    """What takes more than the tolerance allows beyond the baseline, a line each."""
    rows = [
        (f"{name}, {memory} of {module}", before, result["images"][name][memory].get(module, 0), SLACK)
        for name, image in baseline["images"].items()
        if name in result["images"]
        for memory, modules in image.items()
        for module, before in modules.items()
    ]
    rows += [
        (f"{name}, {memory} of {module}", 0, now, SLACK)
        for name, image in result["images"].items()
        if name in baseline["images"]
        for memory, modules in image.items()
        for module, now in modules.items()
        if module not in baseline["images"][name][memory]
    ]
    stacks = result.get("stacks", {})
    rows += [
        (f"stack of {name}", before, stacks.get(name, 0), STACK_SLACK) for name, before in baseline["stacks"].items()
    ]
    return [
        f"{what}: {now:,} bytes, {before:,} in the baseline"
        for what, before, now, slack in rows
        if now > before * (1 + TOLERANCE) + slack
    ]


def show(result: dict[str, Any]) -> None:
    """Print a table for each image, and one of the stacks."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=100)
    for name, image in result["images"].items():
        table = Table(title=f"{name}: bytes, without the embedded bundle ({result['compiler']})")
        table.add_column("module")
        for memory in ("flash", "RAM"):
            table.add_column(memory, justify="right")
        for module in sorted(image["flash"].keys() | image["ram"].keys(), key=lambda m: -image["flash"].get(m, 0)):
            table.add_row(module, *(f"{image[memory].get(module, 0):,}" for memory in ("flash", "ram")))
        console.print(table)
    if "stacks" in result:
        table = Table(title="Stacks on the emulated board, bytes used at most")
        table.add_column("thread")
        table.add_column("used", justify="right")
        for thread, used in result["stacks"].items():
            table.add_row(thread, f"{used:,}")
        console.print(table)


def main() -> int:
    """Measure, print, compare; 1 where something has grown, 2 where nothing can be measured."""
    parser = argparse.ArgumentParser(
        prog="footprint.py",
        description=__doc__.split("\n", 1)[0],
        epilog="Example: python tools/footprint.py nrf52840dk qemu_m4f",
    )
    parser.add_argument("image", nargs="*", help=f"of {', '.join(IMAGES)} (default: {', '.join(ALWAYS)})")
    parser.add_argument("--all", action="store_true", help="every image, some minutes each")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--update", action="store_true", help="write what was measured to tools/footprint.json")
    options = parser.parse_args()
    if unknown := sorted(set(options.image) - IMAGES.keys()):
        parser.error(f"there is no image {unknown[0]}: one of {', '.join(IMAGES)}")
    try:
        result = measure(list(IMAGES) if options.all else options.image or list(ALWAYS))
    except (CannotBuild, BuildFailed) as error:
        print(f"footprint: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {"images": {}, "stacks": {}}
    if options.update:
        merged = {**baseline, **result, "images": baseline["images"] | result["images"]}
        BASELINE.write_text(json.dumps(merged, indent=2) + "\n")
        return 0
    if baseline.get("compiler") != result["compiler"]:
        print(f"not compared: the baseline is of {baseline.get('compiler')}", file=sys.stderr)
        return 0
    lines = grown(result, baseline)
    for line in lines:
        print(f"grown: {line}", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
