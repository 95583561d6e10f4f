# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The nRF52840 DK in Renode: the image that is flashed, its sensor fed with samples."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emulation import configure_and_build
from heard import Heard, of_twin
from kinds import OUT, ROOT, Kind
from pytest_embedded_renode import NoRenode, Renode, ZephyrBuild
from sensors import ACCEL_SETTLE, MICROPHONE_SETTLE, Sources, counting, registers
from station import NotHere, Station, collect
from tocsin.device.link import Link
from tocsin.device.messages import EVENTS, GAPS, SENSORS, SUBSCRIBE, WINDOWS

SCRIPT = ROOT / "boards" / "renode" / "nrf52840dk.resc"
ALL = struct.pack("<I", WINDOWS | EVENTS | GAPS | SENSORS)
# Samples that the accelerometer may have made before the stream begins: boot, and what is thrown away.
MOST_BEFORE = 200
# Of the Cortex-M4 (Armv7-M Architecture Reference Manual).
DEMCR, DWT_CTRL, CYCCNT = 0xE000EDFC, 0xE0001000, 0xE0001004


def image(kind: Kind) -> Path:
    """Build the board's image with its sensor and the detector, as a user does."""
    folder = OUT / f"nrf52840dk-{kind.suffix}"
    options = [f"-DFILE_SUFFIX={kind.suffix}", f"-DTOCSIN_BUNDLE={kind.bundle_file()}"]
    configure_and_build(folder, "nrf52840dk/nrf52840", *options)
    return ZephyrBuild(folder).image


class OnRenode(Station):
    """A board in Renode.

    Parameters
    ----------
    kind
        What it listens to.
    image
        From :func:`image`.
    folder
        For files of samples.
    heard
        Called with all that the console prints.
    """

    through_sensor = True

    def __init__(self, kind: Kind, image: Path, folder: Path, heard: Callable[[bytes], object]) -> None:
        self.bundle = kind.bundle
        self.image = image
        self._kind = kind
        self._folder = folder
        self._sources = Sources(folder)
        try:
            self._board = Renode(SCRIPT, elf=image, heard=heard, limit=850)
        except NoRenode as error:
            raise NotHere(str(error)) from error
        self._feed(kind.machine(None, 120))
        self._settle = {"mic": MICROPHONE_SETTLE, "accel": ACCEL_SETTLE}[kind.suffix]
        self._running = False

    def _feed(self, samples: NDArray[np.int16]) -> None:
        """Let the sensor hear this from now on."""
        self._give(samples if self._kind.suffix == "mic" else registers(samples, self.bundle.features.scale))

    def _give(self, given: NDArray[np.int16]) -> None:
        path = self._folder / "sensor.i16"
        path.write_bytes(given.astype("<i2").tobytes())
        sensor = {"mic": "pdm", "accel": "twi0.adxl345"}[self._kind.suffix]
        self._board.command(f"{sensor} SetInputFile @{path}")

    def _run(self) -> None:
        if not self._running:
            self._running = True
            self._board.start()

    def hear(self, samples: NDArray[np.int16]) -> tuple[Heard, NDArray[np.int16]]:
        assert not self._running, "a recording is heard from the first sample after switching on"
        features = self.bundle.features
        settle = round(self._settle * features.sample_rate)
        # It goes on behind the recording's end, so that the last window of it has come once one has that is of more.
        tail = samples[-2 * features.sample_rate :][::-1]
        self._feed(np.concatenate([samples, tail]))
        heard = self._hear_until(len(samples) - settle, 120 + 10 * len(samples) / features.sample_rate)
        stream = self._stream_of(samples, heard, settle)
        return heard.until(len(stream)), stream

    def _hear_until(self, index: int, timeout: float) -> Heard:
        """What is told from switching on until a window ends behind sample `index` of the stream."""
        heard = Heard()
        # Up before time runs, so that no report is missed.
        self._board.command('emulation RunFor "0.05"', timeout=60)
        with Link.open(self._board.link, timeout=60) as link:
            link.send(SUBSCRIBE, ALL)
            link.pump(0.2)
            self._run()
            collect(link, heard, lambda heard: heard.end > index, timeout)
        return heard

    def _stream_of(self, samples: NDArray[np.int16], heard: Heard, settle: int) -> NDArray[np.int16]:
        features = self.bundle.features
        if self._kind.suffix == "mic":
            return self._sources.microphone(samples, features.sample_rate)
        # Its clock runs from when the driver has woken it, so where the stream begins is found by its first window; all
        # the others then have to fit by themselves.
        stream = self._sources.accelerometer(registers(samples, features.scale), features.scale)
        first = heard.windows[0]
        for start in range(settle, settle + MOST_BEFORE):
            windows = of_twin(self.bundle, stream[start : start + first.end]).windows
            if windows and windows[-1].score == first.score:
                return stream[start:]
        raise AssertionError(f"the first window, {first}, is nowhere in what the sensor felt")

    def link_address(self) -> str:
        self._run()
        self.wait_for(r"bundle [0-9a-f]{8}: ")
        return self._board.link

    def wait_for(self, pattern: str, timeout: float = 60.0, since: int = 0) -> re.Match[str]:
        self._run()
        return self._board.wait_for(pattern, timeout, since)

    def shown(self) -> int:
        return len(self._board.console)

    def type(self, line: str) -> None:
        self._board.type(line)

    def reset(self) -> None:
        self._board.reset()

    def listen(self, seconds: int) -> NDArray[np.int16] | None:
        if self._kind.suffix != "mic":
            return None
        return self._sources.microphone(self._kind.machine(None, 120), self.bundle.features.sample_rate)[
            : seconds * self.bundle.features.sample_rate
        ]

    def lose_sensor(self) -> None:
        if self._kind.suffix == "mic":
            self._feed(np.zeros(16000, np.int16))
        else:
            self._board.command("twi0.adxl345 Dead true")

    def find_sensor(self) -> None:
        if self._kind.suffix == "mic":
            self._feed(self._kind.machine(None, 120))
        else:
            self._board.command("twi0.adxl345 Dead false")

    def disturb_bus(self, seconds: float) -> None:
        if self._kind.suffix == "mic":
            raise NotHere("shown in Renode alone, on the bus that the accelerometer has")
        # A burst is a reading for each sample, and two more (Zephyr's driver, fifo-watermark of the overlay).
        readings = seconds * self.bundle.features.sample_rate * (1 + 2 / 31)
        self._board.command(f"twi0 FailRead {round(readings)}")

    def disturb_clock(self, cycles: int | None) -> None:
        if cycles is not None:
            self._board.command(f"sysbus WriteDoubleWord {CYCCNT:#x} {cycles:#x}")
        else:
            # pyOCD writes 0 to DEMCR, which stops the counter in a processor, but not in Renode.
            self._board.command(f"sysbus WriteDoubleWord {DWT_CTRL:#x} 0")
            self._board.command(f"sysbus WriteDoubleWord {DEMCR:#x} 0")

    def clock_runs(self) -> bool:
        said = self._board.command(f"sysbus ReadDoubleWord {DWT_CTRL:#x}")
        return bool(int(re.findall(r"0x[0-9A-F]{8}", said)[-1], 16) & 1)

    def count(self) -> None:
        if self._kind.suffix == "mic":
            raise NotHere("shown in Renode alone, of the accelerometer")
        self._give(counting(120 * self.bundle.features.sample_rate))

    def stop(self) -> None:
        self._board.stop()
