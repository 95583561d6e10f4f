# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Recording from a device while its detector runs: what comes is what was fed in, or a gap that is told."""

from __future__ import annotations

import ctypes
import hashlib
import json
import struct
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import detectors
from bad_wire import BadWire, Damage
from building import building
from emulation import BOARDS, ROOT, Emulator, build
from tocsin.device import link as protocol
from tocsin.device import messages as types
from tocsin.device.link import Link, LinkError, Refused
from tocsin.device.recording import Block, Missing, Recording

RATE = 16000
TOCSIN = Path(sys.executable).with_name("tocsin")
# Time is counted in instructions, so that fewer samples are late where the desk is busy; but idle time takes its time,
# so that the desk can keep up.
STEADY = ("-icount", "shift=4,align=off,sleep=on")

SOURCE, BUFFER = "the sensor lost them", "the record buffer was full"

# The synthetic source of the device: machine.c, and the defaults of its devicetree binding.
_MACHINE = """
#include "machine.c"
void run(int amplitude, int noise, unsigned long count, short *samples)
{
	struct tocsin_machine machine;
	tocsin_machine_init(&machine, 16000, 29500, amplitude, noise);
	for (unsigned long i = 0; i < count; i++) {
		tocsin_machine_frame(&machine, 0, 1, &samples[i]);
	}
}
"""


class Fed:
    """What the synthetic machine feeds in, for eleven minutes from the first sample of its stream.

    A sample is the sum of a hum and a noise. Like a sensor, the source loses samples when nobody reads it in time (an
    emulator on a busy desk); the shaft turns on meanwhile, and the noise does not: it depends on how many samples were
    lost before, which the recording tells, but for those lost before it began.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "fed.c").write_text(_MACHINE)
        command = ["cc", "-O2", "-shared", "-fPIC", "-I", str(ROOT / "modules" / "source" / "src"), "-o"]
        subprocess.run([*command, str(folder / "fed.so"), str(folder / "fed.c")], check=True)
        library = ctypes.CDLL(str(folder / "fed.so"))

        def run(amplitude: int, noise: int) -> NDArray[np.int16]:
            samples = np.empty(11 * 60 * RATE, np.int16)
            place = samples.ctypes.data_as(ctypes.POINTER(ctypes.c_short))
            library.run(amplitude, noise, ctypes.c_ulong(samples.size), place)
            return samples

        self._hum, self._noise = run(4000, 0), run(0, 600)
        assert (run(4000, 600) == self._hum + self._noise).all()

    def at(self, start: int, count: int, lost: int) -> bytes:
        """Samples from index `start` on, of a stream that lost `lost` before."""
        return (self._hum[start : start + count] + self._noise[start - lost : start - lost + count]).tobytes()

    def lost_before(self, start: int, data: bytes) -> int:
        """How many samples had been lost, by the noise of the first of these samples."""
        heard = np.frombuffer(data, np.int16)[:64]
        noise = heard - self._hum[start : start + len(heard)]
        for lost in range(start + 1):
            if (self._noise[start - lost : start - lost + len(noise)] == noise).all():
                return lost
        raise AssertionError(f"the samples at {start} are none that were fed in")


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Fed:
    """See the class."""
    return Fed(tmp_path_factory.mktemp("fed"))


@pytest.fixture
def steady(tmp_path: Path, msg_queue) -> Iterator[Emulator]:
    """QEMU, with the detector that is embedded in it on the synthetic machine."""
    board = BOARDS["qemu"]
    with building():
        image = build(board)
    with Emulator(board, image, tmp_path, heard=msg_queue.put, options=STEADY) as running:
        running.wait_for(r"bundle [0-9a-f]{8}: ")
        yield running


def record(port: str, folder: Path, seconds: float, *options: str) -> dict:
    """Run ``tocsin record`` as a user would."""
    command = [TOCSIN, "record", "--port", port, "--seconds", str(seconds), "-o", folder, "--json", *options]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=3 * seconds + 60, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    outcome = json.loads(done.stdout)
    assert done.returncode == (1 if outcome["missing"] else 0)
    return outcome


def clips(outcome: dict) -> list[tuple[int, bytes]]:
    """(Index of the first sample, samples) of each clip, as its files say."""
    found = []
    for path in map(Path, outcome["clips"]):
        with wave.open(str(path)) as sound:
            assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, RATE)
            data = sound.readframes(sound.getnframes())
        about = json.loads(path.with_suffix(".json").read_text())
        assert about["frames"] == len(data) // 2
        assert about["sha256"] == hashlib.sha256(data).hexdigest()
        found.append((about["start_index"], data))
    return found


def check(outcome: dict, fed: Fed, seconds: float) -> None:
    """Clips and gaps follow each other without a hole, and every sample is the one that was fed in."""
    found = clips(outcome)
    parts = [(start, len(data) // 2, data, []) for start, data in found]
    parts += [(gap["index"], gap["count"], b"", gap["reasons"]) for gap in outcome["gaps"]]
    parts.sort(key=lambda part: part[0])
    assert outcome["segments"] == 1
    at, lost = parts[0][0], None
    expected = []
    for start, count, data, reasons in parts:
        assert start == at
        at += count
        if data:
            lost = fed.lost_before(start, data) if lost is None else lost
            expected.append(fed.at(start, count, lost))
        elif SOURCE in reasons:
            lost = None if BUFFER in reasons or lost is None else lost + count
    assert at - parts[0][0] == round(seconds * RATE)
    assert sum(count for _, count, data, _ in parts if not data) == outcome["missing"]
    heard = hashlib.sha256(b"".join(data for _, data in found)).hexdigest()
    assert heard == hashlib.sha256(b"".join(expected)).hexdigest()


def lost_by_recorder(outcome: dict) -> int:
    """Samples that the device had, and that are not in the recording."""
    return sum(gap["count"] for gap in outcome["gaps"] if gap["reasons"] != [SOURCE])


@pytest.mark.parametrize("seconds", [20, pytest.param(600, marks=pytest.mark.long)])
def test_what_is_recorded_is_what_was_fed_in(steady: Emulator, fed: Fed, tmp_path: Path, seconds: int) -> None:
    """While the detector runs, and in the form that ``tocsin train`` reads."""
    started = time.monotonic()
    outcome = record(
        steady.link_address(), tmp_path / "data", seconds, "--machine", "fan", "--clip-seconds", str(seconds / 10)
    )
    print(f"{seconds} s recorded in {time.monotonic() - started:.1f} s, {outcome['windows']} windows meanwhile")
    check(outcome, fed, seconds)
    assert lost_by_recorder(outcome) == 0
    # A window every 4096 samples; a gap costs up to four.
    assert outcome["windows"] >= seconds * RATE // 4096 - 1 - 4 * len(outcome["gaps"])

    # Where a busy desk made the source lose samples: pieces too short for a window are for a user to remove.
    for path, (_, data) in zip(outcome["clips"], clips(outcome), strict=True):
        if len(data) < 2 * 18_000:
            Path(path).unlink()
    bundle = tmp_path / "fan.tocsin"
    command = [TOCSIN, "train", "--data", tmp_path / "data", "--clusters", "2", "--mels", "32", "-o", bundle]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert bundle.exists()


def test_bad_wire_costs_time_but_no_sample(steady: Emulator, fed: Fed, tmp_path: Path) -> None:
    damage = Damage(1 / 10_000)
    with BadWire(steady.link_address().removeprefix("unix:"), damage) as wire:
        outcome = record(wire.address, tmp_path / "data", 10, "--clip-seconds", "3")
    assert damage.done > 20
    check(outcome, fed, 10)
    assert lost_by_recorder(outcome) == 0


def test_very_bad_wire_gives_gaps_and_no_wrong_sample(steady: Emulator, fed: Fed, tmp_path: Path) -> None:
    damage = Damage(1 / 1500, seed=2)
    with BadWire(steady.link_address().removeprefix("unix:"), damage) as wire:
        outcome = record(wire.address, tmp_path / "data", 15)
    assert damage.done > 100
    check(outcome, fed, 15)


def test_slow_wire_degrades_to_told_gaps(steady: Emulator, fed: Fed, tmp_path: Path) -> None:
    """As a UART of 115200 bits a second, which takes a third of the samples; the others fill 12 s of buffer."""
    with BadWire(steady.link_address().removeprefix("unix:"), Damage(), speed=11_520) as wire:
        outcome = record(wire.address, tmp_path / "data", 22)
    check(outcome, fed, 22)
    assert lost_by_recorder(outcome) > RATE
    # The detector heard what the recording lacks.
    assert outcome["windows"] >= 22 * RATE // 4096 - 2 - 4 * sum(gap["reasons"] != [BUFFER] for gap in outcome["gaps"])


def test_pulled_cable(steady: Emulator, fed: Fed, tmp_path: Path) -> None:
    """Away for less time than the device's buffer holds: nothing is missing. For longer: a gap."""
    with BadWire(steady.link_address().removeprefix("unix:"), Damage()) as wire:
        command = [TOCSIN, "record", "--port", wire.address, "--seconds", "24", "-o", tmp_path / "data", "--json"]
        running = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
        time.sleep(4)
        wire.pull()
        time.sleep(1)
        wire.plug()
        time.sleep(2)
        wire.pull()
        time.sleep(15)
        wire.plug()
        output, _ = running.communicate(timeout=90)
    outcome = json.loads(output)
    assert running.returncode == 1
    assert outcome["reconnects"] == 2
    check(outcome, fed, 24)
    overflow = [gap for gap in outcome["gaps"] if BUFFER in gap["reasons"]]
    assert len(overflow) == 1, "one second is less than the buffer holds, fifteen are more"


def test_reset_device_begins_another_recording(tmp_path: Path, fed: Fed) -> None:
    """The indices begin again: what comes is of another stream, and is told as such."""
    board = BOARDS["qemu"]
    with building():
        image = build(board)
    command = [TOCSIN, "record", "--port", f"unix:{tmp_path / 'link.sock'}", "--seconds", "8", "-o", tmp_path / "data"]
    with Emulator(board, image, tmp_path, options=STEADY) as first:
        first.wait_for(r"bundle [0-9a-f]{8}: ")
        running = subprocess.Popen([*map(str, command), "--json"], stdout=subprocess.PIPE, text=True)
        time.sleep(5)
    (tmp_path / "link.sock").unlink()
    with Emulator(board, image, tmp_path, options=STEADY):
        output, _ = running.communicate(timeout=60)
    outcome = json.loads(output)
    assert running.returncode in (0, 1)
    assert outcome["segments"] == 2
    found = clips(outcome)
    assert found[-1][0] < found[0][0] + len(found[0][1]) // 2
    for start, data in found:
        assert data == fed.at(start, len(data) // 2, fed.lost_before(start, data))
    assert outcome["frames"] + outcome["missing"] == 8 * RATE


def test_replay_and_recording_at_the_same_time(link: Link) -> None:
    """Of a recording nothing may get lost: acquisition waits for the recorder as it does for the detector."""
    recordings = [*detectors.toycar()[:3], *detectors.machine_noise()[:2]]
    for number, (title, samples) in enumerate(recordings):
        recording = Recording(1000 + number, next_stream=True)
        link.listen(recording)
        report = link.replay(samples, sample_rate=RATE)
        deadline = time.monotonic() + 20
        while not recording.ended and time.monotonic() < deadline:
            link.pump(0.1)
        link.ignore(recording)
        link._request(types.RECORD_STOP, struct.pack("<I", recording.identity))
        items = recording.items()
        assert recording.ended, title
        assert not [item for item in items if isinstance(item, Missing)], title
        heard = np.concatenate([item.samples[:, 0] for item in items if isinstance(item, Block)])
        assert heard.tobytes() == samples.tobytes(), title
        assert (report.frames, report.lost) == (len(samples), 0), title
        assert report.windows > 0, title
    assert link.status().link["unsent"] == 0


def test_recording_that_nobody_hears_does_not_hold_up_a_replay(link: Link) -> None:
    """The desk asks for a recording and never says another word about it."""
    link.send(types.RECORD_START, struct.pack("<IIQI", 77, 0, 0, 1))
    _, samples = detectors.machine_noise()[0]
    long = np.tile(samples, 6)  # more than the record buffer holds
    started = time.monotonic()
    report = link.replay(long, sample_rate=RATE)
    assert (report.frames, report.lost) == (len(long), 0)
    assert time.monotonic() - started < 60
    link._request(types.RECORD_STOP, struct.pack("<I", 77))


def test_desk_of_another_major_version_is_told_so(emulator: Emulator, link: Link, monkeypatch) -> None:
    monkeypatch.setattr(protocol, "MAJOR", 2)
    with pytest.raises(LinkError, match=r"speaks version 1\.\d+ of the link, this program 2"):
        link.hello()
    emulator.wait_for(r"a desk speaks version 2 of the link, this firmware 1: update one of them")
    for refused in (lambda: link.subscribe(1), link.status):
        with pytest.raises(Refused, match="speaks version 1 of the link") as error:
            refused()
        assert error.value.code == 7
    monkeypatch.undo()
    assert link.hello().protocol == (1, protocol.MINOR)
    link.subscribe(0)


def test_malformed_requests_of_recordings_are_refused(link: Link) -> None:
    for kind in (types.RECORD_START, types.RECORD_ACK, types.RECORD_STOP):
        with pytest.raises(Refused) as refused:
            link._request(kind, b"abc")
        assert refused.value.code == 1
    with pytest.raises(Refused) as refused:
        link._request(types.RECORD_ACK, struct.pack("<IQI", 5, 0, 0))
    assert refused.value.code == 8
