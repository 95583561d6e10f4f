# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Files of NumPy, and the bearing sets in them: numbers, rate, unit, channels."""

from __future__ import annotations

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
    Stretch,
    array_names,
    count_recordings,
    open_reader,
)
from tocsin.errors import DataError


@pytest.fixture
def values(rng: np.random.Generator) -> np.ndarray:
    """Three axes, with more digits than float32 has."""
    return rng.normal(size=(N, 3))


# NumPy


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<i2", ">i4"])
def test_npz_of_every_kind(tmp_path: Path, rng: np.random.Generator, save: Callable, order: str, kind: str) -> None:
    whole = np.asarray(rng.normal(size=(4, 200, 3)) * 1000, kind, order=order)
    save(tmp_path / "a.npz", fan_normal=whole, fs=500)
    assert (array_names(tmp_path / "a.npz"), count_recordings(tmp_path / "a.npz", "fan_normal")) == (["fan_normal"], 4)
    for i in range(4):
        same(open_reader(Source(tmp_path / "a.npz", "fan_normal", i)), whole[i].astype(float))
    flat = open_reader(Source(tmp_path / "a.npz", "fan_normal"))
    np.testing.assert_array_equal(flat.read_all(), whole.reshape(-1, 3))


@pytest.mark.parametrize("name", ["rate", "fs", "Fs", "sr", "SR", "sampling_rate", "Sample Rate", "samplingFrequency"])
@pytest.mark.parametrize("value", [500, 500.0, np.array([500]), np.array([[500.0]]), "500"])
def test_npz_may_say_its_rate(tmp_path: Path, name: str, value: Any) -> None:
    np.savez(tmp_path / "a.npz", fan_normal=np.zeros((2, 200, 3)), **{name: value})
    found = open_dataset(tmp_path / "a.npz", ReadOptions())
    assert (found.rate, len(found.clips), found.left_out) == (500, 2, ())


@pytest.mark.parametrize(("name", "value"), [("dt", 0.002), ("sampling_period", [[0.002]]), ("Ts", 2e-3)])
def test_npz_may_say_its_period(tmp_path: Path, name: str, value: Any) -> None:
    np.savez(tmp_path / "a.npz", fan_normal=np.zeros((2, 200, 3)), **{name: value})
    assert open_dataset(tmp_path / "a.npz", ReadOptions()).rate == 500


@pytest.mark.parametrize("value", [0, -5, np.nan, np.inf, "fast", np.zeros((2, 2))])
def test_a_rate_that_is_none_is_not_taken(tmp_path: Path, value: Any) -> None:
    np.savez(tmp_path / "a.npz", fan_normal=np.zeros((2, 200, 3)), fs=value)
    with pytest.raises(DataError, match="--rate"):
        open_dataset(tmp_path / "a.npz", ReadOptions())


def test_structured_arrays_are_tables(tmp_path: Path, values: np.ndarray) -> None:
    table = np.zeros(N, [("time_ms", "f8"), ("ax", "f8"), ("ay", "f8"), ("temp", "f4"), ("who", "U3")])
    table["time_ms"] = 40 + np.arange(N) * 1000 / RATE
    table["ax"], table["ay"] = values[:, 0], values[:, 1]
    np.savez(tmp_path / "a.npz", run=table)
    np.save(tmp_path / "a.npy", table)
    for path in (tmp_path / "a.npz", tmp_path / "a.npy"):
        found = only(path)
        same(found, values[:, :2])
        assert found.rate == RATE
        assert "with temp left out: it is no acceleration" in found.notes
        assert only(path, ("ay",)).read_all()[0, 0] == values[0, 1]


def test_object_arrays_are_refused_and_named(tmp_path: Path) -> None:
    ragged = np.array([np.zeros(3), np.zeros(4)], object)
    np.savez(tmp_path / "a.npz", fan_normal=np.zeros((2, 200, 3)), pump_normal=ragged, fs=100)
    found = open_dataset(tmp_path / "a.npz", ReadOptions())
    assert {clip.array for clip in found.clips} == {"fan_normal"}
    assert str(found.left_out[0]) == (
        "pump_normal: holds Python objects, and unpickling them can run code: save it as an array of numbers"
    )
    np.save(tmp_path / "b.npy", ragged)
    with pytest.raises(DataError, match="Python objects"):
        array_names(tmp_path / "b.npy")


@pytest.mark.parametrize(
    "bad", [np.zeros((5, 5, 5, 5)), np.zeros((9, 40, 40)), np.zeros(100, complex), np.zeros((0, 3))]
)
def test_arrays_that_are_no_recordings_are_refused(tmp_path: Path, bad: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", fan_normal=bad, other_normal=np.zeros((2, 200, 3)), fs=100)
    found = open_dataset(tmp_path / "a.npz", ReadOptions())
    assert {clip.array for clip in found.clips} == {"other_normal"}
    assert found.left_out[0].names == ("fan_normal",)


def test_many_columns_are_channels_to_choose_from(tmp_path: Path, rng: np.random.Generator) -> None:
    eight = rng.normal(size=(N, 8))
    np.save(tmp_path / "a.npy", eight)
    with pytest.raises(DataError, match=r"has 8 channels .* choose 1 to 3 with --columns"):
        only(tmp_path / "a.npy")
    same(only(tmp_path / "a.npy", ("5", "2")), eight[:, [5, 2]])


def test_a_column_that_rises_evenly_is_time(tmp_path: Path, values: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", np.c_[60 + np.arange(N) / RATE, values])
    found = only(tmp_path / "a.npy")
    same(found, values)
    assert found.rate == RATE


def test_times_tell_what_is_missing(tmp_path: Path, values: np.ndarray) -> None:
    times = np.arange(N) / 100.0
    times[1000:] += 0.5
    np.savez(tmp_path / "a.npz", t=times, x=values[:, 0], y=values[:, 1])
    found = only(tmp_path / "a.npz")
    assert found.rate == 100
    assert found.stretches == (Stretch(0, 1000), Stretch(1050, N - 1000))
    assert "with missing samples, by its times: no window spans a gap" in found.notes
    np.testing.assert_array_equal(found.read(1050, 10), values[1000:1010, :2])


def test_a_number_that_contradicts_the_times_is_told(tmp_path: Path, values: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", t=np.arange(N) / 100.0, acc=values, fs=200)
    found = only(tmp_path / "a.npz")
    assert found.rate == 200
    assert any("with 100 Hz by its times, but 200 Hz by a number" in note for note in found.notes)


# Bearings


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_bearing_sets_have_channels_not_machines(tmp_path: Path, values: np.ndarray, suffix: str) -> None:
    from scipy.io import savemat

    arrays = {
        "X097_DE_time": values[:, :1],
        "X097_FE_time": values[:, 1:2],
        "X097_BA_time": values[:, 2:],
        "X097RPM": np.array([[1796]]),
    }
    for i, folder in enumerate(("normal", "faulty")):
        (tmp_path / "motor" / folder).mkdir(parents=True)
        path = tmp_path / "motor" / folder / f"{97 + i}{suffix}"
        named = {name.replace("097", f"{97 + i:03d}"): array for name, array in arrays.items()}
        savemat(path, named) if suffix == ".mat" else np.savez(path, **named)
        found = only(path)
        same(found, values)
        assert found.notes == ("with the channels DE, FE, BA",)
        same(only(path, ("FE",)), values[:, 1:2])
    clips = open_dataset(tmp_path, ReadOptions(rate=12000)).clips
    assert [(clip.machine, clip.label, clip.array) for clip in clips] == [
        ("motor", "anomaly", "X098"),
        ("motor", "normal", "X097"),
    ]


def test_a_bearing_file_with_two_measurements_has_two_recordings(tmp_path: Path, values: np.ndarray) -> None:
    from scipy.io import savemat

    path = tmp_path / "99.mat"
    savemat(path, {"X098_DE_time": values[:, :1], "X098_FE_time": values[:, 1:2], "X099_DE_time": values[:500, 2:]})
    assert array_names(path) == ["X098", "X099"]
    assert [open_reader(Source(path, name, 0)).channels for name in array_names(path)] == [2, 1]


def test_a_side_of_another_length_is_left_out_and_told(tmp_path: Path, values: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", X1_DE_time=values[:, 0], X1_FE_time=values[:100, 1])
    found = only(tmp_path / "a.npz")
    same(found, values[:, :1])
    assert found.notes[0] == "with X1_FE_time of another shape than X1_DE_time, left out"
