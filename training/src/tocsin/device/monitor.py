# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Watch a device: its scores, alarms, gaps and sensor, and the spectrum of what it hears.

The device sends samples, and the spectrum is made here by the firmware's own features. What happens comes as plain
dictionaries, one for each line of ``tocsin monitor --json``.
"""

from __future__ import annotations

import math
import secrets
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import TocsinError
from ..features import Extractor, FeatureConfig
from .devices import SENSORS, STATES
from .link import Link
from .messages import (
    EVENT,
    EVENTS,
    GAP,
    GAPS,
    HELLO,
    INFO,
    MAJOR,
    MINOR,
    RECORD_STOP,
    REPLAY_DONE,
    REPLAY_ENDS,
    WINDOW,
    WINDOWS,
    Info,
    Report,
    parse_info,
    text,
    unpack,
)
from .recording import Block, Format, Recording
from .wire import LinkError, LinkGone, LinkSilent, Message

# The report that tells of the sensor's health, and what it says; version 1.1 of the link.
SENSOR, SENSOR_REPORT = 0xA4, 16
CONDITIONS = ("OK", "ABSENT", "FAILED", "STALLED", "STUCK", "SATURATED", "OFF_RATE")

# Seconds between two questions what the device is at, and without any word of it until it counts as gone.
_ASK = 1.0
_PATIENCE = 10.0

Thing = dict[str, Any]


class Spectrum:
    """Powers in bands of the last frames of a stream.

    Parameters
    ----------
    rate, channels : int
        Of the samples.
    scale : float
        Physical units a digit.
    vibration : bool
        Bands of one width, of the samples without their mean; else mel bands.
    """

    def __init__(self, rate: int, channels: int, scale: float, *, vibration: bool) -> None:
        n_fft = 256 if rate < 4000 else 1024
        self._config = (
            FeatureConfig.vibration(
                sample_rate=rate, scale_g=scale, frame_length=n_fft, hop=n_fft // 2, n_fft=n_fft, n_bands=32,
                fmin=0.0, fmax=rate / 2, spacing="linear", stats=(), pool=("mean",), window_frames=1, channels=channels,
            )
            if vibration
            else FeatureConfig.logmel(
                sample_rate=rate, channels=channels, n_fft=n_fft, hop=n_fft // 2, n_mels=40, fmax=rate / 2,
                pool=("mean",), window_frames=1, scale=scale,
            )
        )  # fmt: skip
        self._extractor = Extractor(self._config)
        self._held: NDArray[np.int16] = np.empty((0, channels), np.int16)
        self._most = max(n_fft, rate)  # a second
        self.centres = [
            round((band.first + (band.count - 1) / 2) * rate / n_fft, 1)
            for band in self._config.bands[: self._config.n_features // channels]
        ]

    def add(self, samples: NDArray[np.int16]) -> None:
        """Take the next samples, shape (n, channels)."""
        self._held = np.concatenate([self._held, samples])[-self._most :]

    def clear(self) -> None:
        """Forget the samples: others are missing behind them."""
        self._held = self._held[:0]

    def powers(self) -> NDArray[np.float32] | None:
        """Give dB a band, the mean over the last second, shape (channels, bands); None before the first frame."""
        channels = self._held.shape[1]
        if len(self._held) < self._config.frame_length:
            return None
        frames = self._extractor.frames(self._held if channels > 1 else self._held[:, 0])
        power: NDArray[np.float32] = frames.mean(axis=0, dtype=np.float64).astype(np.float32).reshape(channels, -1)
        return power


class Monitor:
    """What a device does, as it does it.

    Parameters
    ----------
    connect : callable
        Opens the link; called again when the device was gone.
    spectrum : bool
        Have the samples sent, for spectra.
    wait : float
        Seconds to wait for a device that is gone.
    """

    def __init__(self, connect: Callable[[], Link], *, spectrum: bool = True, wait: float = math.inf) -> None:
        self._connect = connect
        self._wait = wait
        self._with_spectrum = spectrum
        self._link: Link | None = None
        self._recording: Recording | None = None
        self._spectrum: Spectrum | None = None
        self._info: Info | None = None
        self._told = 0.0

    def things(self) -> Iterator[Thing]:
        """What happens, without end; an empty dictionary now and then, so that the caller comes to a word.

        Raises
        ------
        LinkError
            The device refuses, or was gone for too long.
        """
        lost = time.monotonic()
        try:
            while True:
                try:
                    yield from self._session()
                except LinkGone as error:
                    if self._link is not None:
                        lost = time.monotonic()
                        yield {"kind": "link", "state": "gone", "reason": str(error)}
                    self._hang_up()
                    if self._info is None or time.monotonic() - lost > self._wait:
                        raise
                    yield {}
                    time.sleep(0.5)
        finally:
            self._leave()

    def _session(self) -> Iterator[Thing]:
        link = self._connect()
        try:
            info = link.hello()
        except LinkError:
            link.close()
            raise
        self._link, self._info = link, info
        yield _device(info)
        newer = info.protocol >= (1, 1)
        link.subscribe(WINDOWS | EVENTS | GAPS | (SENSOR_REPORT if newer else 0))
        if self._with_spectrum and newer and info.record_buffer:
            self._record(link)
        asked, heard = -math.inf, time.monotonic()
        while True:
            if time.monotonic() - asked >= _ASK:
                asked = time.monotonic()
                link.send(HELLO, struct.pack("<HH", MAJOR, MINOR))
            for message in link.pump(0.1):
                heard = time.monotonic()
                yield from self._understand(message)
            if time.monotonic() - heard > _PATIENCE:
                raise LinkSilent(f"the device has not answered for {_PATIENCE:.0f} s")
            yield from self._take_samples(link, self._info)
            yield {}

    def _understand(self, message: Message) -> Iterator[Thing]:
        """What a message says; what the device is at where that has changed."""
        assert self._info is not None
        if message.type == INFO:
            before, self._info = self._info, parse_info(message.payload)
            if self._info.bundle_crc != before.bundle_crc:
                yield _device(self._info)
            elif self._info.state != before.state:
                yield {"kind": "source", "source": STATES.get(self._info.state, str(self._info.state))}
            return
        thing = understand(message, self._info.sample_rate)
        if thing:
            yield thing

    def _record(self, link: Link) -> None:
        self._recording = Recording(1 + secrets.randbelow(0xFFFFFFFF))
        self._spectrum = None
        link.listen(self._recording)

    def _take_samples(self, link: Link, info: Info) -> Iterator[Thing]:
        recording = self._recording
        if recording is None:
            return
        if recording.refused is not None:
            link.ignore(recording)
            self._recording = None
            yield {"kind": "link", "state": "no samples", "reason": text(recording.refused[1])}
            return
        if recording.ended or recording.unknown:
            link.ignore(recording)
            self._record(link)
            return
        if recording.format is not None and self._spectrum is None:
            self._spectrum = _spectrum_of(recording.format, info)
        for item in recording.items():
            if self._spectrum is not None:
                if isinstance(item, Block):
                    self._spectrum.add(item.samples)
                else:
                    self._spectrum.clear()
        if self._spectrum is not None and time.monotonic() - self._told >= 1.0:
            powers = self._spectrum.powers()
            if powers is not None:
                self._told = time.monotonic()
                rounded = [[round(float(value), 2) for value in channel] for channel in powers]
                yield {"kind": "spectrum", "index": recording.next, "hz": self._spectrum.centres, "db": rounded}

    def _leave(self) -> None:
        try:
            if self._link is not None:
                if self._recording is not None:
                    self._link.send(RECORD_STOP, struct.pack("<I", self._recording.identity))
                self._link.subscribe(0)
        except TocsinError:
            pass  # nobody there to be told
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


def _device(info: Info) -> Thing:
    return {
        "kind": "device",
        "board": info.board,
        "firmware": info.version,
        "bundle_crc": f"{info.bundle_crc:08x}",
        "model": info.kind,
        "sensor": SENSORS.get(info.sensor),
        "sample_rate": info.sample_rate,
        "channels": info.channels,
        "state": STATES.get(info.state, str(info.state)),
    }


def _spectrum_of(what: Format, info: Info) -> Spectrum | None:
    try:
        return Spectrum(what.sample_rate, what.channels, what.scale, vibration=info.sensor == 2)
    except TocsinError:
        return None  # a rate at which the features cannot be computed


def understand(message: Message, rate: int) -> Thing | None:
    """What a report says; None where it is none.

    Raises
    ------
    LinkError
        Where it is malformed.
    """
    payload = message.payload
    if message.type == WINDOW:
        begin, end, score, smoothed, flags = unpack("<QQffI", payload, "WINDOW")
        thing: Thing = {"kind": "window", "begin": begin, "end": end, "score": score, "smoothed": smoothed}
        thing |= {"alarm": bool(flags & 1), "sensor_fault": bool(flags & 2)}
    elif message.type == EVENT:
        kind, peak, begin, end = unpack("<IfQQ", payload, "EVENT")
        thing = {"kind": "event", "event": "begin" if kind == 1 else "end", "begin": begin, "end": end, "peak": peak}
    elif message.type == GAP:
        index, count = unpack("<QQ", payload, "GAP")
        return {"kind": "gap", "index": index, "count": count}
    elif message.type == REPLAY_DONE:
        report = Report()
        report.take_done(payload)
        counts = {name: getattr(report, name) for name in ("frames", "lost", "windows", "events", "gaps")}
        ended = REPLAY_ENDS.get(report.ended, f"reason {report.ended}") if report.ended else None
        return {"kind": "replay", **counts, "ended": ended}
    elif message.type == SENSOR:
        condition, begins, index = unpack("<IIQ", payload, "SENSOR")
        name = CONDITIONS[condition] if condition < len(CONDITIONS) else str(condition)
        return {"kind": "sensor", "condition": name, "begins": bool(begins), "index": index}
    else:
        return None
    if rate:
        thing |= {"begin_s": begin / rate, "end_s": end / rate}
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in thing.items()
    }
