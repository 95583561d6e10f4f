# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Formats of arrays and tables, written by an independent writer and read back: numbers, rate, unit, channels."""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reading import RATE, only, same
from reading import SAMPLES as N
from tocsin.data import ReadOptions, open_dataset
from tocsin.data.readers import (
    Source,
    array_names,
    count_recordings,
    format_of,
    open_reader,
    suffixes,
    unavailable,
)
from tocsin.errors import DataError


@pytest.fixture
def values(rng: np.random.Generator) -> np.ndarray:
    """Three axes, with more digits than float32 has."""
    return rng.normal(size=(N, 3))


# MATLAB


def mat73(path: Path, **variables: Any) -> Path:
    """A file as `save -v7.3` writes it: HDF5 with a header of 512 bytes, axes in the other order."""
    h5py = pytest.importorskip("h5py")

    with h5py.File(path, "w", userblock_size=512) as file:
        references = file.create_group("#refs#")

        def put(parent: Any, name: str, value: Any) -> Any:
            if isinstance(value, dict):
                group = parent.create_group(name)
                group.attrs["MATLAB_class"] = np.bytes_("struct")
                for field, inner in value.items():
                    put(group, field, inner)
                return group
            if isinstance(value, str):
                made = parent.create_dataset(name, data=np.array([[ord(letter)] for letter in value], np.uint16))
                made.attrs["MATLAB_class"] = np.bytes_("char")
                return made
            if isinstance(value, list):
                inside = [put(references, f"{name}{i}", item).ref for i, item in enumerate(value)]
                made = parent.create_dataset(name, data=np.array([inside], h5py.ref_dtype), dtype=h5py.ref_dtype)
                made.attrs["MATLAB_class"] = np.bytes_("cell")
                return made
            made = parent.create_dataset(name, data=np.atleast_2d(value).T)
            made.attrs["MATLAB_class"] = np.bytes_("double")
            return made

        for name, value in variables.items():
            put(file, name, value)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def mat5(path: Path, **variables: Any) -> Path:
    from scipy.io import savemat

    cells = {
        name: np.array([*value, None], object)[:-1] if isinstance(value, list) else value
        for name, value in variables.items()
    }
    savemat(path, cells)
    return path


def mat5_packed(path: Path, **variables: Any) -> Path:
    from scipy.io import savemat

    savemat(path, variables, do_compression=True)
    return path


def mat4(path: Path, **variables: Any) -> Path:
    from scipy.io import savemat

    savemat(path, variables, format="4")
    return path


@pytest.mark.parametrize("write", [mat4, mat5, mat5_packed, mat73])
def test_matlab_matrix_with_its_rate(tmp_path: Path, values: np.ndarray, write: Callable) -> None:
    found = only(write(tmp_path / "a.mat", acc=values, Fs=RATE))
    same(found, values)
    assert (found.rate, found.channels) == (RATE, 3)


@pytest.mark.parametrize("write", [mat5, mat73])
def test_matlab_rows_vectors_times_and_units(tmp_path: Path, values: np.ndarray, write: Callable) -> None:
    found = only(write(tmp_path / "a.mat", t=np.arange(N)[:, None] / RATE, acc=values.T, units="m/s^2"))
    same(found, values)
    assert (found.rate, found.unit) == (RATE, "m/s2")
    assert "with 3 rows of 3000, taken for channels" in found.notes
    same(only(write(tmp_path / "b.mat", y=values[:, 1:2].T, x=values[:, :1], Fs=100)), values[:, :2])
    found = only(write(tmp_path / "c.mat", front=values[:, :1], rear=values[:, 1:2], dt=1 / RATE))
    same(found, values[:, :2])
    assert found.rate == RATE


@pytest.mark.parametrize("write", [mat5, mat73])
def test_matlab_structures_and_cells(tmp_path: Path, values: np.ndarray, write: Callable) -> None:
    # MFPT's bearings: `rate` is the shaft's.
    found = only(write(tmp_path / "a.mat", bearing={"sr": 97656.0, "rate": 25.0, "gs": values[:, :1], "load": 270.0}))
    same(found, values[:, :1])
    assert found.rate == 97656
    assert any("with sr of 97656 Hz, which is taken, and rate 25 Hz" in note for note in found.notes)
    path = write(tmp_path / "b.mat", runs=[values[:1000, :1], values[:900, :1]], Fs=100.0)
    assert [open_reader(Source(path, name, 0)).samples for name in array_names(path)] == [1000, 900]


def test_matlab_objects_are_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")

    path = mat73(tmp_path / "a.mat", acc=np.zeros((50, 3)))
    with h5py.File(path, "r+") as file:
        file["tt"] = np.zeros(6, np.uint32)
        file["tt"].attrs["MATLAB_object_decode"] = 3
    with pytest.raises(DataError, match="a MATLAB object, such as a table"):
        count_recordings(path, "tt")


def test_a_file_of_version_73_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = mat73(tmp_path / "a.mat", acc=np.zeros((50, 3)))
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(DataError, match=r'version 7.3, which needs the package h5py: pip install "tocsin\[matlab\]"'):
        array_names(path)


# HDF5


def test_hdf5_attributes_and_groups(tmp_path: Path, values: np.ndarray) -> None:
    h5py = pytest.importorskip("h5py")

    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["fs"] = [RATE]
        file.create_dataset("one/acceleration", data=values, compression="gzip").attrs["units"] = "m/s²"
        two = file.create_group("two")
        two.attrs["sample_rate"] = 800
        two["x"], two["y"], two["z"] = values.T
        file["one/link"] = h5py.ExternalLink("/etc/passwd", "/")
    assert array_names(path) == ["one/acceleration", "two"]
    first, second = (open_reader(Source(path, name, 0)) for name in array_names(path))
    same(first, values)
    same(second, values)
    assert (first.rate, first.unit, second.rate, second.unit) == (RATE, "m/s2", 800, None)


def test_hdf5_tables_and_numbers_elsewhere(tmp_path: Path, values: np.ndarray) -> None:
    h5py = pytest.importorskip("h5py")

    table = np.zeros(N, [("t", "f8"), ("x", "f8")])
    table["t"], table["x"] = np.arange(N) / 50, values[:, 0]
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        file["log"] = table
        file.create_dataset("raw", (8,), "f8", external=[(str(tmp_path / "b.bin"), 0, 64)])
    found = open_reader(Source(path, "log", 0))
    same(found, values[:, :1])
    assert found.rate == 50
    with pytest.raises(DataError, match="numbers in another file"):
        count_recordings(path, "raw")


# TDMS


def tdms(path: Path, values: np.ndarray, **properties: Any) -> Path:
    nptdms = pytest.importorskip("nptdms")

    said = {"wf_increment": 1 / RATE, "unit_string": "g", **properties}
    with nptdms.TdmsWriter(path) as writer:
        for part in np.array_split(values, 2):
            channels = [
                nptdms.ChannelObject("Vibration", name, part[:, i], said)
                for i, name in enumerate("XYZ"[: values.shape[1]])
            ]
            slow = nptdms.ChannelObject("Slow", "Oil", part[:50, 0], {"wf_increment": 1.0, "unit_string": "°C"})
            writer.write_segment([*channels, slow] if said["unit_string"] == "g" else channels)
    return path


def test_tdms_says_its_rate_and_unit(tmp_path: Path, values: np.ndarray) -> None:
    found = only(tdms(tmp_path / "a.tdms", values))
    same(found, values)
    assert (found.rate, found.unit) == (RATE, "g")
    assert "with the channels X, Y, Z" in found.notes
    assert "with Slow beside it, left out: it is no acceleration" in found.notes
    same(only(tmp_path / "a.tdms", ("Z",)), values[:, 2:])
    (tmp_path / "a.tdms_index").write_bytes(b"TDSh")
    (tmp_path / "normal").mkdir()
    tdms(tmp_path / "normal/b.tdms", values)
    assert [clip.name for clip in open_dataset(tmp_path / "normal", ReadOptions()).clips] == ["b.tdms:Vibration[0]"]


def test_tdms_in_another_unit_is_told(tmp_path: Path, values: np.ndarray) -> None:
    found = only(tdms(tmp_path / "a.tdms", values, unit_string="V"))
    assert found.unit is None
    assert "in V, which is no acceleration" in found.notes


# Parquet


def test_parquet_with_times(tmp_path: Path, values: np.ndarray) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    stamps = 1_700_000_000_000_000_000 + (np.arange(N) * 1_000_000_000 // 500)
    table = pa.table(
        {
            "timestamp": pa.array(stamps, pa.timestamp("ns")),
            "ax (m/s^2)": values[:, 0],
            "ay (m/s^2)": values[:, 1],
            "temperature": values[:, 2],
            "operator": ["me"] * N,
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=700)
    found = only(tmp_path / "a.parquet")
    same(found, values[:, :2])
    assert (found.rate, found.unit) == (500, "m/s2")
    assert "with temperature left out: it is no acceleration" in found.notes


@pytest.mark.parametrize("how", ["schema", "pandas"])
def test_parquet_with_its_rate_in_the_metadata(tmp_path: Path, values: np.ndarray, how: str) -> None:
    import json

    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    said = {"sampling_rate": "800"} if how == "schema" else {"pandas": json.dumps({"attributes": {"fs": 800}})}
    table = pa.table({"x": values[:, 0].astype(np.float32), "y": np.arange(N, dtype=np.int16) % 7})
    pq.write_table(table.replace_schema_metadata(said), tmp_path / "a.parquet")
    found = only(tmp_path / "a.parquet")
    assert found.rate == 800
    same(found, np.c_[values[:, 0].astype(np.float32), np.arange(N) % 7])


def test_parquet_with_holes(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    pq.write_table(pa.table({"x": [1.0, None, 3.0] * 30}), tmp_path / "a.parquet")
    assert np.isnan(only(tmp_path / "a.parquet").read_all()[1, 0])


def test_parquet_of_lists_is_a_recording_a_row(tmp_path: Path, values: np.ndarray) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    rows = values[: N // 4 * 4].reshape(4, -1, 3)
    fixed = pa.array(rows[:, :, 1].tolist(), pa.list_(pa.float64(), rows.shape[1]))
    table = pa.table({"x": rows[:, :, 0].tolist(), "y": fixed, "rpm": [1, 2, 3, 4], "label": ["a"] * 4})
    pq.write_table(table.replace_schema_metadata({"fs": "500"}), tmp_path / "a.parquet", row_group_size=3)
    assert count_recordings(tmp_path / "a.parquet", "") == 4
    for i in range(4):
        found = open_reader(Source(tmp_path / "a.parquet", "", i))
        same(found, rows[i, :, :2])
        assert (found.rate, found.channels) == (500, 2)
        assert "with the columns rpm, label left out: beside lists, one value a recording is not read" in found.notes


def test_parquet_of_lists_of_several_lengths_is_refused_by_name(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    (tmp_path / "normal").mkdir()
    pq.write_table(pa.table({"x": [[1.0, 2.0], [3.0], None]}), tmp_path / "normal/a.parquet")
    with pytest.raises(DataError, match=r"normal/a\.parquet: holds lists of 0 to 2 numbers: write lists of one length"):
        open_dataset(tmp_path, ReadOptions(rate=500))


def test_parquet_names_columns_that_are_no_numbers(tmp_path: Path, values: np.ndarray) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    table = pa.table({"x": values[:, 0], "operator": ["me"] * N, "nested": [[[1.0]]] * N})
    pq.write_table(table, tmp_path / "a.parquet")
    found = only(tmp_path / "a.parquet")
    same(found, values[:, :1])
    assert "with the columns operator, nested left out: they hold no numbers" in found.notes


# Universal files


def uff(path: Path, values: np.ndarray, *, repeats: int = 1, **fields: Any) -> Path:
    pyuff = pytest.importorskip("pyuff")

    for _ in range(repeats):
        for i, column in enumerate(values.T):
            said = {
                "binary": 0,
                "func_type": 1,
                "abscissa_spacing": 1,
                "abscissa_spec_data_type": 17,
                "ordinate_spec_data_type": 12,
                "ordinate_axis_units_lab": "g",
                **fields,
            }
            said |= dict.fromkeys(("id1", "id2", "id3", "id4", "id5"), "NONE")
            said |= dict.fromkeys(("ver_num", "load_case_id", "ref_node", "ref_dir"), 0)
            said |= {"rsp_ent_name": "NONE", "ref_ent_name": "NONE", "rsp_node": 12, "rsp_dir": i + 1}
            said |= {"z_axis_value": 0.0, "orddenom_spec_data_type": 0, "z_axis_spec_data_type": 0}
            axis = {"data": column, "x": np.arange(len(column)) / RATE, "abscissa_inc": 1 / RATE}
            pyuff.UFF(str(path)).write_sets(pyuff.prepare_58(**said, **axis), "add")
    return path


@pytest.mark.parametrize("binary", [0, 1])
@pytest.mark.parametrize("spacing", [0, 1])
def test_uff_says_its_rate_and_unit(tmp_path: Path, values: np.ndarray, binary: int, spacing: int) -> None:
    if binary and not spacing:
        pytest.skip("pyuff cannot write it")
    found = only(uff(tmp_path / "a.uff", values, binary=binary, abscissa_spacing=spacing))
    same(found, values, atol=1e-10)
    assert (found.rate, found.unit) == (RATE, "g")
    assert "with the channels 12+X, 12+Y, 12+Z" in found.notes


def test_uff_with_several_runs_and_spectra(tmp_path: Path, values: np.ndarray) -> None:
    path = uff(tmp_path / "a.unv", values[:, :2], repeats=2)
    assert array_names(path) == ["", "run 2"]
    with pytest.raises(DataError, match="a function of type 4, no time response"):
        only(uff(tmp_path / "b.unv", values[:, :1], func_type=4))
    assert only(uff(tmp_path / "c.unv", values[:, :1], ordinate_axis_units_lab="m/s^2")).unit == "m/s2"


# Malformed files

EXAMPLES: dict[str, Callable[[Path, np.ndarray], Any]] = {
    ".npz": lambda path, values: np.savez(path, fan_normal=values),
    ".npy": lambda path, values: np.save(path, values),
    ".mat": lambda path, values: mat5_packed(path, acc=values, Fs=RATE),
    ".tdms": tdms,
    ".uff": uff,
    ".unv": lambda path, values: uff(path, values, binary=1),
}


def _h5(path: Path, values: np.ndarray) -> None:
    h5py = pytest.importorskip("h5py")

    with h5py.File(path, "w") as file:
        file.create_dataset("acc", data=values, chunks=(min(500, len(values)), 3), compression="gzip")


def _parquet(path: Path, values: np.ndarray) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    pq.write_table(pa.table({"x": values[:, 0], "y": values[:, 1]}), path)


EXAMPLES |= {".h5": _h5, ".parquet": _parquet, ".73.mat": lambda path, values: mat73(path, acc=values)}


def read_whole(path: Path) -> None:
    for name in array_names(path):
        for i in range(count_recordings(path, name)):
            reader = open_reader(Source(path, name, i))
            assert len(reader.read_all()) == reader.samples


@pytest.mark.parametrize("suffix", sorted(EXAMPLES))
def test_a_file_cut_short_is_refused(tmp_path: Path, values: np.ndarray, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    EXAMPLES[suffix](path, values)
    read_whole(path)
    whole = path.read_bytes()
    for percent in (0, 1, 30, 60, 90, 98):
        short = tmp_path / f"{percent}{suffix}"
        short.write_bytes(whole[: percent * len(whole) // 100])
        if suffix == ".tdms" and percent > 50:
            # A logger that was switched off leaves such files: what is there is good.
            found = only(short)
            assert "cut short: it ends before its header says" in found.notes
            np.testing.assert_array_equal(found.read_all(), values[: found.samples])
            continue
        with pytest.raises(DataError):
            read_whole(short)


@pytest.mark.parametrize("suffix", sorted(EXAMPLES))
def test_a_damaged_file_is_no_crash(tmp_path: Path, values: np.ndarray, suffix: str, rng: np.random.Generator) -> None:
    path = tmp_path / f"a{suffix}"
    EXAMPLES[suffix](path, values[:100])
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    refused = 0
    for number in range(60):
        damaged = whole.copy()
        # Half of the damage where headers are.
        end = len(whole) if number % 2 else min(len(whole), 600)
        damaged[rng.integers(0, end, 8)] = rng.integers(0, 256, 8)
        bad = tmp_path / f"{number}{suffix}"
        bad.write_bytes(damaged.tobytes())
        try:
            read_whole(bad)
        except DataError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("suffix", sorted(suffixes() - {".csv"}))
def test_text_under_another_name_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("not at all\n" * 50)
    if reason := unavailable(path):
        pytest.skip(reason)
    with pytest.raises(DataError):
        read_whole(path) if format_of(path).arrays else open_reader(Source(path)).read_all()


@pytest.mark.parametrize(
    ("suffix", "needs", "extra"),
    [
        (".tdms", "nptdms", "tdms"),
        (".uff", "pyuff", "uff"),
        (".h5", "h5py", "hdf5"),
        (".parquet", "pyarrow", "parquet"),
        (".m4a", "av", "audio"),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, needs: str, extra: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == needs else find(name, *rest))
    (tmp_path / "normal").mkdir()
    (tmp_path / f"normal/a{suffix}").write_bytes(b"x")
    other = "b.wav" if suffix == ".m4a" else "b.npy"
    (tmp_path / "normal" / other).write_bytes(b"")
    reason = f'{suffix} needs the package {needs}: pip install "tocsin[{extra}]"'
    with pytest.raises(DataError) as error:
        open_reader(Source(tmp_path / f"normal/a{suffix}"))
    assert str(error.value) == reason
    left = open_dataset(tmp_path, ReadOptions(rate=100)).left_out
    assert [(item.names, item.reason) for item in left] == [((f"normal/a{suffix}",), reason)]


def test_every_extra_is_declared() -> None:
    import tomllib

    from tocsin.data.readers import FORMATS

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for form in FORMATS:
        assert not form.extra or form.needs.lower() in " ".join(extras[form.extra]).lower()
        assert not form.extra or form.extra in extras["formats"][0]


def test_members_of_an_archive_that_are_no_arrays_are_ignored(tmp_path: Path, values: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", acc=values)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("readme.txt", "what this is")
    same(only(tmp_path / "a.npz"), values)


# Commands


def shaking(seed: int, *, faulty: bool = False) -> np.ndarray:
    """Four seconds of two axes at 500 Hz, m/s²."""
    rng = np.random.default_rng(seed)
    t = np.arange(2000) / 500
    hum = np.stack([np.sin(2 * np.pi * 25 * t + rng.uniform(0, 6)), np.cos(2 * np.pi * 25 * t)], axis=1)
    fault = 3 * np.sin(2 * np.pi * 110 * t)[:, None] if faulty else 0
    return hum + fault + 0.3 * rng.normal(size=(2000, 2))


@pytest.mark.parametrize("suffix", [".mat", ".h5", ".parquet", ".tdms", ".npz"])
def test_a_format_from_recording_to_alarm(tmp_path: Path, suffix: str) -> None:
    import json

    from click.testing import CliRunner

    from tocsin.cli import cli

    def save(path: Path, values: np.ndarray) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".mat":
            return mat5(path, acc=values, Fs=500.0, units="m/s^2")
        if suffix == ".h5":
            with pytest.importorskip("h5py").File(path, "w") as file:
                file["acc"] = values
                file["acc"].attrs.update({"sampling_rate": 500, "units": "m/s^2"})
        elif suffix == ".parquet":
            pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
            time = {"t": np.arange(len(values)) / 500}
            pq.write_table(pa.table({**time, "x (m/s^2)": values[:, 0], "y (m/s^2)": values[:, 1]}), path)
        elif suffix == ".tdms":
            tdms(path, values, wf_increment=0.002, unit_string="m/s^2")
        else:
            np.savez_compressed(path, acc=values, fs=[[500]], unit="m/s^2")
        return path

    for i in range(20):
        save(tmp_path / f"set/fan/healthy/{i:02d}{suffix}", shaking(i))
    for i in range(3):
        save(tmp_path / f"set/fan/broken/{i:02d}{suffix}", shaking(100 + i, faulty=True))
    bundle = tmp_path / "fan.tocsin"
    run = CliRunner().invoke
    info = json.loads(run(cli, ["data", "info", str(tmp_path / "set"), "--json"]).stdout)
    assert (info["kind"], info["rates"], info["channels"], info["left_out"]) == (
        "vibration",
        {"500": 23},
        {"2": 23},
        [],
    )
    trained = run(cli, ["train", "--data", str(tmp_path / "set"), "-o", str(bundle), "--model", "gmm"])
    assert trained.exit_code == 0, trained.output
    healthy = save(tmp_path / f"later{suffix}", shaking(50))
    faulty = save(tmp_path / f"worse{suffix}", shaking(51, faulty=True))
    assert run(cli, ["run", str(bundle), str(healthy)]).exit_code == 0
    told = run(cli, ["run", str(bundle), str(faulty)])
    assert told.exit_code == 1, told.output
    assert "ALARM begins" in told.output
