# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Text tables and .npz files as data sets and streams: their rates, units and gaps, and what contradicts them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from tocsin.cli import cli
from tocsin.data import Issues, ReadOptions, open_dataset
from tocsin.errors import DataError

RATE = 500


def shake(seed: int, *, loud: float = 1.0, seconds: float = 8) -> np.ndarray:
    """Two axes of a machine at RATE, in m/s²."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    hum = np.sin(2 * np.pi * (24 * t[:, None] + rng.uniform(size=2)))
    return np.round(loud * (hum + 0.3 * rng.normal(size=(len(t), 2))), 4)


def csv(path: Path, values: np.ndarray, *, rate: float = RATE, head: str = "seconds_elapsed,ax,ay") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "\n".join(f"{60 + i / rate:.4f},{a},{b}" for i, (a, b) in enumerate(values.tolist()))
    path.write_text(f"{head}\n{rows}\n")
    return path


def machine(root: Path, *, head: str = "seconds_elapsed,ax,ay", healthy: int = 8) -> Path:
    for i in range(healthy):
        csv(root / f"normal/{i}.csv", shake(i), head=head)
    for i in range(3):
        csv(root / f"anomaly/{i}.csv", shake(100 + i, loud=3), head=head)
    return root


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, list(args))
    if isinstance(result.exception, DataError):
        return 2, f"{result.output}error: {result.exception}"
    return result.exit_code, result.output


def test_rate_and_unit_come_from_the_files(tmp_path: Path) -> None:
    found = open_dataset(machine(tmp_path, head="t (s),ax (m/s^2),ay (m/s^2)"), ReadOptions(full_scale=2.0))
    assert found.rate == RATE
    clip = next(clip for clip in found.clips if clip.name == "normal/0.csv")
    np.testing.assert_array_equal(found.read(clip, Issues()), np.rint(shake(0) / 9.80665 * 16384))


def test_a_rate_that_contradicts_the_times_is_an_error(tmp_path: Path) -> None:
    root = machine(tmp_path)
    with pytest.raises(DataError, match=r"have 500 samples a second.*not 1000\. Leave --rate away.*--time-column none"):
        open_dataset(root, ReadOptions(rate=1000))
    # Sound files have no column of times.
    soundfile.write(tmp_path / "normal.wav", np.zeros((500, 3)), 500)
    (tmp_path / "wav/normal").mkdir(parents=True)
    (tmp_path / "normal.wav").rename(tmp_path / "wav/normal/1.wav")
    with pytest.raises(DataError, match=r"not 1000\. Leave --rate away where it was given; .* at that\.$"):
        open_dataset(tmp_path / "wav", ReadOptions(rate=1000, sensor="vibration", full_scale=2.0))
    assert open_dataset(root, ReadOptions(rate=505)).rate == 505  # within 2 %
    assert open_dataset(root, ReadOptions(rate=1000, time_column="none", columns=("ax", "ay"))).rate == 1000


def test_a_rate_is_told_without_a_power_of_ten(tmp_path: Path) -> None:
    for i in range(4):  # seconds under a name of milliseconds
        csv(tmp_path / f"normal/{i}.csv", shake(i, seconds=2), rate=1000, head="millis,ax,ay")
    for way in (("--rate", "1000"), ()):
        _, told = run("data", "info", str(tmp_path), *way)
        assert "1000000" in told
        assert "e+06" not in told


def test_a_file_of_another_rate_is_skipped_by_name(tmp_path: Path) -> None:
    csv(machine(tmp_path) / "normal/9.csv", shake(9), rate=1000)
    found = open_dataset(tmp_path, ReadOptions(full_scale=2.0))
    assert found.rate == RATE
    other = next(clip for clip in found.clips if clip.name == "normal/9.csv")
    with pytest.raises(DataError, match="has 1000 samples a second instead of 500"):
        found.read(other, Issues())


def test_files_without_times_are_told(tmp_path: Path) -> None:
    root = machine(tmp_path)
    np.savetxt(root / "normal/9.csv", shake(9), delimiter=",", fmt="%.4f")
    found = open_dataset(root, ReadOptions(unit="m/s2"))
    assert found.rate == RATE
    assert "1 file without a rate: taken as 500 Hz, as the others are (first: normal/9.csv)" in found.notes
    only = tmp_path / "only/normal"
    only.mkdir(parents=True)
    np.savetxt(only / "1.csv", shake(9), delimiter=",", fmt="%.4f")
    with pytest.raises(DataError, match="--rate HZ"):
        open_dataset(tmp_path / "only", ReadOptions())


def test_a_unit_that_contradicts_the_header_is_an_error(tmp_path: Path) -> None:
    root = machine(tmp_path, head="t (s),ax (m/s^2),ay (m/s^2)")
    found = open_dataset(root, ReadOptions(unit="g", full_scale=2.0))
    with pytest.raises(DataError, match="is in m/s2 by its header, but --unit says g"):
        found.read(found.clips[0], Issues())
    assert open_dataset(root, ReadOptions(unit="m/s2")).settle(found.clips).options.full_scale == 2.0


def test_gaps_part_a_recording_into_clips(tmp_path: Path) -> None:
    root = machine(tmp_path)
    lines = (root / "normal/0.csv").read_text().splitlines(keepends=True)
    (root / "normal/0.csv").write_text("".join(lines[:1001] + lines[1011:]))
    found = open_dataset(root, ReadOptions(full_scale=2.0, unit="m/s2"))
    parts = [(clip.begin, clip.count) for clip in found.clips if clip.recording == "normal/0.csv"]
    assert parts == [(0, 1000), (1010, 2990)]
    second = next(clip for clip in found.clips if clip.begin == 1010)
    np.testing.assert_array_equal(found.read(second, Issues()), np.rint(shake(0)[1010:] / 9.80665 * 16384))
    assert any("missing rows" in note for note in found.notes)


@pytest.mark.parametrize("suffix", [".txt", ".tsv", ".dat", ".asc"])
def test_suffixes(tmp_path: Path, suffix: str) -> None:
    for path in sorted(machine(tmp_path).rglob("*.csv")):
        path.rename(path.with_suffix(suffix))
    found = open_dataset(tmp_path, ReadOptions())
    assert (len(found.clips), found.rate) == (11, RATE)


def test_tables_beside_sound_stay_labels(tmp_path: Path) -> None:
    from recordings import mimii

    root = mimii(tmp_path, normal=3, abnormal=1, seconds=0.5)
    (root / "readme.txt").write_text("1,2\n3,4\n")
    (root / "fan/id_00/normal/measured.csv").write_text("t,x\n0.1,2\n0.2,4\n")
    found = open_dataset(root, ReadOptions())
    assert found.kind == "audio"
    assert {clip.path.suffix for clip in found.clips} == {".wav"}


def test_info_says_what_was_understood(tmp_path: Path) -> None:
    root = machine(tmp_path, head="t (s),ax (m/s^2),ay (m/s^2)")
    lines = (root / "normal/0.csv").read_text().splitlines(keepends=True)
    (root / "normal/0.csv").write_text("".join(lines[:1001] + lines[1011:]))
    status, said = run("data", "info", str(root))
    assert status == 0
    joined = " ".join(said.split())
    assert "11 tables (first: anomaly/0.csv): delimiter commas, decimal '.'; time 't (s)' in s, 500 Hz" in joined
    assert "samples 'ax (m/s^2)', 'ay (m/s^2)' in m/s2; 10 rows missing in 1 gap" in joined
    status, said = run("data", "info", str(root), "--json")
    (tables,) = json.loads(said)["tables"]
    assert (tables["count"], tables["missing"], tables["gaps"]) == (11, 10, 1)
    wanted = {
        "encoding": "utf-8", "delimiter": ",", "decimal": ".", "thousands": "", "lines_above": 1,
        "columns": ["ax (m/s^2)", "ay (m/s^2)"], "unit": "m/s2", "time_columns": ["t (s)"], "time_unit": "s",
        "rate": 500, "rate_from": "time", "left_out": [],
    }  # fmt: skip
    assert tables["understood"] == wanted


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector at RATE, trained on tables in m/s²."""
    folder = tmp_path_factory.mktemp("tables")
    root = machine(folder / "data", head="t (s),ax (m/s^2),ay (m/s^2)", healthy=12)
    out = folder / "a.tocsin"
    status, said = run("train", "--data", str(root), "--model", "kmeans", "--clusters", "2", "-o", str(out))
    assert status == 0, said
    return out


def test_run_hears_a_table_as_it_says_itself(bundle: Path, tmp_path: Path) -> None:
    """Units and rate are the file's: the same shaking in g, and in columns of another order of size."""
    path = csv(tmp_path / "a.csv", shake(200), head="t (s),ax (m/s^2),ay (m/s^2)")
    in_mg = csv(tmp_path / "b.csv", shake(200) / 9.80665e-3, head="t (s),ax (mg),ay (mg)")
    first, second = (json.loads(run("run", str(bundle), str(p), "--json")[1].splitlines()[-1]) for p in (path, in_mg))
    assert first["alarms"] == second["alarms"] == 0
    assert first["peak"] == pytest.approx(second["peak"], rel=0.02)


def test_run_refuses_recordings_at_another_rate(bundle: Path, tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", shake(200), rate=1000, head="t (s),ax (m/s^2),ay (m/s^2)")
    status, said = run("run", str(bundle), str(path))
    assert status == 2
    assert "a.csv: has 1000 samples a second instead of 500" in said
    np.savez(tmp_path / "b.npz", x=shake(200) / 9.80665, rate=1000)
    status, said = run("run", str(bundle), str(tmp_path / "b.npz"))
    assert status == 2
    assert "has 1000 samples a second instead of 500" in said


def test_run_says_what_it_takes_for_granted(bundle: Path, tmp_path: Path) -> None:
    np.savetxt(tmp_path / "a.csv", shake(200), delimiter=",", fmt="%.4f")
    status, said = run("run", str(bundle), str(tmp_path / "a.csv"))
    assert status == 0
    assert "names no rate and no unit: taken as 500 Hz and m/s2" in said
    np.savez(tmp_path / "b.npz", x=shake(200))
    status, said = run("run", str(bundle), str(tmp_path / "b.npz"))
    assert status == 0
    assert "names no rate and no unit: taken as 500 Hz and m/s2" in said


def test_run_tells_gaps_and_no_window_spans_one(bundle: Path, tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", shake(200), head="t (s),ax (m/s^2),ay (m/s^2)")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2001] + lines[2011:]))
    items = [json.loads(line) for line in run("run", str(bundle), str(path), "--json", "--windows")[1].splitlines()
             if line.startswith("{")]  # fmt: skip
    (gap,) = [item for item in items if item["kind"] == "gap"]
    assert (gap["index"], gap["count"]) == (2000, 10)
    spans = [(item["begin"], item["end"]) for item in items if item["kind"] == "window"]
    assert spans
    assert not [span for span in spans if span[0] < 2005 < span[1]]


def test_contradictions_of_options_end_in_words(bundle: Path, tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", shake(200), head="t (s),ax (m/s^2),ay (m/s^2)")
    status, said = run("run", str(bundle), str(path), "--unit", "g")
    assert status == 2
    assert "is in m/s2 by its header, but --unit says g" in said
    velocity = csv(tmp_path / "v.csv", shake(200), head="t (s),vx (mm/s),vy (mm/s)")
    status, said = run("run", str(bundle), str(velocity))
    assert status == 2
    assert "a velocity, which is not an acceleration" in said


def test_options_for_tables_in_doubt(tmp_path: Path) -> None:
    (tmp_path / "normal").mkdir()
    for i in range(3):
        values = shake(i)[:, 0] + 12
        rows = "\n".join(f"{value:.4f}".replace(".", ",") for value in values.tolist() if value % 1 >= 0.1)
        (tmp_path / f"normal/{i}.csv").write_text(rows + "\n")
    status, said = run("data", "info", str(tmp_path), "--rate", "500", "--unit", "m/s2")
    assert status != 1
    assert "may be 2 columns or numbers with decimal commas" in said
    status, said = run("data", "info", str(tmp_path), "--rate", "500", "--unit", "m/s2", "--decimal", ",")
    assert "channels: 1 (3)" in said
    status, said = run("data", "info", str(tmp_path), "--rate", "500", "--delimiter", "commas")
    assert status == 2
    assert "is not one of comma, semicolon, tab" in said


@pytest.mark.parametrize("command", ["data info", "train"])
def test_a_row_too_short_is_named_without_advice_for_programmers(tmp_path: Path, command: str) -> None:
    rows = [",".join(map(str, row)) for row in np.random.default_rng(1).normal(size=(200, 3)).round(4)]
    rows[150] = "0.1,0.2"
    for name in "abcdefgh":
        (tmp_path / "data/normal").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"data/normal/{name}.csv").write_text("x,y,z\n" + "\n".join(rows))
    arguments = {
        "data info": ["data", "info", str(tmp_path / "data")],
        "train": ["train", "--data", str(tmp_path / "data"), "-o", str(tmp_path / "out")],
    }[command]
    status, text = run(*arguments, "--rate", "1000")
    assert (status, "line 152 has 2 cells instead of 3" in text) == (2, True), text
    assert "usecols" not in text
