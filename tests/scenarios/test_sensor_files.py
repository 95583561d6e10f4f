# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Files that Renode's sensors play: what is no recording for them is refused by name, and a recording does not end."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

import on_renode
from emulation import BuildFailed, CannotBuild
from kinds import KINDS, ROOT
from pytest_embedded_renode import NoRenode, Renode, RenodeError

RATE = 16000
SOUND = np.random.default_rng(1).integers(-3000, 3000, 3 * RATE).astype(np.int16)


def wav(data: np.ndarray, *, rate: int = RATE, subtype: str = "PCM_16", form: str = "WAV") -> Callable[[Path], None]:
    """What writes a sound file."""
    return lambda path: soundfile.write(path, data, rate, subtype=subtype, format=form)


def chunks(*parts: tuple[bytes, bytes], claim: int | None = None) -> Callable[[Path], None]:
    """What writes a WAV file chunk by chunk; `claim` is what the last one says of its length."""
    body = b"WAVE"
    for number, (name, content) in enumerate(parts):
        size = len(content) if claim is None or number + 1 < len(parts) else claim
        body += name + struct.pack("<I", size) + content + b"\0" * (len(content) % 2)
    return lambda path: path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body) and None


FORMAT = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
EXTENSIBLE = struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, 2 * RATE, 2, 16, 22, 16, 4) + bytes.fromhex(
    "0100000000001000800000aa00389b71"
)
SAMPLES = SOUND.tobytes()
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "44100.wav": (wav(SOUND, rate=44100), "at 44100 Hz, and the microphone hears 1 channel of 16 bits at 16000 Hz"),
    "stereo.wav": (wav(np.stack([SOUND, SOUND], axis=1)), "it holds 2 channels"),
    "8bit.wav": (wav(SOUND, subtype="PCM_U8"), "of 8 bits"),
    "float.wav": (wav(SOUND, subtype="FLOAT"), r"of 32 bits \(not PCM\)"),
    "empty.wav": (wav(SOUND[:0]), "holds no samples"),
    "empty.i16": (lambda path: path.write_bytes(b""), "holds no samples"),
    "odd.raw": (lambda path: path.write_bytes(b"abc"), "3 bytes are no samples"),
    "cut.wav": (chunks((b"fmt ", FORMAT), (b"data", SAMPLES), claim=10**6), "cut short: 96000 of 1000000 bytes"),
    "nothing.wav": (chunks((b"fmt ", FORMAT), (b"LIST", b"INFO")), "a WAV file without samples"),
    "order.wav": (chunks((b"data", SAMPLES), (b"fmt ", FORMAT)), "before their format"),
    "text.wav": (lambda path: path.write_text("time,x\n0,1\n"), "it is no WAV file"),
    "sound.flac": (wav(SOUND, form="FLAC"), "it is no WAV file"),
    "missing.wav": (lambda path: None, "there is no such file"),
    "folder.wav": (lambda path: path.mkdir(), "it is a folder"),
}
GOOD: dict[str, Callable[[Path], object]] = {
    "plain.wav": wav(SOUND),
    "list.wav": chunks((b"fmt ", FORMAT), (b"LIST", b"INFOISFT\x03\0\0\0abc\0"), (b"data", SAMPLES)),
    "extensible.wav": chunks((b"fmt ", EXTENSIBLE), (b"data", SAMPLES)),
    "streamed.wav": chunks((b"fmt ", FORMAT), (b"data", SAMPLES), claim=0xFFFFFFFF),
    "bare.i16": lambda path: path.write_bytes(SAMPLES),
}


@pytest.fixture(scope="module")
def built(target: str) -> Path:
    """The image with a microphone."""
    if target != "renode":
        pytest.skip("shown in Renode alone")
    try:
        return on_renode.image(KINDS["sound"])
    except CannotBuild as error:
        pytest.skip(str(error))
    except BuildFailed as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def board(built: Path) -> Iterator[Renode]:
    """A board whose time does not run."""
    try:
        made = Renode(on_renode.SCRIPT, elf=built, limit=600)
    except NoRenode as error:
        pytest.skip(str(error))
    with made:
        yield made


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_recording_is_refused_by_name(board: Renode, tmp_path: Path, name: str) -> None:
    (tmp_path / "before.i16").write_bytes(SAMPLES)
    board.command(f"pdm SetInputFile @{tmp_path}/before.i16")
    write, why = BAD[name]
    write(tmp_path / name)
    with pytest.raises(RenodeError) as told:
        board.command(f"pdm SetInputFile @{tmp_path / name}")
    said = " ".join(str(told.value).split())
    assert re.search(f"{re.escape(name)}: .*{why}", said), said
    assert "did not match the signature" not in said
    # What was heard before goes on.
    assert str(len(SOUND)) in board.command("pdm Left") or hex(len(SOUND)).upper()[2:] in board.command("pdm Left")


@pytest.mark.parametrize("name", GOOD)
def test_recordings_are_taken_whole(board: Renode, tmp_path: Path, name: str) -> None:
    GOOD[name](tmp_path / name)
    board.command(f"pdm SetInputFile @{tmp_path / name}")
    left = re.findall(r"0x[0-9A-Fa-f]+", board.command("pdm Left"))
    assert int(left[-1], 16) == len(SOUND)


@pytest.mark.parametrize("name", ["x.csv", "x.wav", "x.i16"])
def test_the_accelerometer_refuses_what_it_cannot_feel(board: Renode, tmp_path: Path, name: str) -> None:
    content = {"x.csv": b"0.1,0.2,0.3\n", "x.wav": b"RIFF....WAVE", "x.i16": b"12345678"}[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RenodeError, match=name):
        board.command(f"twi0.adxl345 SetInputFile @{tmp_path / name}")


@pytest.mark.parametrize("command", ["pdm SetInputFile", "twi0.adxl345 SetInputFile"])
def test_a_first_file_that_is_missing_ends_the_run(built: Path, tmp_path: Path, command: str) -> None:
    renode = shutil.which("renode")
    if renode is None:
        pytest.skip("Renode is not installed (renode.io, or its GitHub releases): no simulated board")
    script = ROOT / "boards/renode/simulate.resc"
    words = [renode, "--disable-gui", "--console", "--plain", "-e", f"$elf=@{built}", "-e", f"include @{script}"]
    words += ["-e", f"{command} @{tmp_path}/missing.wav"]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False
    )
    assert done.returncode == 2, done.stdout.decode()
    assert f"error: {tmp_path}/missing.wav: there is no such file" in done.stdout.decode()


def test_a_recording_begins_again_at_its_end(built: Path, tmp_path: Path) -> None:
    path = tmp_path / "three-seconds.wav"
    soundfile.write(path, KINDS["sound"].machine(None, 3), RATE, subtype="PCM_16")
    try:
        board = Renode(on_renode.SCRIPT, elf=built, limit=600)
    except NoRenode as error:
        pytest.skip(str(error))
    with board:
        board.command(f"pdm SetInputFile @{path}")
        board.command('emulation RunFor "14"', timeout=400)
        board.wait_for(r"bundle [0-9a-f]{8}")
        assert "STUCK" not in board.console
