# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The command ``tocsin``. Each subcommand is a module of its own, loaded when it is asked for."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from typing import Any

import click

from .. import __version__
from ..errors import TocsinError, quiet_libraries, reason
from ..extras import missing

# Name: (module, one line for --help). Said here so that --help need not load them all.
COMMANDS = {
    "synth": ("synth", "Write synthetic recordings of machines."),
    "train": ("train", "Train a detector on recordings of healthy running."),
    "import": ("import_model", "Make a detector of your own int8 network."),
    "tune": ("tune", "Search for the best detector that fits a device."),
    "eval": ("eval", "Test a detector on recordings it has not seen."),
    "report": ("report", "Write a page on a detector, for people."),
    "transfer": ("transfer", "Try detectors of one machine on every other."),
    "rebaseline": ("rebaseline", "Adapt a detector to one installation."),
    "run": ("run", "Run recordings through a detector, as a device would."),
    "devices": ("devices", "List the devices that are connected."),
    "record": ("record", "Record what a device's sensor hears."),
    "monitor": ("monitor", "Watch a device: scores, alarms, spectrum."),
    "verify": ("verify", "Compare a device with the desk, bit for bit."),
    "data": ("data", "Look into a data set, or download a public one."),
    "inspect": ("inspect", "Show what a bundle holds."),
    "battery": ("battery", "Estimate how long a battery lasts."),
}


class Failure(click.ClickException):
    """A mistake that the user can mend: a message, no traceback, exit status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the message to standard error."""
        click.echo(f"error: {self.format_message()}", err=True, file=file)


class Lazy(click.Group):
    """Subcommands by name from :data:`COMMANDS`, imported late; errors of Tocsin become exit status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        # Python has these words already.
        function = {"eval": "evaluate", "import": "import_model"}.get(cmd_name, cmd_name)
        command = getattr(importlib.import_module(f".{module}", __name__), function)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a TocsinError, or what the system refuses, is the user's to mend.

        What a command returns is no exit status.
        """
        try:
            super().invoke(ctx)
        except TocsinError as error:
            raise Failure(str(error)) from error
        except ModuleNotFoundError as error:
            absent = missing(error)
            if absent is None:
                raise
            raise Failure(str(absent)) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise Failure(f"{where}{reason(error)}") from error


_EPILOG = """\b
Start with:
  tocsin synth data
  tocsin train --data data -o fan.tocsin
  tocsin eval fan.tocsin --data data"""


@click.group(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG,
)
@click.version_option(__version__, prog_name="tocsin")
def cli() -> None:
    """Learn what a machine sounds and shakes like when it is healthy, and tell when that changes."""


FAILED, INTERRUPTED, CUT_OFF = 2, 130, 141


def main() -> None:
    """Entry point. Exit status 1 is a command's own answer (``run``: an alarm); no failure has it.

    0: done; 2: a mistake or a failure of any kind; 130: interrupted; 141: the reader of the output has gone.
    """
    sys.exit(_run())


def _run() -> int:
    """Run the command and give its exit status."""
    quiet_libraries()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a code page of Windows lacks some characters
    try:
        status = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return FAILED
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, a pager) has seen enough. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CUT_OFF
    except OSError as error:  # flushing: a command's own are told above
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        click.echo(f"error: the output cannot be written: {reason(error)}", err=True)
        return FAILED
    except MemoryError:
        click.echo("error: There is not enough memory. Give fewer or shorter recordings.", err=True)
        return FAILED
    except SystemExit as error:
        return FAILED if error.code else 0
    except Exception:
        traceback.print_exc()
        click.echo("error: This is a fault in tocsin. Please report it with the lines above.", err=True)
        return FAILED
    return status if isinstance(status, int) else 0
