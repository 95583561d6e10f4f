# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Record what a device's sensor hears, while its detector hears the same.

A recording outlives the cable: when the device is gone it is looked for again, and what it still holds is fetched.
Every frame of the stream is in the clips, or in a gap that says where, how many and why.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..errors import TocsinError
from .clips import ClipWriter, clip_folder, describe
from .link import Link
from .messages import RECORD_STOP, REPLAYING, RESULT, Info, Refused, text
from .recording import Block, Format, Missing, Recording
from .wire import LinkError, LinkGone, Message

__all__ = ["Block", "Format", "Missing", "Options", "Outcome", "Recorder", "Recording"]

SENSORS = {1: "audio", 2: "vibration"}
# A device that has just started may have no stream yet.
_BUSY, _NO_DETECTOR = 2, 5
# Seconds without a sample after which the device is looked for afresh.
_STALL = 5.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to record.

    Attributes
    ----------
    seconds
        Of the stream, gaps included.
    root
        Folder of the data set.
    machine, identity, label
        Where in it: ``<machine>/id_<identity>/<label>``.
    clip_seconds
        Length of a clip.
    wait
        Seconds to wait for a device that is not there, gives no samples, or replays a recording.
    """

    seconds: float
    root: Path
    machine: str = "machine"
    identity: str = "00"
    label: str = "normal"
    clip_seconds: float = 10.0
    wait: float = 60.0


@dataclass
class Outcome:
    """What has been recorded so far.

    Attributes
    ----------
    seconds
        Of the stream, gaps included.
    frames, missing
        Frames in the clips, and in gaps.
    gaps
        Each with ``segment``, ``index``, ``count`` and ``reasons``.
    segments
        Streams that the recording is of: one, unless the device was reset, or its stream ended and another began.
    reconnects
        How often the device had to be looked for again.
    clips
        Files written.
    windows
        Windows that the device's detector has scored meanwhile; None where it was reset.
    device
        Who it is.
    """

    seconds: float = 0.0
    frames: int = 0
    missing: int = 0
    gaps: list[dict[str, Any]] = field(default_factory=list)
    segments: int = 0
    reconnects: int = 0
    clips: list[Path] = field(default_factory=list)
    windows: int | None = None
    device: dict[str, Any] = field(default_factory=dict)


class Recorder:
    """Records from one device.

    Parameters
    ----------
    connect : callable
        Opens the link; called again whenever the device was gone.
    options : Options
    progress : callable, optional
        Told the outcome so far, now and then.
    tell : callable, optional
        Told in a sentence what a user should know: the device is gone, is back, was reset.
    """

    def __init__(
        self,
        connect: Callable[[], Link],
        options: Options,
        *,
        progress: Callable[[Outcome], None] = lambda _: None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._connect = connect
        self._options = options
        self._progress = progress
        self._tell = tell
        self._folder = clip_folder(options.root, options.machine, options.identity, options.label)
        self.outcome = Outcome()
        self._link: Link | None = None
        self._info: Info | None = None
        self._recording: Recording | None = None
        self._writer: ClipWriter | None = None
        self._wanted = 0  # frames of this segment
        self._first = 0  # its first frame
        self._before = 0.0  # seconds of the segments before it
        self._windows: int | None = None
        self._alive = time.monotonic()  # when the last samples came
        self._lost = False

    def run(self) -> Outcome:
        """Record; what was recorded is written even where this ends with an exception.

        Raises
        ------
        LinkError
            The device was gone for too long, or refuses.
        TocsinError
            The clips cannot be written.
        """
        try:
            self._alive = time.monotonic()
            while not self._done():
                self._round()
            self._count_windows()
            return self.outcome
        finally:
            self._finish()

    def _done(self) -> bool:
        return self._before + self._here() >= self._options.seconds - 1e-9

    def _here(self) -> float:
        """Seconds of this segment."""
        if self._recording is None or self._recording.format is None or self._writer is None:
            return 0.0
        return min(self._recording.next - self._first, self._wanted) / self._recording.format.sample_rate

    def _round(self) -> None:
        """Connect, and record until the device is gone or all is there."""
        try:
            self._open()
            self._begin()
            self._lost = False
            begun = time.monotonic()
            while not self._done():
                assert self._recording is not None
                assert self._link is not None
                if self._recording.ended:
                    self._end_segment("stream")
                    self._link.ignore(self._recording)
                    self._begin()
                    begun = time.monotonic()
                    continue
                if self._recording.unknown:
                    raise LinkGone("the device knows nothing of this recording any more")
                self._step(self._recording)
                if time.monotonic() - max(self._alive, begun) > _STALL:
                    raise LinkGone("no samples come")
        except LinkGone as error:
            self._hang_up()
            if self._info is None or time.monotonic() - self._alive > self._options.wait:
                raise
            if not self._lost:
                self._lost = True
                self._tell(f"{error}: looking for the device")
                self.outcome.reconnects += 1
            time.sleep(0.5)

    def _open(self) -> None:
        self._hang_up()
        self._link = self._connect()
        self._info = self._link.hello()
        self._link.require(1, "recording")
        self.outcome.device = {
            "board": self._info.board,
            "firmware": self._info.version,
            "link": "{}.{}".format(*self._info.protocol),
            "sensor": SENSORS.get(self._info.sensor, "none"),
            "bundle_crc": f"{self._info.bundle_crc:08x}",
        }
        self._await_sensor(self._info)
        if self._windows is None and not self.outcome.segments:
            self._windows = self._link.status().counters["windows"]

    def _await_sensor(self, info: Info) -> None:
        """Wait while the device replays a recording: what it hears then is a file, not the sensor."""
        assert self._link is not None
        deadline = time.monotonic() + self._options.wait
        if info.state == REPLAYING:
            self._tell("the device replays a desk's recording: waiting for its sensor")
        while info.state == REPLAYING:
            if time.monotonic() > deadline:
                raise LinkError(
                    f"the device has replayed a desk's recording for {self._options.wait:.0f} s:"
                    " `tocsin abort` at its console ends that"
                )
            self._link.pump(0.2)
            info = self._link.hello()
        self._alive = time.monotonic()

    def _begin(self) -> None:
        """Start to record, or take up again what was recorded before."""
        assert self._link is not None
        old = self._recording if self._writer is not None else None
        new = Recording(
            1 + secrets.randbelow(0xFFFFFFFF),
            previous=old.identity if old else 0,
            index=old.next if old else 0,
        )
        deadline = time.monotonic() + self._options.wait
        answered = time.monotonic()
        self._link.listen(new)
        while new.format is None:
            self._link.pump(0.1)
            if new.refused is not None:
                code, why = new.refused
                if code not in (_BUSY, _NO_DETECTOR) or time.monotonic() > deadline:
                    raise Refused(code, text(why))
                new.refused = None  # it is asked again
                answered = time.monotonic()
            if time.monotonic() - answered > _STALL:
                raise LinkGone("the device does not begin to record")
        if old is not None and new.format.continued:
            self._tell(f"going on at sample {old.next}")
            if old.format is not None and (new.format.sample_rate, new.format.channels) != (
                old.format.sample_rate,
                old.format.channels,
            ):
                raise LinkError("the device says that it goes on, but in another format")
            self._recording = new
        else:
            if old is not None:
                self._end_segment("reset")
                self._tell("the device was reset, or records for somebody else: a new recording begins")
            self._recording = new
            self._begin_segment(new.format)
        self._take(new)

    def _begin_segment(self, what: Format) -> None:
        assert self._info is not None
        assert self._recording is not None
        options, info = self._options, self._info
        domain = SENSORS.get(info.sensor, "audio")
        full_scale = what.scale * 32768
        describe(self._folder, domain, what.sample_rate, what.channels, full_scale)
        self.outcome.segments += 1
        self._first = what.first
        self._wanted = max(1, round((options.seconds - self._before) * what.sample_rate))
        about = {
            "machine": options.machine,
            "id": options.identity,
            "label": options.label,
            "recording": f"{self._recording.identity:08x}",
            "segment": self.outcome.segments,
            "sample_rate": what.sample_rate,
            "channels": what.channels,
            "sensor": domain,
            "units": "g" if domain == "vibration" else "FS",
            "full_scale": full_scale,
            "device": self.outcome.device,
        }
        self._writer = ClipWriter(
            self._folder,
            clip_frames=max(1, round(options.clip_seconds * what.sample_rate)),
            rate=what.sample_rate,
            channels=what.channels,
            about=about,
            begun=datetime.now(timezone.utc),
            first=what.first,
        )

    def _step(self, recording: Recording) -> None:
        assert self._link is not None
        self._link.pump(0.1)
        self._take(recording)

    def _take(self, recording: Recording) -> None:
        assert self._writer is not None
        end = self._first + self._wanted
        for item in recording.items():
            self._alive = time.monotonic()
            if item.index >= end:
                break
            if isinstance(item, Block):
                samples = item.samples[: end - item.index]
                self._writer.add(item.index, samples)
                self.outcome.frames += len(samples)
            else:
                count = min(item.count, end - item.index)
                self._writer.gap(item.index, count, item.reasons)
                self.outcome.missing += count
                gap = asdict(item) | {"count": count, "segment": self.outcome.segments, "reasons": item.reasons}
                del gap["reason"]
                self.outcome.gaps.append(gap)
        self.outcome.seconds = self._before + self._here()
        self._progress(self.outcome)

    def _end_segment(self, why: str) -> None:
        if self._writer is not None:
            self._before += self._here()
            writer, self._writer = self._writer, None
            self.outcome.clips += writer.close(why)

    def _count_windows(self) -> None:
        """How many windows the detector has scored meanwhile."""
        assert self._link is not None
        if self._windows is not None:
            now = self._link.status().counters["windows"]
            self.outcome.windows = now - self._windows if now >= self._windows and self.outcome.segments == 1 else None

    def _finish(self) -> None:
        """Let the device forget the recording, and write what is held."""
        try:
            if self._link is not None and self._recording is not None:
                self._link.ignore(self._recording)
                self._link.send(RECORD_STOP, struct.pack("<I", self._recording.identity))
                # Until it has heard: what is on its way when the link is closed may get lost.
                end = time.monotonic() + 1.0
                while time.monotonic() < end and not any(map(_is_stopped, self._link.pump(0.1))):
                    pass
        except TocsinError:
            pass  # it finds out by itself: the next recording takes its place
        finally:
            self._hang_up()
            self._end_segment("end")

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


def _is_stopped(message: Message) -> bool:
    return message.type == RESULT and message.payload[:1] == bytes((RECORD_STOP,))
