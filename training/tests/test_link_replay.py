# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A replay that does not come to its end: the device is told so, and what the device says of it is told."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fake_device import RATE, FakeDevice
from tocsin.cli import cli
from tocsin.device import messages as types
from tocsin.device.link import Link, LinkError, Refused
from tocsin.device.record import Options, Recorder

SAMPLES = np.arange(200_000, dtype=np.int32).astype(np.int16)


def asked(device: FakeDevice) -> list[int]:
    return [message.type for message in device.requests]


def test_replay_that_is_whole() -> None:
    device = FakeDevice(version=(1, 3))
    with device.connect() as link:
        link.hello()
        report = link.replay(SAMPLES, sample_rate=RATE)
    assert (report.frames, report.windows, report.events, report.gaps) == (len(SAMPLES), 3, 2, 1)
    assert report.ended == 0
    assert types.REPLAY_ABORT not in asked(device)


@pytest.mark.parametrize("version", [(1, 0), (1, 2)])
def test_older_devices_do_not_say_why(version: tuple[int, int]) -> None:
    device = FakeDevice(version=version, replay_ends=(5000, 2))
    with device.connect() as link:
        link.hello()
        report = link.replay(SAMPLES, sample_rate=RATE)
    assert report.ended == 0
    assert 5000 <= report.frames < len(SAMPLES)


@pytest.mark.parametrize(
    ("why", "words"), [(2, "silent for too long"), (3, "console"), (4, "took its place"), (99, "99")]
)
def test_what_has_ended_it_is_told(why: int, words: str) -> None:
    device = FakeDevice(version=(1, 3), replay_ends=(5000, why))
    with device.connect() as link:
        link.hello()
        with pytest.raises(LinkError, match=f"over after [0-9]+ frames: .*{words}"):
            link.replay(SAMPLES, sample_rate=RATE)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, RuntimeError])
def test_interrupt_ends_the_replay_on_the_device(interrupt: type[BaseException]) -> None:
    device = FakeDevice(version=(1, 3))

    def progress(index: int) -> None:
        if index > 30_000:
            raise interrupt

    with device.connect() as link:
        link.hello()
        begun = time.monotonic()
        with pytest.raises(interrupt):
            link.replay(SAMPLES, sample_rate=RATE, progress=progress)
        assert time.monotonic() - begun < 2.0
        assert device.state == 1
        assert types.REPLAY_ABORT in asked(device)
        assert types.REPLAY_END not in asked(device)
        [*_, last] = [message for message in device.requests if message.type == types.SUBSCRIBE]
        assert last.payload == bytes(4)
        assert link.replay(SAMPLES[:999], sample_rate=RATE).frames == 999


def test_interrupt_does_not_wait_for_a_device_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    device = FakeDevice(version=(1, 3))
    monkeypatch.setattr(device, "_replay_over", lambda why: [])
    with device.connect() as link:
        link.hello()

        def progress(index: int) -> None:
            monkeypatch.setattr(device, "_answer", lambda message: [])
            raise KeyboardInterrupt

        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            link.replay(SAMPLES, sample_rate=RATE, progress=progress)
        assert time.monotonic() - begun < 6.0


def test_refusal_of_samples_without_a_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.device.link_replay._LAST_WORD", 0.3)
    device = FakeDevice(version=(1, 3), replay_ends=(5000, 2))
    monkeypatch.setattr(device, "_replay_over", lambda why: (setattr(device, "state", 1), [])[1])
    device.reports = [(types.CREDIT, bytes(8))]  # it talks on
    with device.connect() as link:
        link.hello()
        with pytest.raises(Refused, match="no replay runs"):
            link.replay(SAMPLES, sample_rate=RATE)


def _later(seconds: float, action) -> None:
    threading.Timer(seconds, action).start()


def test_recorder_does_not_take_a_replay_for_the_sensor(tmp_path: Path) -> None:
    device = FakeDevice(version=(1, 3))
    device.state = 2
    told: list[str] = []
    _later(1.0, lambda: setattr(device, "state", 1))
    options = Options(seconds=1.0, root=tmp_path, clip_seconds=0.5, wait=5.0)
    recorder = Recorder(device.connect, options, tell=told.append)
    begun = time.monotonic()
    outcome = recorder.run()
    assert time.monotonic() - begun > 1.0
    assert outcome.seconds == 1.0
    assert told == ["the device replays a desk's recording: waiting for its sensor"]


def test_recorder_gives_up_on_an_endless_replay(tmp_path: Path) -> None:
    device = FakeDevice(version=(1, 3))
    device.state = 2
    options = Options(seconds=1.0, root=tmp_path, wait=1.0)
    with pytest.raises(LinkError, match="tocsin abort"):
        Recorder(device.connect, options).run()
    assert types.RECORD_START not in asked(device)


def test_monitor_tells_which_source_is_on(tmp_path: Path) -> None:
    device = FakeDevice(version=(1, 3))
    device.state = 2
    port = device.listen(tmp_path / "s")

    def end() -> None:
        device.reports = device._replay_over(2)
        time.sleep(0.2)
        device.reports = []

    _later(3.0, end)
    done = CliRunner().invoke(cli, ["monitor", "--port", port, "--seconds", "5.5", "--json"])
    assert done.exit_code == 0, done.output
    things = [json.loads(line) for line in done.stdout.splitlines()]
    first = things[0]
    assert (first["kind"], first["state"]) == ("device", "replay")
    over = next(thing for thing in things if thing["kind"] == "replay")
    assert over["ended"] == "its desk was silent for too long"
    assert [thing for thing in things if thing["kind"] == "source"] == [{"kind": "source", "source": "live"}]

    device.state = 2
    done = CliRunner().invoke(cli, ["monitor", "--port", port, "--seconds", "1.0"])
    assert "a desk's recording, its own sensor is off" in done.stdout


def test_monitor_notices_a_device_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from tocsin.device.monitor import Monitor

    monkeypatch.setattr("tocsin.device.monitor._PATIENCE", 1.0)
    device = FakeDevice(version=(1, 3))
    things = Monitor(device.connect, spectrum=False).things()
    assert next(things)["kind"] == "device"
    monkeypatch.setattr(device, "_answer", lambda message: [(types.RESULT, bytes((message.type, 0)))])
    end = time.monotonic() + 2.0
    assert {next(things).get("kind") for _ in range(5)} == {None}
    monkeypatch.setattr(device, "_answer", lambda message: [])
    kinds = set()
    while time.monotonic() < end + 5.0 and "link" not in kinds:
        kinds.add(next(things).get("kind"))
    assert "link" in kinds


def test_link_is_usable_after_a_cut_frame() -> None:
    """What was on its way when the replay was aborted must not spoil the next message."""
    device = FakeDevice(version=(1, 3))
    with device.connect() as link:
        assert isinstance(link, Link)
        link.hello()
        link.send_raw(b"\x00\x07half a frame")
        link.pump(0.1)
        link.abort_replay()
        assert link.hello().board == "fake_board"
