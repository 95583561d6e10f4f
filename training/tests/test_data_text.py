# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Text tables: what of them is a sample, a time or a unit, in every way that people write them."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tocsin.data.readers import Stretch
from tocsin.data.text import TableReader, TextOptions, open_table
from tocsin.data.text.cells import nanoseconds
from tocsin.data.text.timebase import Times, analyse, is_even
from tocsin.data.text.units import split_name
from tocsin.errors import DataError

RNG = np.random.default_rng(5)
NOISE = np.round(RNG.normal(scale=0.2, size=(400, 3)), 4)


def write(folder: Path, text: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def table(
    time: Callable[[int], str] | None, *, header: str = "", sep: str = ",", rows: range | list[int] | None = None
) -> str:
    """A table of NOISE with times."""
    lines = [header] if header else []
    for i in range(400) if rows is None else rows:
        lines.append(sep.join([*([time(i)] if time else []), *(f"{value:.4f}" for value in NOISE[i])]))
    return "\n".join(lines) + "\n"


def read(path: Path, **options: object) -> TableReader:
    return open_table(path, TextOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "time", "unit", "rate"),
    [
        ("seconds_elapsed", lambda i: f"{60 + i / 500:.3f}", "s", 500),
        ("t_s", lambda i: f"{i / 1000:.3f}", "s", 1000),
        ("ts", lambda i: f"{1.7e9 + i / 100:.3f}", "s", 100),
        ("millis", lambda i: f"{81000 + 2 * i}", "ms", 500),
        ("Zeit (s)", lambda i: f"{i / 200:.3f}", "s", 200),
        ("Time [µs]", lambda i: f"{625 * i}", "us", 1600),
        ("timestampMs", lambda i: f"{5 * i}", "ms", 200),
        ("timestamp_ns", lambda i: f"{1700000000000000000 + 1000000 * i}", "ns", 1000),
        ("timestamp", lambda i: f"{1700000000000 + 5 * i}", "ms", 200),
        ("whatever", lambda i: f"{i / 1000:.3f}", "s", 1000),
        ("x_value", lambda i: f"{i / 400:.4f}", "s", 400),
        ("", lambda i: f"{60 + i / 1000:.3f}", "s", 1000),
        ("", lambda i: f"{i / 400:.3f}", "s", 400),  # milliseconds only: steps of 2 and 3
        ("", lambda i: f"{i / 1600:.3f}", "s", 1600),  # milliseconds only: steps of 0 and 1
        ("", lambda i: f"{i / 1000 + 0.0001 * np.sin(7.0 * i * i):.6f}", "s", None),
        ("when", lambda i: f"2026-03-01T23:59:{i // 100 + 57:02}.{i % 100:02}0Z", "text", 100),
        ("when", lambda i: f"2026-03-01 10:00:{i // 100:02}.{i % 100:02}0000+01:00", "text", 100),
        ("time", lambda i: f"11:59:{i // 100 + 56:02}.{i % 100:02}", "text", 100),
        ("time", lambda i: f"1/2/2026 1:00:{i // 100:02}.{i % 100:02} PM", "text", 100),
        ("time", lambda i: f"02.01.2026 13:00:{i // 100:02}.{i % 100:02}", "text", 100),
        ("time", lambda i: f"02-Jan-2026 13:00:{i // 100:02}.{i % 100:02}", "text", 100),
        ("time", lambda i: f"00:{i // 100:02}.{i % 100:02}", "text", 100),
        ("time", lambda i: f"20260102T0304{i // 100:02}.{i % 100:02}0", "text", 100),
    ],
)
def test_times_in_every_form(
    tmp_path: Path, name: str, time: Callable[[int], str], unit: str, rate: int | None
) -> None:
    header = f"{name},x,y,z" if name else ""
    found = read(write(tmp_path, table(time, header=header)))
    assert found.understood.time_unit == unit
    np.testing.assert_array_equal(found.read_all(), NOISE)
    assert found.stretches == (Stretch(0, 400),)
    assert found.rate == pytest.approx(1000 if rate is None else rate, rel=1e-3 if rate is None else 1e-6)


def test_clocks_pass_midnight_and_counters_their_end(tmp_path: Path) -> None:
    start = datetime(2026, 1, 1, 23, 59, 58)
    text = table(lambda i: f"{start + timedelta(milliseconds=10 * i):%H:%M:%S.%f}", header="t,x,y,z")
    found = read(write(tmp_path, text))
    assert (found.rate, found.stretches) == (100, (Stretch(0, 400),))
    text = table(lambda i: str((2**32 - 100_000 + 1000 * i) % 2**32), header="micros,x,y,z")
    found = read(write(tmp_path, text))
    assert (found.rate, found.stretches, found.notes) == (1000, (Stretch(0, 400),), ())


def test_days_before_months_are_known_by_the_days_that_follow(tmp_path: Path) -> None:
    start = datetime(2026, 2, 3, 23, 59, 58)
    text = table(lambda i: f"{start + timedelta(milliseconds=10 * i):%d/%m/%Y %H:%M:%S.%f}", header="t,x,y,z")
    found = read(write(tmp_path, text))
    assert (found.rate, found.stretches) == (100, (Stretch(0, 400),))


def test_date_and_time_of_day_in_two_columns(tmp_path: Path) -> None:
    start = datetime(2026, 1, 31, 23, 59, 58)
    text = table(
        lambda i: f"{start + timedelta(milliseconds=10 * i):%d.%m.%Y;%H:%M:%S.%f}", sep=";", header="D;T;x;y;z"
    )
    found = read(write(tmp_path, text))
    assert found.understood.time_columns == ("D", "T")
    assert (found.rate, found.stretches) == (100, (Stretch(0, 400),))


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("x,y,z", lambda i: f"{i / 400 + 0.01 * NOISE[i, 0]:.4f}"),  # a ramp with noise, steps up and down
        ("x,y,z", lambda i: f"{np.sin(i / 300):.6f}"),  # rises at first
        ("", lambda i: f"{np.sin(i / 60):.6f}"),
        ("ax [g],ay [g],az [g]", lambda i: f"{i / 400:.4f}"),  # even, but its unit says what it is
    ],
)
def test_a_signal_that_ramps_is_no_time(tmp_path: Path, header: str, column: Callable[[int], str]) -> None:
    lines = [f"{column(i)},{NOISE[i, 1]},{NOISE[i, 2]}" for i in range(400)]
    found = read(write(tmp_path, "\n".join([*([header] if header else []), *lines])))
    assert found.channels == 3
    assert found.understood.time_columns == ()
    assert found.rate is None


def test_a_column_that_is_even_at_first_only_is_no_time(tmp_path: Path) -> None:
    lines = [f"{min(i, 1500) / 1000:.3f},{NOISE[i % 400, 1]}" for i in range(3000)]
    found = read(write(tmp_path, "\n".join(lines)))
    assert (found.channels, found.rate) == (2, None)


def test_an_index_counts_rows_and_gives_no_rate(tmp_path: Path) -> None:
    rows = [i for i in range(400) if i not in (10, 11, 12)]
    for header in ("index,x,y,z", "sample,x,y,z", "time,x,y,z", ""):
        found = read(write(tmp_path, table(str, header=header, rows=rows)))
        assert (found.rate, found.understood.time_unit, found.channels) == (None, "rows", 3)
        assert found.stretches == (Stretch(0, 10), Stretch(13, 387))


def test_a_time_of_unknown_unit_gives_no_rate_but_gaps(tmp_path: Path) -> None:
    path = write(tmp_path, table(lambda i: str(10 * i), header="t,x,y,z", rows=[*range(50), *range(60, 400)]))
    found = read(path)
    assert (found.rate, found.understood.time_unit) == (None, None)
    assert found.stretches == (Stretch(0, 50), Stretch(60, 340))
    assert read(path, time_unit="ms").rate == 100
    with pytest.raises(DataError, match="4 columns"):
        read(path, time_column="none", columns=("t", "x", "y", "z"))


def test_missing_rows_are_gaps(tmp_path: Path) -> None:
    rows = [i for i in range(400) if not 100 <= i < 107 and i != 300]
    found = read(write(tmp_path, table(lambda i: f"{i / 1000:.3f}", header="t,x,y,z", rows=rows)))
    assert found.rate == 1000
    assert found.stretches == (Stretch(0, 100), Stretch(107, 193), Stretch(301, 99))
    assert found.timing is not None
    assert found.timing.missing == 8
    assert found.notes == ("with missing rows, by its times: no window spans a gap",)
    np.testing.assert_array_equal(found.read(107, 193), NOISE[107:300])


def test_repeated_rows_and_steps_back_part_the_recording(tmp_path: Path) -> None:
    rows = sorted([*range(400), 50])
    found = read(write(tmp_path, table(lambda i: f"{i / 1000:.3f}", header="t,x,y,z", rows=rows)))
    assert found.timing is not None
    assert (found.rate, found.timing.repeated) == (1000, 1)
    assert found.stretches == (Stretch(0, 51), Stretch(52, 350))
    assert found.notes == ("with rows at the time of the row before",)
    found = read(write(tmp_path, table(lambda i: f"{i % 200 / 1000:.3f}", header="t,x,y,z")))
    assert found.timing is not None
    assert (found.rate, found.timing.backward) == (1000, 1)
    assert found.stretches == (Stretch(0, 200), Stretch(201, 200))
    assert found.notes == ("with rows that go back in time",)


def test_jitter_is_told_and_late_rows_are_no_gaps(tmp_path: Path) -> None:
    def late(i: int) -> str:
        return f"{i / 100 + (0.008 if i % 40 == 20 else 0) + 0.001 * NOISE[i, 0]:.6f}"

    found = read(write(tmp_path, table(late, header="t,x,y,z")))
    assert found.stretches == (Stretch(0, 400),)
    assert any("jitter" in note for note in found.notes)
    assert found.rate == pytest.approx(100, rel=1e-3)
    even = read(write(tmp_path, table(lambda i: f"{i / 100:.6f}", header="t,x,y,z")))
    assert even.notes == ()


def test_a_clock_of_whole_seconds_gives_the_mean_rate(tmp_path: Path) -> None:
    found = read(write(tmp_path, table(lambda i: f"12:00:{i // 50:02}", header="Time,x,y,z")))
    assert found.rate == 50
    assert "the rate is a mean" in found.notes[0]
    fine = table(lambda i: f"12:00:{i // 50:02},{i / 50:.2f}", header="Time,elapsed (s),x,y,z")
    found = read(write(tmp_path, fine))
    assert (found.rate, found.notes, found.channels) == (50, (), 3)


def test_rows_without_a_number_are_gaps(tmp_path: Path) -> None:
    lines = table(lambda i: f"{i / 1000:.3f}", header="t,x,y,z").splitlines()
    lines[51] = "0.050,,1,2"
    lines[52] = "0.051,NaN,1,2"
    found = read(write(tmp_path, "\n".join(lines)))
    assert found.stretches == (Stretch(0, 50), Stretch(52, 348))
    assert found.notes == ("with rows that lack a number: no window spans one",)
    np.testing.assert_array_equal(found.read_all(), np.delete(NOISE, [50, 51], axis=0))


def test_times_that_are_no_good_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, table(lambda i: f"12:00:{RNG.integers(60):02}.{RNG.integers(1000):03}", header="T,x,y,z"))
    with pytest.raises(DataError, match=r"goes back in \d+ of 400 rows.*--time-column none"):
        read(path)
    assert read(path, time_column="none").rate is None
    still = read(write(tmp_path, table(lambda i: "7", header="t,x,y,z")))
    assert (still.channels, still.rate) == (3, None)
    assert ("t", "is called a time, but does not rise like one") in still.understood.left_out


# ---- How tables are written


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0,04\n-0,05\n0,06\n", [[0.04], [-0.05], [0.06]]),
        ("x\n9,81\n9,79\n", [[9.81], [9.79]]),
        ("a;b\n0,04;1,5\n0,05;-1,5\n", [[0.04, 1.5], [0.05, -1.5]]),
        ("sep=;\n0,04;1,5\n0,05;-1,5\n", [[0.04, 1.5], [0.05, -1.5]]),
        ("sep=|\nx|y\n1|2\n3|5\n", [[1, 2], [3, 5]]),
        ('"x","y"\n"0.5","1.0"\n"0.25","2.0"\n', [[0.5, 1], [0.25, 2]]),
        ('"x","y"\n"0,5","1,0"\n"0,25","2,0"\n', [[0.5, 1], [0.25, 2]]),
        ('x,y\n"1,000.5",1\n"2,000.25",2\n', [[1000.5, 1], [2000.25, 2]]),
        ("x;y\n1.000,5;1\n2.000.000,25;2\n", [[1000.5, 1], [2000000.25, 2]]),
        ("x;y\n1 000,5;1\n2 000,25;2\n", [[1000.5, 1], [2000.25, 2]]),
        ("x;y\n1'000.5;1\n2'000.25;2\n", [[1000.5, 1], [2000.25, 2]]),
        ("x\ty\n0,5\t1\n0,25\t2\n", [[0.5, 1], [0.25, 2]]),
        ("  0.5   1\n -0.25  2\n", [[0.5, 1], [-0.25, 2]]),
        ("0,5 1\n-0,25 2\n", [[0.5, 1], [-0.25, 2]]),
        ("x,y,\n0.5,1,\n0.25,2,\n", [[0.5, 1], [0.25, 2]]),
        ("x,y\n0.5,1,\n0.25,2,\n", [[0.5, 1], [0.25, 2]]),
        ("# x,y\n0.5,1\n# pause\n\n0.25,2\n", [[0.5, 1], [0.25, 2]]),
        ("% MATLAB\n0.5,1\n0.25,2\n", [[0.5, 1], [0.25, 2]]),
        ("1e-3,+1E2\n-.5,2.\n", [[0.001, 100], [-0.5, 2]]),
        ('"x" "y"\n"1" 0.5 1\n"2" 0.25 2\n', [[0.5, 1], [0.25, 2]]),  # R's write.table
        ("ACME logger\nSerial: 12,5\nChannels,2\n\nx,y\n0.5,1\n0.25,2\n0.5,3\n", [[0.5, 1], [0.25, 2], [0.5, 3]]),
        ("x,y,state\n0.5,1,ok\n0.25,2,ok\n", [[0.5, 1], [0.25, 2]]),
        ("0.5;1\r\n0.25;2\r\n", [[0.5, 1], [0.25, 2]]),
        ("0.5;1\r0.25;2\r", [[0.5, 1], [0.25, 2]]),
    ],
)
def test_dialects(tmp_path: Path, text: str, values: list[list[float]]) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        found = read(write(tmp_path, text.encode(encoding)))
        np.testing.assert_array_equal(found.read_all(), values)
    found = read(write(tmp_path, text.encode("utf-16-le")))  # without a byte order mark
    np.testing.assert_array_equal(found.read_all(), values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9,81\n9,79\n9,85\n", "--delimiter ',' for columns, or --decimal ','"),
        ("0,04,0,05\n0,06,0,07\n", "--decimal ','"),
        ('x,y\n"1,000","1"\n"2,000","2"\n', "decimals or thousands.*--decimal"),
        ("x,y,z\n0,04,0,05,0,06\n0,04,0,05,0,07\n", "--decimal ','"),
        ("1,2,3,4\n2,3,1,4\n", "4 columns of samples.*--columns"),
        ("t (s),v (mm/s)\n0.001,5\n0.002,7\n", "mm/s, a velocity, which is not an acceleration"),
        ("x (V),y (V)\n1.5,5\n2.5,7\n", "no column of samples.*is in V"),
        ("x,y\n1,oops\n", "not a table of numbers.*oops"),
        ("x,y\n1,2\n1,2\n3,x7\n5,6\n5,6\n5,6\n", "not a table of numbers|line 4"),
        ("hello\nworld\n", "not a table of numbers"),
        ("x\nnan\n", "not finite"),
        ("", "no samples"),
        ("\n \n", "no samples"),
        (b"\x00\x01\x02\x03" * 50, "not text"),
    ],
)
def test_what_is_no_table_or_may_be_two(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"(?s){message}"):
        read(write(tmp_path, text))


def test_ambiguities_end_as_the_message_says(tmp_path: Path) -> None:
    path = write(tmp_path, "9,81\n9,79\n9,85\n")
    assert read(path, delimiter=",").channels == 2
    np.testing.assert_array_equal(read(path, decimal=",").read_all(), [[9.81], [9.79], [9.85]])
    path = write(tmp_path, 'x,y\n"1,000","1"\n"2,000","2"\n')
    np.testing.assert_array_equal(read(path, decimal=",").read_all(), [[1, 1], [2, 2]])
    np.testing.assert_array_equal(read(path, decimal=".").read_all(), [[1000, 1], [2000, 2]])


def test_a_bad_line_far_below_is_named(tmp_path: Path) -> None:
    lines = [f"{a},{b}" for a, b in NOISE[:, :2].tolist()] * 100
    for bad in ("1,oops", "1,2,3", "1.0"):
        lines[20_000] = bad
        with pytest.raises(DataError, match="line 20001"):
            read(write(tmp_path, "\n".join(lines) + "\n"))


def test_columns_by_name_with_and_without_unit_and_by_number(tmp_path: Path) -> None:
    path = write(tmp_path, "t (s),ax [g],ay [g],temp\n0.001,1,2,20\n0.002,3,5,20\n")
    for wanted in (("ay [g]", "ax"), ("AY", "1")):
        found = read(path, columns=wanted)
        np.testing.assert_array_equal(found.read_all(), [[2, 1], [5, 3]])
    with pytest.raises(DataError, match=r"no column w \(only t \(s\), ax \[g\], ay \[g\], temp\)"):
        read(path, columns=("w",))


@pytest.mark.parametrize(
    ("header", "unit", "factor"),
    [
        ("ax (m/s^2),ay (m/s^2)", "m/s2", 1),
        ("x [g],y [g]", "g", 1),
        ("X/mg,Y/mg", "mg", 1),
        ("a_x m/s²,a_y m/s²", "m/s2", 1),
        ("accel_x_ms2,accel_y_ms2", "m/s2", 1),
        ("x_g,y_g", "g", 1),
        ("µg,µg", "ug", 1),
        ("x (mm/s²),y (mm/s²)", "m/s2", 1e-3),
        ("x,y\ng,g", "g", 1),
        ("x,y\n(m/s²),(m/s²)", "m/s2", 1),
        ("Unit: mg\nx,y", "mg", 1),
        ("x,y", None, 1),
    ],
)
def test_units_of_headers(tmp_path: Path, header: str, unit: str | None, factor: float) -> None:
    for encoding in ("utf-8", "cp1252"):
        found = read(write(tmp_path, f"{header}\n0.5,1\n-0.25,2\n".encode(encoding)))
        assert found.unit == unit
        np.testing.assert_allclose(found.read_all(), np.array([[0.5, 1], [-0.25, 2]]) * factor)


def test_columns_of_different_units_become_one(tmp_path: Path) -> None:
    found = read(write(tmp_path, "x [g],y [mg]\n0.5,1000\n-0.25,2000\n"))
    assert found.unit == "g"
    np.testing.assert_allclose(found.read_all(), [[0.5, 1], [-0.25, 2]])


def test_other_quantities_are_left_out_and_named(tmp_path: Path) -> None:
    text = "t (s),ax [g],ay [g],az [g],gx [°/s],temp,rpm\n" + "\n".join(
        f"{i / 1000:.3f},{NOISE[i, 0]},{NOISE[i, 1]},{NOISE[i, 2]},3,{NOISE[i, 0]},{NOISE[i, 1]}" for i in range(50)
    )
    found = read(write(tmp_path, text))
    assert found.understood.columns == ("ax [g]", "ay [g]", "az [g]")
    assert [name for name, _ in found.understood.left_out] == ["gx [°/s]", "temp", "rpm"]


@pytest.mark.parametrize(
    ("line", "rate"),
    [
        ("Sample rate,1600", 1600),
        ("Sampling frequency (kHz): 25.6", 25600),
        ("Fs = 12.8 kHz", 12800),
        ("Abtastrate;1000 Hz", 1000),
        ("Sampling interval: 0.5 ms", 2000),
        ("Serial: 1600", None),
        ("Started 2026-01-02", None),
    ],
)
def test_rates_above_the_table(tmp_path: Path, line: str, rate: float | None) -> None:
    found = read(write(tmp_path, f"{line}\nx,y\n0.5,1\n-0.25,2\n0.5,3\n"))
    assert found.rate == (None if rate is None else pytest.approx(rate))


def test_times_and_the_line_above_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    found = read(write(tmp_path, "Sample rate,1600\n" + table(lambda i: f"{i / 1000:.3f}", header="t,x,y,z")))
    assert found.rate == 1000
    assert found.notes == ("with 1000 Hz by its times, but 1600 Hz by the lines above the table",)


def test_names() -> None:
    assert split_name("Acceleration X (front)") == ("Acceleration X (front)", None)
    assert split_name("speed_mm_s") == ("speed", ("velocity", "mm/s"))
    assert split_name("timeMs") == ("time", ("time", "ms"))
    assert nanoseconds("1970-01-02T00:00:00.5Z") == 86_400_500_000_000
    assert nanoseconds("31/12/1999 1:02:03 pm") == nanoseconds("1999-12-31 13:02:03")
    assert nanoseconds("2026-13-45") is None


# ---- Properties


DELIMITERS = (",", ";", "\t", "|", " ")


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, object]:
    delimiter = draw(st.sampled_from(DELIMITERS))
    decimal = draw(st.sampled_from([".", ","]))
    assume(delimiter != decimal)
    return {
        "delimiter": delimiter,
        "decimal": decimal,
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])),
        "newline": draw(st.sampled_from(["\n", "\r\n"])),
        "header": draw(st.booleans()),
        "units": draw(st.sampled_from(["", "g", "mg", "m/s²"])),
        "units_row": draw(st.booleans()),
        "time": draw(st.sampled_from(["", "s", "ms", "iso", "german"])),
        "trailing": delimiter != " " and draw(st.booleans()),
        "quoted": draw(st.booleans()),
        "preamble": draw(st.booleans()),
        "comment": draw(st.booleans()),
    }


def _time(kind: str, i: int, rate: int, form: dict[str, object]) -> str:
    moment = datetime(2026, 5, 6, 7, 8, 9) + timedelta(microseconds=round(i * 1e6 / rate))
    if kind == "iso":
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
    if kind == "german":
        return moment.strftime("%d.%m.%Y_%H:%M:%S.%f").replace("_", "T" if form["delimiter"] == " " else " ")
    text = f"{i / rate:.6f}" if kind == "s" else f"{1000 * i / rate:.3f}"
    return text.replace(".", str(form["decimal"]))


def _written(values: np.ndarray, rate: int, form: dict[str, object]) -> bytes:
    delimiter, decimal, kind = str(form["delimiter"]), str(form["decimal"]), str(form["time"])
    out = io.StringIO()
    if form["preamble"]:
        out.write(f"ACME data logger 3000\nSerial: 77-1\nOperator{delimiter if delimiter != ' ' else ':'} Ann\n\n")
    names = [f"a{axis}" for axis in "xyz"[: values.shape[1]]]
    time_name = {"": [], "s": ["t"], "ms": ["t"], "iso": ["when"], "german": ["Zeit"]}[kind]
    time_unit = {"s": "s", "ms": "ms"}.get(kind, "")
    below = bool(form["header"] and form["units"] and form["units_row"] and (kind in ("", "s", "ms")))
    bracket = "[]" if delimiter != " " else "()"
    if form["header"]:
        unit = str(form["units"])
        titles = [
            *(f"{name}{bracket[0]}{time_unit}{bracket[1]}" if time_unit and not below else name for name in time_name),
            *(f"{name}{bracket[0]}{unit}{bracket[1]}" if unit and not below else name for name in names),
        ]
        out.write(delimiter.join(titles) + "\n")
        if below:
            out.write(delimiter.join([*([time_unit] if time_unit else []), *[unit] * len(names)]) + "\n")
    for i, row in enumerate(values):
        cells = [_time(kind, i, rate, form)] if kind else []
        cells += [f"{value:.5f}".replace(".", decimal) for value in row]
        if form["quoted"]:
            cells = [f'"{cell}"' for cell in cells]
        out.write(delimiter.join(cells) + (delimiter if form["trailing"] else "") + "\n")
        if form["comment"] and i == 5:
            out.write("# someone passed by\n")
    return out.getvalue().replace("\n", str(form["newline"])).encode(str(form["encoding"]))


def _told_how(path: Path) -> TextOptions:
    """Options that the message asks for where a table may be read in two ways."""
    try:
        open_table(path)
    except DataError as error:
        return TextOptions(decimal="," if "may be 2 columns" in str(error) else None)
    return TextOptions()


@settings(max_examples=150, deadline=None)
@given(
    form=dialects(),
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(20, 60),
    channels=st.integers(1, 3),
    scale=st.sampled_from([0.01, 1.0, 30.0, 2000.0]),
    rate=st.sampled_from([50, 200, 1000, 1600]),
)
def test_what_is_written_in_any_dialect_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    form: dict[str, object],
    seed: int,
    rows: int,
    channels: int,
    scale: float,
    rate: int,
) -> None:
    values = np.round(np.random.default_rng(seed).normal(scale=scale, size=(rows, channels)), 5)
    path = tmp_path_factory.mktemp("text") / "a.txt"
    path.write_bytes(_written(values, rate, form))
    options = TextOptions()
    if channels == 1 and not form["header"] and not form["time"] and form["decimal"] == "," and not form["quoted"]:
        # Two columns, for all that the file says, unless a zero leads the decimals.
        options = _told_how(path)
    found = open_table(path, options)
    np.testing.assert_array_equal(found.read_all(), values)
    assert found.stretches == (Stretch(0, rows),)
    unit = {"": None, "m/s²": "m/s2"}.get(str(form["units"]), form["units"]) if form["header"] else None
    if not (form["header"] and form["units_row"] and form["time"] in ("iso", "german")):
        assert found.unit == unit
    named = form["header"] or form["time"] != "ms"
    if form["time"] and named:
        assert found.rate == pytest.approx(rate, rel=0.01)
    if not form["time"]:
        assert found.rate is None


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400))
def test_no_bytes_crash_it(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.dat"
    path.write_bytes(data)
    with suppress(DataError):
        open_table(path)


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="0123456789.,;:-+eE \t\n\"'#/Txg()[]", max_size=300))
def test_no_text_crashes_it(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.dat"
    path.write_text(text)
    try:
        found = open_table(path)
    except DataError:
        return
    assert sum(stretch.count for stretch in found.stretches) == len(found.read_all())


@settings(max_examples=100, deadline=None)
@given(
    gaps=st.dictionaries(st.integers(20, 980), st.integers(1, 500), max_size=6),
    rate=st.floats(10, 50_000),
    jitter=st.floats(0, 0.15),
    seed=st.integers(0, 1000),
)
def test_gaps_are_found_whatever_the_jitter(gaps: dict[int, int], rate: float, jitter: float, seed: int) -> None:
    places = sorted(gaps)
    assume(all(b - a >= 12 for a, b in pairwise(places)))
    index = np.arange(1000.0)
    for at in places:
        index[at:] += gaps[at]
    times = Times()
    wobble = np.random.default_rng(seed).uniform(-jitter, jitter, 1000)
    times.add((index + wobble) / rate)
    timing = analyse(times)
    assert [(one.row, one.missing) for one in timing.breaks] == [(at, gaps[at]) for at in places]
    assert 1 / timing.step == pytest.approx(rate, rel=0.01)


def test_evenness() -> None:
    assert is_even(np.arange(8) * 0.001)
    assert not is_even(np.arange(7) * 0.001)
    assert not is_even(np.zeros(100))
    assert not is_even(np.cumsum(np.abs(np.random.default_rng(1).normal(size=500))))  # only rises, but not evenly
    assert not is_even(np.arange(100) * -0.001)


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux alone")
def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    """300,000 rows would take 9.6 MB as float64; as text in lists of cells, over 100 MB."""
    path = tmp_path / "a.csv"
    block = "".join(f"%d.%03d,{a},{b},{c}\n" for a, b, c in NOISE[:250].tolist())
    with path.open("w") as out:
        out.write("t (s),x,y,z\n")
        for i in range(1200):
            out.write(block % tuple(n for row in range(250) for n in divmod(250 * i + row, 1000)))
    code = (
        "import resource, sys; from pathlib import Path; from tocsin.data.text import open_table;"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; before = peak();"
        "found = open_table(Path(sys.argv[1])); print(found.samples, found.rate, peak() - before)"
    )
    said = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout
    samples, rate, grown = said.split()
    assert (samples, float(rate)) == ("300000", 1000)
    assert int(grown) < 30_000  # KiB
