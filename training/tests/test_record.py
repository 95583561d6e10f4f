# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Recording from a device that is not there: what its wire and its samples suffer, and what the files say of it."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fake_device import RATE, FakeDevice, Faults, samples
from tocsin.cli import cli
from tocsin.data import Issues, ReadOptions, open_dataset
from tocsin.device import clips
from tocsin.device import messages as types
from tocsin.device.link import Refused
from tocsin.device.record import Options, Outcome, Recorder
from tocsin.device.wire import LinkError, LinkGone, open_wire
from tocsin.errors import DataError


def run(device: FakeDevice, root: Path, *, seconds: float = 2.0, told: list[str] | None = None, **given) -> Outcome:
    """Record from the device."""
    options = Options(seconds=seconds, root=root, **{"clip_seconds": 0.5, "wait": 5.0, **given})
    return Recorder(device.connect, options, tell=(told if told is not None else []).append).run()


def about(clip: Path) -> dict:
    return json.loads(clip.with_suffix(".json").read_text())


def data_of(clip: Path) -> bytes:
    with wave.open(str(clip)) as sound:
        return sound.readframes(sound.getnframes())


def told_to_stop(device: FakeDevice) -> bool:
    """Whether it has been, once it has had the time to hear of it."""
    end = time.monotonic() + 5
    while time.monotonic() < end and device.requests[-1].type != types.RECORD_STOP:
        time.sleep(0.01)
    return device.requests[-1].type == types.RECORD_STOP


def check(outcome: Outcome, *, stream: int = 1, channels: int = 1, seconds: float = 2.0) -> None:
    """Every sample is right, and every one is there or told."""
    for clip in outcome.clips:
        said = about(clip)
        expected = samples(stream, said["start_index"], said["frames"], channels).tobytes()
        assert data_of(clip) == expected, clip
        assert said["sha256"] == hashlib.sha256(expected).hexdigest()
    parts = [(about(clip)["start_index"], about(clip)["frames"]) for clip in outcome.clips]
    parts = sorted(parts + [(gap["index"], gap["count"]) for gap in outcome.gaps])
    for (start, count), (following, _) in pairwise(parts):
        assert start + count == following
    assert outcome.frames + outcome.missing == sum(count for _, count in parts) == round(seconds * RATE)
    assert outcome.frames == sum(about(clip)["frames"] for clip in outcome.clips)


def test_clips_hold_the_samples_and_their_json_says_whence(tmp_path: Path) -> None:
    device = FakeDevice()
    outcome = run(device, tmp_path, machine="fan", identity="03", label="abnormal")
    check(outcome)
    assert [clip.relative_to(tmp_path).as_posix() for clip in outcome.clips] == [
        f"fan/id_03/abnormal/0000000{i}.wav" for i in range(4)
    ]
    said = about(outcome.clips[1])
    assert said["device"] == {
        "board": "fake_board", "firmware": "9.8.7", "link": "1.1", "sensor": "audio", "bundle_crc": "00c0ffee"
    }  # fmt: skip
    assert (said["start_index"], said["frames"], said["sample_rate"]) == (1000 + RATE // 2, RATE // 2, RATE)
    assert said["start_utc"].endswith("+00:00")
    assert (outcome.segments, outcome.missing, outcome.reconnects) == (1, 0, 0)
    assert told_to_stop(device)
    assert sorted(path.suffix for path in outcome.clips[0].parent.iterdir()) == [".json"] * 4 + [".wav"] * 4


@pytest.mark.parametrize(
    "faults",
    [
        Faults(flip=0.2),
        Faults(drop=0.2),
        Faults(twice=0.5),
        Faults(trickle=True),
        Faults(flip=0.1, drop=0.1, twice=0.2, trickle=True),
    ],
    ids=["damage", "loss", "duplication", "delay", "all"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_bad_wire_costs_no_sample(faults: Faults, seed: int, tmp_path: Path) -> None:
    faults = Faults(**{**vars(faults), "seed": seed})
    outcome = run(FakeDevice(faults=faults), tmp_path)
    check(outcome)
    assert outcome.missing == 0


def test_gaps_end_clips_and_are_told(tmp_path: Path) -> None:
    gaps = ((1100, 50, 1), (6000, 3000, 2), (9500, 1, 3))
    outcome = run(FakeDevice(gaps=gaps, faults=Faults(flip=0.1)), tmp_path)
    check(outcome)
    assert [(gap["index"], gap["count"]) for gap in outcome.gaps] == [gap[:2] for gap in gaps]
    assert [gap["reasons"] for gap in outcome.gaps] == [
        ["the sensor lost them"],
        ["the record buffer was full"],
        ["the sensor lost them", "the record buffer was full"],
    ]
    after = [clip for clip in outcome.clips if about(clip)["gaps_before"]]
    assert [about(clip)["start_index"] for clip in after] == [1150, 9000, 9501]
    assert about(after[0])["gaps_before"] == [{"index": 1100, "count": 50, "reasons": ["the sensor lost them"]}]
    assert about(outcome.clips[0])["ended_by"] == "gap"


def test_three_channels(tmp_path: Path) -> None:
    outcome = run(FakeDevice(channels=3, sensor=2, scale=8 / 32768), tmp_path)
    check(outcome, channels=3)
    dataset = open_dataset(tmp_path, ReadOptions())
    assert (dataset.kind, dataset.rate, dataset.file_range) == ("vibration", RATE, 8.0)
    assert {clip.label for clip in dataset.clips} == {"normal"}
    read = dataset.settle(dataset.clips).read(dataset.clips[0], Issues())
    assert read.tobytes() == samples(1, 1000, RATE // 2, 3).tobytes()


def test_pulled_cable_goes_on_where_it_was(tmp_path: Path) -> None:
    told: list[str] = []
    device = FakeDevice(faults=Faults(pull_at=[10, 30], pulled_for=2000))
    outcome = run(device, tmp_path, told=told)
    check(outcome)
    assert (outcome.segments, outcome.missing, outcome.reconnects, device.connections) == (1, 0, 2, 3)
    assert any("looking for the device" in line for line in told)
    assert any("going on at sample" in line for line in told)


def test_what_the_device_no_longer_holds_is_a_gap(tmp_path: Path) -> None:
    outcome = run(FakeDevice(faults=Faults(pull_at=[10], pulled_for=9000, buffer=4096)), tmp_path)
    check(outcome)
    assert len(outcome.gaps) == 1
    assert outcome.gaps[0]["reasons"] == ["the record buffer was full"]
    assert outcome.segments == 1


def test_reset_device_begins_another_segment(tmp_path: Path) -> None:
    told: list[str] = []
    device = FakeDevice(faults=Faults(pull_at=[20]))
    device.on_frames = lambda _: device.reset()
    outcome = run(device, tmp_path, told=told)
    assert outcome.segments == 2
    assert any("the device was reset" in line for line in told)
    segments = [about(clip)["segment"] for clip in outcome.clips]
    assert set(segments) == {1, 2}
    for clip in outcome.clips:
        said = about(clip)
        assert data_of(clip) == samples(said["segment"], said["start_index"], said["frames"]).tobytes()
    ends = [about(clip)["ended_by"] for clip in outcome.clips]
    assert ends.count("reset") == 1
    assert outcome.frames == 2 * RATE


def test_stream_that_ends_begins_another_segment(tmp_path: Path) -> None:
    device = FakeDevice(stream_ends=5000)

    def next_stream() -> None:
        while not any(about(path.with_suffix(".wav"))["ended_by"] == "stream" for path in tmp_path.rglob("0*.json")):
            time.sleep(0.01)

    device_next = threading.Thread(target=lambda: (next_stream(), device.reset()), daemon=True)
    device_next.start()
    outcome = run(device, tmp_path)
    assert outcome.segments >= 2
    assert outcome.frames == 2 * RATE


def test_device_that_never_comes_back_leaves_what_was_recorded(tmp_path: Path) -> None:
    device = FakeDevice(faults=Faults(pull_at=[40]))

    def gone(_: int) -> None:
        device.gone = True

    device.on_frames = gone
    recorder = Recorder(device.connect, Options(seconds=2, root=tmp_path, clip_seconds=0.5, wait=1.0))
    with pytest.raises(LinkGone):
        recorder.run()
    outcome = recorder.outcome
    assert 0.5 < outcome.seconds < 2
    assert sum(about(clip)["frames"] for clip in outcome.clips) == outcome.frames > RATE / 2
    for clip in outcome.clips:
        assert data_of(clip) == samples(1, about(clip)["start_index"], about(clip)["frames"]).tobytes()


def test_interrupt_leaves_what_was_recorded(tmp_path: Path) -> None:
    def interrupt(outcome: Outcome) -> None:
        if outcome.frames > 5000:
            raise KeyboardInterrupt

    device = FakeDevice()
    recorder = Recorder(device.connect, Options(seconds=60, root=tmp_path), progress=interrupt)
    with pytest.raises(KeyboardInterrupt):
        recorder.run()
    [clip] = recorder.outcome.clips
    assert about(clip)["frames"] == recorder.outcome.frames > 5000
    assert told_to_stop(device)


def test_other_major_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match=r"speaks version 2\.0 of the link, this program 1\.\d+: update this program"):
        run(FakeDevice(version=(2, 0)), tmp_path)
    with pytest.raises(LinkError, match="update its firmware"):
        run(FakeDevice(version=(0, 9)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_older_minor_version_cannot_record(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match=r"speaks version 1\.0 of the link, recording came with 1\.1: update"):
        run(FakeDevice(version=(1, 0)), tmp_path)


def test_newer_minor_version_can(tmp_path: Path) -> None:
    check(run(FakeDevice(version=(1, 77)), tmp_path))


def test_refusal_is_told(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"not in this firmware \(CONFIG_TOCSIN_RECORD is off\)"):
        run(FakeDevice(refuse=(3, b"CONFIG_TOCSIN_RECORD is off")), tmp_path)


def test_no_stream_yet_is_waited_for(tmp_path: Path) -> None:
    device = FakeDevice(refuse=(5, b"no samples come"))
    threading.Timer(1.0, lambda: setattr(device, "refuse", None)).start()
    check(run(device, tmp_path))
    with pytest.raises(Refused, match="no samples come"):
        run(FakeDevice(refuse=(5, b"no samples come")), tmp_path, wait=0.5)


def test_numbers_go_on_and_nothing_is_overwritten(tmp_path: Path) -> None:
    first = run(FakeDevice(), tmp_path, seconds=1.0)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    first.clips[0].unlink()
    second = run(FakeDevice(), tmp_path, seconds=1.0)
    assert [clip.name for clip in second.clips] == ["00000002.wav", "00000003.wav"]
    for path, content in before.items():
        assert path == first.clips[0] or path.read_bytes() == content


def test_number_taken_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """Another recorder takes the number between the look and the writing."""
    taken = tmp_path / "00000000.json"
    assert clips._place(taken, b"theirs")
    assert not clips._place(taken, b"ours")
    assert taken.read_bytes() == b"theirs"

    def no_links(source: Path, target: Path) -> None:
        raise PermissionError("no hard links here")

    part = tmp_path / "part"
    part.write_bytes(b"ours")
    assert not clips._name(part, taken, no_links)
    assert clips._name(part, tmp_path / "free", no_links)
    assert (tmp_path / "free").read_bytes() == b"ours"


def test_half_file_never_has_the_final_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full while a clip is written."""
    synced = os.fsync

    def full(fd: int) -> None:
        if any(path.name.endswith(".wav") for path in tmp_path.rglob("*")):
            raise OSError(28, "No space left on device")
        synced(fd)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="the disk is full"):
        run(FakeDevice(), tmp_path)
    wavs = list(tmp_path.rglob("*.wav"))
    assert len(wavs) == 1
    assert data_of(wavs[0]) == samples(1, 1000, RATE // 2).tobytes()
    assert not list(tmp_path.rglob("*.part"))


def test_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    run(FakeDevice(), tmp_path, seconds=0.5)
    with pytest.raises(DataError, match="describes other recordings"):
        run(FakeDevice(channels=3, sensor=2, scale=4 / 32768), tmp_path, seconds=0.5)
    assert len(list(tmp_path.rglob("*.wav"))) == 1


@pytest.mark.parametrize(("machine", "identity"), [("../x", "00"), ("", "00"), ("fan", "a"), ("fan", "../1")])
def test_names_stay_in_the_folder(machine: str, identity: str, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        run(FakeDevice(), tmp_path, machine=machine, identity=identity)


def test_command_records(tmp_path: Path) -> None:
    port = FakeDevice(gaps=((3000, 10, 1),)).listen(tmp_path / "s")
    words = ["record", "--port", port, "--seconds", "1", "--clip-seconds", "0.5", "-o", str(tmp_path / "data")]
    done = CliRunner().invoke(cli, [*words, "--json"])
    assert done.exit_code == 1, done.output
    outcome = json.loads(done.stdout)
    assert (outcome["missing"], outcome["frames"], outcome["windows"]) == (10, RATE - 10, 0)
    done = CliRunner().invoke(cli, words)
    assert "10 samples missing from sample 3000" in done.stdout
    done = CliRunner().invoke(cli, [*words[:2], f"unix:{tmp_path / 'nobody'}", *words[3:]])
    assert isinstance(done.exception, LinkError) or done.exit_code == 2
    # Nothing was begun, so nothing is said of clips.
    assert done.stdout == ""


def test_devices_are_listed(tmp_path: Path) -> None:
    port = FakeDevice().listen(tmp_path / "s")
    done = CliRunner().invoke(cli, ["devices", "--port", port, "--json"])
    assert done.exit_code == 0, done.output
    found = [line for line in map(json.loads, done.stdout.splitlines()) if line["port"] == port]
    assert found[0]["device"] == {
        "board": "fake_board", "firmware": "9.8.7", "link": "1.1", "bundle_crc": "00c0ffee", "model": "kmeans",
        "sensor": "audio", "sample_rate": RATE, "channels": 1, "state": "live", "records": True,
    }  # fmt: skip
    done = CliRunner().invoke(cli, ["devices", "--port", port])
    assert f"{port}  fake_board, firmware 9.8.7, bundle 00c0ffee (kmeans), audio, {RATE} Hz x 1, live" in done.stdout


def test_devices_without_a_probe_or_an_answer(tmp_path: Path) -> None:
    device = FakeDevice()
    port = device.listen(tmp_path / "s")
    done = CliRunner().invoke(cli, ["devices", "--port", port, "--no-probe", "--json"])
    assert json.loads(done.stdout.splitlines()[-1])["device"] is None
    assert device.connections == 0
    done = CliRunner().invoke(cli, ["devices", "--port", f"unix:{tmp_path / 'nobody'}", "--timeout", "0.2", "--json"])
    assert "nothing answers" in json.loads(done.stdout.splitlines()[-1])["problem"]


def test_monitor_tells_what_happens(tmp_path: Path) -> None:
    import struct

    device = FakeDevice()
    device.reports = [
        (types.WINDOW, struct.pack("<QQffI", 0, RATE, 1.5, float("nan"), 1)),
        (types.EVENT, struct.pack("<IfQQ", 1, 2.5, 10, 20)),
        (types.GAP, struct.pack("<QQ", 5, 6)),
        (0xA4, struct.pack("<IIQ", 4, 1, 99)),
    ]
    port = device.listen(tmp_path / "s")
    done = CliRunner().invoke(cli, ["monitor", "--port", port, "--seconds", "2.5", "--json"])
    assert done.exit_code == 0, done.output
    things = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = {thing["kind"]: thing for thing in things}
    assert kinds["window"] == {
        "kind": "window", "begin": 0, "end": RATE, "score": 1.5, "smoothed": None, "alarm": True, "sensor_fault": False,
        "begin_s": 0.0, "end_s": 1.0,
    }  # fmt: skip
    assert (kinds["event"]["event"], kinds["event"]["peak"]) == ("begin", 2.5)
    assert (kinds["gap"]["index"], kinds["gap"]["count"]) == (5, 6)
    assert (kinds["sensor"]["condition"], kinds["sensor"]["begins"], kinds["sensor"]["index"]) == ("STUCK", True, 99)
    assert kinds["device"]["board"] == "fake_board"
    [powers] = kinds["spectrum"]["db"]
    assert len(powers) == len(kinds["spectrum"]["hz"])
    assert -100 < min(powers) < max(powers) < 60
    done = CliRunner().invoke(cli, ["monitor", "--port", port, "--seconds", "1.5"])
    assert "ALARM begins, peak 2.5" in done.stdout
    assert "sensor STUCK begins at sample 99" in done.stdout


def test_spectrum_of_sound_shows_the_whistle() -> None:
    from tocsin.device.monitor import Spectrum

    spectrum = Spectrum(16000, 1, 1 / 32768, vibration=False)
    whistle = np.rint(3000 * np.sin(2 * np.pi * 2500 * np.arange(16000) / 16000)).astype(np.int16)
    spectrum.add(whistle[:, np.newaxis])
    powers = spectrum.powers()
    assert powers is not None
    assert abs(spectrum.centres[int(powers[0].argmax())] - 2500) < 150


def test_spectrum_of_vibration_shows_the_turn() -> None:
    from tocsin.device.monitor import Spectrum

    spectrum = Spectrum(1000, 3, 1 / 4096, vibration=True)
    t = np.arange(1000)
    tone = np.rint(2000 * np.sin(2 * np.pi * 130 * t / 1000)).astype(np.int16)
    spectrum.add(np.stack([tone, tone // 100, np.zeros_like(tone)], axis=1))
    powers = spectrum.powers()
    assert powers is not None
    assert abs(spectrum.centres[int(powers[0].argmax())] - 130) < 1000 / 2 / 32
    spectrum.clear()
    assert spectrum.powers() is None


def test_pulled_cable_of_a_serial_port_is_noticed() -> None:
    import pty

    master, slave = pty.openpty()
    wire = open_wire(os.ttyname(slave))
    assert wire.read() == b""
    os.write(master, b"abc")
    time.sleep(0.05)
    assert wire.read() == b"abc"
    os.close(slave)
    os.close(master)
    with pytest.raises(LinkGone):
        wire.read()
    wire.close()
