# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and what they write to the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

if TYPE_CHECKING:
    from ..data import Dataset

    Type = click.ParamType[Any]
else:
    Type = click.ParamType  # older versions of click cannot be subscripted

# Options that say how recordings are read; each goes into ReadOptions under its own name.
TEXT = ("columns", "delimiter", "decimal", "time_column", "time_unit")
READING = ("sensor", "channel", "unit", *TEXT, "normal", "anomaly", "ignore", "machines", "clip_seconds")
# Options that say what features are computed; each goes into FrontEnd under its own name.
FRONT_END = (
    *("n_fft", "frame", "hop", "bands", "fmin", "fmax", "spacing", "stats", "pool", "average"),
    *("window_frames", "window_hop"),
)


class Words(Type):
    """Words separated by commas, as a tuple; commas within braces belong to a pattern."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Split."""
        if isinstance(value, tuple):
            return value
        words, depth = [""], 0
        for letter in str(value):
            depth += (letter == "{") - (letter == "}")
            if letter == "," and depth == 0:
                words.append("")
            else:
                words[-1] += letter
        found = tuple(word.strip() for word in words if word.strip())
        if not found:
            self.fail("is empty", param, ctx)
        return found


class Delimiter(Type):
    """What stands between the cells of a text table: the character, or a word for it."""

    name = "text"
    _WORDS: ClassVar = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|", "blanks": " ", "none": ""}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Find the character."""
        found = self._WORDS.get(str(value).lower(), str(value))
        if len(found) > 1:
            self.fail(f"{value!r} is not one of {', '.join(self._WORDS)} or one character", param, ctx)
        return found


class Numbers(Type):
    """Whole numbers above zero, separated by commas, as a tuple."""

    name = "integers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Split and read."""
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(int(word) for word in str(value).split(","))
        except ValueError:
            found = ()
        if not found or min(found) < 1:
            self.fail(f"{value!r} is not a list such as 64,8,64", param, ctx)
        return found


def data_option(command: Command) -> Command:
    """``--data``."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        required=True,
        help="Folder of a data set (MIMII, DCASE or plain layout), or a file of arrays (.npz, .mat, .h5, …).",
    )(command)


def reading_options(command: Command) -> Command:
    """Options that say how recordings are read."""
    options = [
        click.option("--sensor", type=click.Choice(["audio", "vibration"]), help="What sound files hold."),
        click.option("--channel", type=click.IntRange(0), help="Channel of sound files, from 0; else the mean of all."),
        click.option("--unit", type=click.Choice(["g", "mg", "ug", "m/s2"]), help="Unit of vibration's numbers."),
        click.option("--normal", type=Words(), help="Names of healthy arrays, such as 'fan_*_0_weight'."),
        click.option("--anomaly", type=Words(), help="Names of faulty arrays."),
        click.option("--ignore", type=Words(), help="Names of arrays to leave out."),
        click.option("--machine", "machines", type=Words(), help="Only these machines, such as 'fan,pump*'."),
        click.option(
            "--clip-seconds",
            type=click.FloatRange(0.1),
            help="Cut recordings into clips so long; else those of over a minute, into clips of 10 s.",
        ),
        click.option("--strict", is_flag=True, help="Stop at the first recording that cannot be used."),
    ]
    for option in reversed(options):
        command = option(command)
    return text_options(command)


def text_options(command: Command) -> Command:
    """Options that say how text tables are read, where that is not found out."""
    options = [
        click.option("--columns", type=Words(), help="Columns of text tables: names, or numbers from 0."),
        click.option("--time-column", help="Column of times in text tables, or none; else the one that rises evenly."),
        click.option("--time-unit", type=click.Choice(["s", "ms", "us", "ns"]), help="Unit of that column."),
        click.option("--delimiter", type=Delimiter(), help="Of text tables: comma, semicolon, tab, blanks, bar, none."),
        click.option("--decimal", type=click.Choice([".", ","]), help="Decimal separator of text tables."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def outliers_option(command: Command) -> Command:
    """``--keep-outliers``."""
    return click.option("--keep-outliers", is_flag=True, help="Learn from recordings that are like no other, too.")(
        command
    )


def force_option(command: Command) -> Command:
    """``--force``."""
    return click.option("--force", is_flag=True, help="Keep a detector that can raise no alarm.")(command)


def front_end_options(command: Command) -> Command:
    """Options that say what features are computed."""
    options = [
        click.option("--n-fft", type=click.IntRange(1), help="Length of the FFT; sound has frames as long."),
        click.option("--frame", type=click.IntRange(1), help="Samples of a frame of vibration."),
        click.option("--hop", type=click.IntRange(1), help="Samples between frames."),
        click.option(
            "--mels", "--bands", "bands", type=click.IntRange(0, 128), help="Mel or power bands; vibration may have 0."
        ),
        click.option("--fmin", type=click.FloatRange(0), help="Lowest frequency, Hz."),
        click.option("--fmax", type=click.FloatRange(0, min_open=True), help="Highest frequency, Hz."),
        click.option(
            "--spacing", type=click.Choice(["log", "linear", "mel"]), help="Of the bands; sound: mel or linear."
        ),
        click.option("--stats", type=Words(), help="Of rms,peak,crest,kurtosis: what is taken of vibration in time."),
        click.option("--pool", type=Words(), help="Of stack,mean,std,max: how a window's frames become one vector."),
        click.option("--average", type=click.Choice(["decibel", "power"]), help="What a window of sound averages."),
        click.option("--window-frames", type=click.IntRange(1, 1024), help="Frames of a window."),
        click.option("--window-hop", type=click.IntRange(1, 1024), help="Frames between windows."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def given_options() -> dict[str, str]:
    """Options that the user of the current command wrote, by their parameter's name, and how they are written."""
    from click.core import ParameterSource

    ctx = click.get_current_context()
    return {
        item.name: item.opts[0]
        for item in ctx.command.params
        if item.name and ctx.get_parameter_source(item.name) is ParameterSource.COMMANDLINE
    }


# Options of reading that one kind of sensor has no use for.
_NOT_OF = {"audio": ("unit", *TEXT, "full_scale"), "vibration": ("channel",)}


def check_reading(kind: str) -> None:
    """Refuse options that say how the other kind of recordings is read; `kind` is ``"audio"`` or ``"vibration"``."""
    given = given_options()
    for name in _NOT_OF[kind]:
        if name in given:
            what = "sound" if kind == "audio" else "vibration"
            hint = " If the files hold vibration, add --sensor vibration." if kind == "audio" else ""
            raise click.UsageError(f"These recordings are {what}: {given[name]} has no meaning for them.{hint}")


def port_option(command: Command) -> Command:
    """``--port``."""
    return click.option(
        "--port", required=True, help="The device's link: a serial port, tcp:HOST:PORT or unix:PATH (tocsin devices)."
    )(command)


def console() -> Any:
    """Rich's console for people, on standard error; standard output is for results."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def table(title: str | None = None, *, names: Sequence[str] = (), numbers: Sequence[str] = ()) -> Any:
    """An empty table of Rich: `names` are columns of text that is never cut short, `numbers` of figures.

    Where a terminal is too narrow for a name it is folded; a file or a pipe has no width.
    """
    from rich.table import Table

    made = Table(title=title)
    for name in names:
        made.add_column(name, overflow="fold")
    for name in numbers:
        made.add_column(name, justify="right", overflow="fold")
    return made


def show_table(made: Any) -> None:
    """Print a table of Rich to standard output."""
    from rich.console import Console
    from rich.measure import Measurement

    screen = Console()
    if not screen.is_terminal:
        screen.width = max(screen.width, Measurement.get(screen, screen.options.update(max_width=10_000), made).maximum)
    screen.print(made)


def warn(lines: list[str]) -> None:
    """Tell each line once, on standard error."""
    for line in lines:
        click.echo(f"warning: {line}", err=True)


def tell_left_out(dataset: Dataset, unused: str = "") -> None:
    """Say on standard error which files are not used and why, and what was decided about the others.

    `unused` are recordings that the command has no use for, in words.
    """
    for item in [*dataset.left_out, *filter(None, [unused])]:
        click.echo(f"left out: {item}", err=True)
    for note in dataset.notes:
        click.echo(f"note: {note}", err=True)


def without_companions(files: tuple[str, ...]) -> tuple[str, ...]:
    """Files that the user named, or a pattern, without those that an operating system left; these are told.

    Raises
    ------
    DataError
        None is left.
    """
    from ..data.files import in_litter
    from ..errors import DataError

    litter = [file for file in files if in_litter(Path(file))]
    warn([f"{file} is left by an operating system, no recording" for file in litter])
    if len(litter) == len(files):
        raise DataError("Of the files given, no recordings are left. Give recordings.")
    return tuple(file for file in files if file not in litter)


# Where standard error is a file or a pipe, a line is written this often.
_SECONDS_BETWEEN_LINES = 10.0


class _Pace:
    """Lets a line through every few seconds: what is told more often would fill a log."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._last < _SECONDS_BETWEEN_LINES:
            return False
        self._last = now
        return True


def now_and_then(title: str) -> Callable[[str], None]:
    """Takes lines that tell how far work is whose results are printed meanwhile, and shows one every few seconds."""
    due = _Pace()
    return lambda line: click.echo(f"{title}: {line}", err=True) if due() else None


@contextmanager
def progress(title: str, steps: int) -> Iterator[Callable[[str], None]]:
    """Progress bar on a terminal; a line now and then where standard error is a file or a pipe."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    screen = console()
    due, done = _Pace(), 0
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(title, total=steps)

        def step(remark: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, advance=1, description=f"{title} {remark}".rstrip())
            if not screen.is_terminal and due():
                click.echo(f"{title}: {done} of {steps} {remark}".rstrip(), err=True)

        yield step


@contextmanager
def reporting(title: str) -> Iterator[Callable[[str], None]]:
    """Work without a known number of steps: takes lines that tell how far it is, as :func:`progress` shows them."""
    screen = console()
    if not screen.is_terminal:
        due = _Pace()
        yield lambda line: click.echo(f"{title}: {line}", err=True) if due() else None
        return
    with screen.status(title) as status:
        yield lambda line: status.update(f"{title}: {line}")
