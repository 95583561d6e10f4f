# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""No state outlives the desk that it waits for: killed, interrupted, or its cable pulled, in the midst of anything."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import detectors
from bad_wire import BadWire, Damage
from building import building
from emulation import BOARDS, ROOT, Emulator, build
from tocsin.device import messages as types
from tocsin.device.link import Link, LinkError, Refused
from tocsin.device.wire import Message

RATE = 16000
TOCSIN = Path(sys.executable).with_name("tocsin")
DEFAULT = ROOT / "app" / "bundles" / "default.tocsin"
SECONDS = 1800  # of a recording that nobody wants to hear to its end: 55 MB
PATIENCE = 5.0  # CONFIG_TOCSIN_DESK_TIMEOUT_MS


@pytest.fixture(scope="module")
def image() -> Path:
    """The firmware."""
    with building():
        return build(BOARDS["qemu"])


@pytest.fixture
def board(image: Path, tmp_path: Path) -> Iterator[Emulator]:
    """A board that listens to its sensor."""
    with Emulator(BOARDS["qemu"], image, tmp_path) as running:
        running.wait_for(r"listening to machine")
        yield running


@pytest.fixture
def link(board: Emulator) -> Iterator[Link]:
    """The link to it."""
    with board.open_link() as connection:
        connection.hello()
        yield connection


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour of a machine."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, RATE, 0, "NONE", ""))
        sound.writeframes(np.tile(np.random.default_rng(1).normal(0, 500, RATE).astype("<i2"), SECONDS).tobytes())
    return path


def listens(board: Emulator, since: int) -> None:
    """It is back on its sensor, and scores what it hears."""
    board.wait_for(r"listening to machine", since=since)
    with board.open_link() as link:
        assert link.hello().state == 1
        before = link.status().counters["windows"]
        deadline = time.monotonic() + 20
        while link.status().counters["windows"] < before + 5:
            assert time.monotonic() < deadline, "no window is scored"
            time.sleep(0.2)


def answers(link: Link, count: int, kinds: tuple[int, ...], *, timeout: float = 20.0) -> list[Message]:
    """The next `count` results for requests of `kinds`; fewer where no more come."""
    found: list[Message] = []
    deadline = time.monotonic() + timeout
    while len(found) < count and time.monotonic() < deadline:
        found += [m for m in link.pump(0.1) if m.type == types.RESULT and m.payload[0] in kinds]
    return found


def replay_done(link: Link, *, timeout: float = 20.0) -> types.Report:
    """What the device says at a replay's end."""
    report = types.Report()
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for message in link.pump(0.1):
            if message.type == types.REPLAY_DONE:
                report.take_done(message.payload)
                return report
    raise AssertionError("no REPLAY_DONE")


def samples(index: int, count: int = 100) -> bytes:
    return struct.pack("<Q", index) + bytes(2 * count)


def verifying(port: str, recording: Path) -> subprocess.Popen[str]:
    command = [TOCSIN, "verify", "--port", port, DEFAULT, recording]
    return subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("way", ["killed", "terminated", "interrupted", "pulled"])
def test_verify_that_is_cut_short(board: Emulator, recording: Path, tmp_path: Path, way: str) -> None:
    with BadWire(str(tmp_path / "link.sock"), Damage()) as wire:
        port = wire.address if way == "pulled" else f"unix:{tmp_path / 'link.sock'}"
        running = verifying(port, recording)
        board.wait_for("a desk's recording is heard now", timeout=60)
        time.sleep(1.5)
        since = board.shown
        begun = time.monotonic()
        if way == "pulled":
            wire.pull()
        else:
            stop = {"killed": signal.SIGKILL, "terminated": signal.SIGTERM, "interrupted": signal.SIGINT}
            running.send_signal(stop[way])
        if way == "interrupted":
            board.wait_for(r"replay of \d+ frames was ended by its desk", since=since)
            assert time.monotonic() - begun < PATIENCE - 1
        else:
            board.wait_for(r"replay of [1-9]\d* frames is given up, its desk was silent", timeout=30, since=since)
        output, _ = running.communicate(timeout=30)
    if way == "interrupted":
        assert (running.returncode, output.strip()) == (130, "interrupted")
    elif way == "pulled":
        assert running.returncode == 2
        assert "error: " in output
    listens(board, since)


def test_monitor_and_record_after_a_killed_verify(board: Emulator, recording: Path, tmp_path: Path) -> None:
    """Both say that a replay is on, wait for its end, and go on with the sensor."""
    port = f"unix:{tmp_path / 'link.sock'}"
    for command in (["monitor", "--seconds", "14", "--json"], ["record", "--seconds", "2", "-o", tmp_path / "data"]):
        since = board.shown
        running = verifying(port, recording)
        board.wait_for("a desk's recording is heard now", timeout=60, since=since)
        time.sleep(1)
        running.kill()
        running.wait()
        done = subprocess.run(
            [str(TOCSIN), command[0], "--port", port, *map(str, command[1:])],
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        if command[0] == "record":
            assert "the device replays a desk's recording: waiting for its sensor" in done.stderr
            clips = sorted((tmp_path / "data").rglob("id_00/*/*.json"))
            assert {json.loads(clip.read_text())["segment"] for clip in clips} == {1}
        else:
            things = [json.loads(line) for line in done.stdout.splitlines()]
            assert (things[0]["kind"], things[0]["state"]) == ("device", "replay")
            assert [t["source"] for t in things if t["kind"] == "source"] == ["live"]
            [over] = [t for t in things if t["kind"] == "replay"]
            assert over["ended"] == "its desk was silent for too long"
            after = things[things.index(over) :]
            assert sum(t["kind"] == "window" for t in after) > 5


def test_replay_without_a_sample_ends_by_itself(board: Emulator, link: Link) -> None:
    link._request(types.REPLAY_START, struct.pack("<II", RATE, 1))
    assert link.hello().state == 2
    begun = time.monotonic()
    report = replay_done(link)
    assert PATIENCE - 1 < time.monotonic() - begun < PATIENCE + 5
    assert (report.frames, report.ended) == (0, 2)
    board.wait_for(r"replay of 0 frames is given up, its desk was silent")
    assert link.hello().state == 1


def test_desk_that_speaks_of_other_things_does_not_hold_a_replay(link: Link) -> None:
    link._request(types.REPLAY_START, struct.pack("<II", RATE, 1))
    deadline = time.monotonic() + 3 * PATIENCE
    while link.hello().state == 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_desk_that_is_heard_keeps_its_replay_and_may_end_it(link: Link) -> None:
    """The same samples over and over are known already: the desk is there, and its ABORT is obeyed all the same."""
    link._request(types.REPLAY_START, struct.pack("<II", RATE, 1))
    end = time.monotonic() + PATIENCE + 3
    while time.monotonic() < end:
        for _ in range(20):
            link.send(types.SAMPLES, samples(0))
        assert not [m for m in link.pump(0.02) if m.type == types.REPLAY_DONE]
    assert link.hello().state == 2
    for _ in range(50):
        link.send(types.SAMPLES, samples(0))
    link.send(types.REPLAY_ABORT)
    for _ in range(50):
        link.send(types.SAMPLES, samples(0))
    report = replay_done(link, timeout=5)
    assert (report.frames, report.ended) == (100, 1)


def test_console_ends_a_replay(board: Emulator, link: Link) -> None:
    board.type("tocsin abort")
    board.wait_for("no replay runs")
    noise = np.random.default_rng(2).normal(0, 500, RATE * 600).astype(np.int16)
    threading.Timer(2.0, board.type, ["tocsin status"]).start()
    threading.Timer(3.0, board.type, ["tocsin abort"]).start()
    with pytest.raises(LinkError, match=r"over after [1-9]\d* frames: somebody has ended it at the device's console"):
        link.replay(noise, sample_rate=RATE)
    board.wait_for("source: replay, a desk's recording; the sensor is off")
    board.wait_for(r"replay of \d+ frames was ended at the console")
    since = board.shown
    board.type("tocsin status")
    board.wait_for("source: live, machine", since=since)


def test_another_replay_takes_its_place(link: Link) -> None:
    start = struct.pack("<II", RATE, 1)
    link._request(types.REPLAY_START, start)
    link.send(types.REPLAY_START, start)
    # The end of the first comes before the second's answer. Left unread, that would be taken for the third's.
    messages: list[Message] = []
    deadline = time.monotonic() + 20
    while types.RESULT not in [message.type for message in messages]:
        assert time.monotonic() < deadline, "the second replay was not answered"
        messages += link.pump(0.1)
    report = types.Report()
    [done] = [message for message in messages if message.type == types.REPLAY_DONE]
    report.take_done(done.payload)
    assert report.ended == 4
    assert link.replay(np.zeros(500, np.int16), sample_rate=RATE).frames == 500


@pytest.fixture
def hasty(image: Path, tmp_path: Path) -> Iterator[Emulator]:
    """A board whose idle time passes at once, so that a minute is a moment."""
    with Emulator(BOARDS["qemu"], image, tmp_path, icount=4) as running:
        running.wait_for(r"listening to machine")
        yield running


@pytest.mark.parametrize("next_stream", [0, 1])
def test_recording_is_forgotten_once_its_desk_is_gone(hasty: Emulator, next_stream: int) -> None:
    with hasty.open_link() as link:
        link.send(types.RECORD_START, struct.pack("<IIQI", 77, 0, 0, next_stream))
        link.pump(0.2)
        hasty.wait_for(r"a desk's recording is given up: it was silent for too long", timeout=120)
        with pytest.raises(Refused) as refused:
            link._request(types.RECORD_ACK, struct.pack("<IQI", 77, 0, 0))
        assert refused.value.code == 8
        before = link.status()
        after = link.status()
        while after.uptime < before.uptime + 10:
            after = link.status()
        sent = after.link["sent"] - before.link["sent"]
        asked = after.link["received"] - before.link["received"]
        assert sent == asked, "nothing but answers"


def test_killed_recorder_leaves_nothing_behind(hasty: Emulator, tmp_path: Path) -> None:
    port = f"unix:{tmp_path / 'link.sock'}"
    command = [TOCSIN, "record", "--port", port, "--seconds", "100000", "-o", tmp_path / "data"]
    running = subprocess.Popen([*map(str, command)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "data").rglob("*.wav")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    running.kill()
    running.wait()
    hasty.wait_for(r"a desk's recording is given up: it was silent for too long", timeout=120)
    listens(hasty, 0)


def test_upload_is_given_up_once_its_desk_is_silent(board: Emulator, link: Link) -> None:
    raw = detectors.detector("kmeans").raw
    link._request(types.BUNDLE_BEGIN, struct.pack("<I", len(raw)))
    link._request(types.BUNDLE_DATA, struct.pack("<I", 0) + raw[:400])
    board.type("tocsin status")
    board.wait_for("uploads a bundle")
    board.wait_for(r"a desk's upload is given up: it was silent for too long", timeout=30)
    with pytest.raises(Refused, match="no upload is under way"):
        link._request(types.BUNDLE_DATA, struct.pack("<I", 400) + raw[400:800])
    with pytest.raises(Refused, match="no upload is under way"):
        link._request(types.BUNDLE_COMMIT)
    link.upload(raw)
    assert link.hello().bundle_crc == detectors.detector("kmeans").crc


_KILLED_UPLOAD = """
import os, signal, sys
from pathlib import Path
from tocsin.device.link import Link

def die(sent):
    if sent > 4000:
        os.kill(os.getpid(), getattr(signal, sys.argv[3]))

with Link.open(sys.argv[1]) as link:
    link.hello()
    link.upload(Path(sys.argv[2]).read_bytes(), progress=die)
"""


@pytest.mark.parametrize("way", ["SIGKILL", "SIGINT", "pulled"])
def test_upload_that_is_cut_short(board: Emulator, tmp_path: Path, way: str) -> None:
    bundle = detectors.detector("mahalanobis")
    (tmp_path / "new.tocsin").write_bytes(bundle.raw)
    path = tmp_path / "link.sock"
    with board.open_link() as link:
        running = link.hello().bundle_crc
    if way == "pulled":
        with BadWire(str(path), Damage()) as wire, Link.open(wire.address) as link:
            link.hello()
            with pytest.raises(LinkError):
                link.upload(bundle.raw, progress=lambda sent: wire.pull() if sent > 4000 else None)
    else:
        script = [sys.executable, "-c", _KILLED_UPLOAD, f"unix:{path}", str(tmp_path / "new.tocsin"), way]
        assert subprocess.run(script, capture_output=True, check=False, timeout=60).returncode != 0
    board.wait_for(r"a desk's upload is given up: it was silent", timeout=30)
    with board.open_link() as link:
        assert link.hello().bundle_crc == running
        link.upload(bundle.raw)
        assert link.hello().bundle_crc == bundle.crc


def test_every_request_is_answered_however_many_come_at_once(link: Link) -> None:
    """What finds the queue full is refused as busy, and leaves no state behind."""
    bundle = detectors.detector("mahalanobis")
    embedded = link.hello().bundle_crc
    start = struct.pack("<II", RATE, 1)
    for flood, count in ((types.BUNDLE_DEFAULT, 10), (types.REPLAY_START, 60), (types.REPLAY_ABORT, 30)):
        link._request(types.BUNDLE_BEGIN, struct.pack("<I", len(bundle.raw)))
        for at in range(0, len(bundle.raw), 500):
            link._request(types.BUNDLE_DATA, struct.pack("<I", at) + bundle.raw[at : at + 500])
        for _ in range(count):
            link.send(flood, start if flood == types.REPLAY_START else b"")
        link.send(types.BUNDLE_COMMIT)
        found = answers(link, count + 1, (flood, types.BUNDLE_COMMIT), timeout=60)
        of = {kind: [m.payload for m in found if m.payload[0] == kind] for kind in (flood, types.BUNDLE_COMMIT)}
        assert len(of[flood]) == count
        assert {payload[1] for payload in of[flood]} == {0, 2}, "some are done, some find the queue full"
        assert all(b"ask again" in payload for payload in of[flood] if payload[1] == 2)
        [committed] = of[types.BUNDLE_COMMIT]
        assert committed[1] in (0, 2)
        if committed[1] == 2:
            link._request(types.BUNDLE_COMMIT)  # the upload is whole still
        link._request(types.BUNDLE_DEFAULT)
        assert link.hello().bundle_crc == embedded
        link.upload(bundle.raw)
        assert link.hello().bundle_crc == bundle.crc
        link.use_default()
    assert link.hello().state == 1


def test_replays_that_end_amid_many_requests(link: Link) -> None:
    """The end of a stream waits in no queue that others fill: the device never stays without one."""
    for _ in range(10):
        link._request(types.REPLAY_START, struct.pack("<II", RATE, 1))
        link.send(types.REPLAY_END, struct.pack("<Q", 0))
        for _ in range(30):
            link.send(types.BUNDLE_DEFAULT)
        assert len(answers(link, 31, (types.REPLAY_END, types.BUNDLE_DEFAULT), timeout=60)) == 31
        deadline = time.monotonic() + 10
        while link.hello().state != 1:
            assert time.monotonic() < deadline


FAR = (1 << 64) - 1


def test_indices_that_cannot_be_are_refused(link: Link) -> None:
    before = link.status().counters["lost"]
    link._request(types.REPLAY_START, struct.pack("<II", RATE, 1))
    for index in (FAR, FAR - 1, 1 << 63, (1 << 48) + 1):
        for kind in (types.REPLAY_GAP, types.REPLAY_END):
            with pytest.raises(Refused, match="no recording has so many frames") as refused:
                link._request(kind, struct.pack("<Q", index))
            assert refused.value.code == 1
        link.send(types.SAMPLES, samples(index))
        [result] = answers(link, 1, (types.SAMPLES,))
        assert result.payload[1:] == b"\x01no recording has so many frames"
    link.send(types.SAMPLES, samples((1 << 48) - 50))
    assert answers(link, 1, (types.SAMPLES,))[0].payload[1] == 1
    link._request(types.REPLAY_GAP, struct.pack("<Q", 10))
    link._request(types.REPLAY_END, struct.pack("<Q", 40))
    report = replay_done(link)
    assert (report.frames, report.lost, report.gaps, report.ended) == (40, 40, 1, 0)
    assert link.status().counters["lost"] == before + 40


def test_counter_of_lost_frames_stays_at_its_end(link: Link) -> None:
    for total in ((1 << 32) - 2, 1 << 40):
        link._request(types.REPLAY_START, struct.pack("<II", RATE, 1))
        link._request(types.REPLAY_END, struct.pack("<Q", total))
        assert replay_done(link).lost == total
    assert link.status().counters["lost"] == (1 << 32) - 1


def test_refusals_say_what_is_wrong(link: Link) -> None:
    def refused(kind: int, payload: bytes = b"") -> tuple[int, bytes]:
        link.send(kind, payload)
        [result] = answers(link, 1, (kind,))
        return result.payload[1], result.payload[2:]

    eight = struct.pack("<Q", 5)
    for kind, payload in ((types.REPLAY_GAP, eight), (types.REPLAY_END, eight), (types.SAMPLES, samples(0))):
        assert refused(kind, payload) == (1, b"no replay runs, or its end has been told")
        assert refused(kind, b"abc") == (1, b"malformed")
    assert refused(types.BUNDLE_COMMIT) == (1, b"no upload is under way")
    assert refused(types.BUNDLE_DATA, bytes(10)) == (1, b"no upload is under way")
    assert refused(types.BUNDLE_BEGIN, bytes(4)) == (1, b"malformed")
    link._request(types.BUNDLE_BEGIN, struct.pack("<I", 100))
    assert (
        refused(types.BUNDLE_DATA, struct.pack("<I", 8) + bytes(8))[1]
        == b"a piece before it is missing, or it is too long"
    )
    assert refused(types.BUNDLE_COMMIT) == (1, b"data is missing of what BUNDLE_BEGIN has announced")


def test_end_said_twice_does_no_harm(link: Link) -> None:
    link._request(types.REPLAY_START, struct.pack("<II", RATE, 1))
    link.send(types.SAMPLES, samples(0))
    for _ in range(2):
        link.send(types.REPLAY_END, struct.pack("<Q", 100))
    found = answers(link, 2, (types.REPLAY_END,))
    assert len(found) == 2
    assert found[0].payload[1] == 0


def test_console_says_what_it_does(board: Emulator, link: Link) -> None:
    number = r"-?\d+(?:\.\d+)?"
    board.wait_for(rf"listening to machine: sound, 16000 Hz x 1; alarm from a score of {number}, over below {number}")
    board.wait_for(
        rf"all is well: score {number}, threshold {number}; [1-9]\d* windows, 0 skipped, 0 frames lost", timeout=40
    )
    board.type("tocsin")
    for command in ("abort", "bundle", "fault", "status"):
        board.wait_for(rf"  {command} +: [A-Z]")
    since = board.shown
    board.type("help")
    board.wait_for(r"tocsin +: .*status.*bundle.*abort", since=since)
    board.type("tocsin fault on")
    begin = board.wait_for(
        rf"ALARM begins at (\d+):(\d\d):(\d\d\.\d) \(sample (\d+)\): greatest score ({number}), threshold ({number})",
        timeout=60,
    )
    hours, minutes, seconds, index, score, threshold = (float(part) for part in begin.groups())
    assert 3600 * hours + 60 * minutes + seconds == pytest.approx(index / RATE, abs=0.1)
    assert score >= threshold
    since = board.shown
    board.type("tocsin status")
    board.wait_for("alarm: ON", since=since)
    board.type("tocsin fault off")
    board.wait_for(
        rf"ALARM ends at \d+:\d\d:\d\d\.\d \(sample \d+\): greatest score {number}, threshold {number}", timeout=60
    )


def test_console_says_now_and_then_how_things_are(hasty: Emulator) -> None:
    hasty.wait_for(r"all is well: score")
    hasty.wait_for(r"all is well: score", timeout=120, since=hasty.shown)
    hasty.type("tocsin fault on")
    hasty.wait_for(r"the ALARM goes on: score \S+, threshold", timeout=120)
