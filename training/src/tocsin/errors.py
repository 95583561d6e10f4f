"""Errors a user can meet. Every message says what is wrong and what to do next."""

from __future__ import annotations

import errno
import sys
import warnings


class TocsinError(Exception):
    """Root of all errors that Tocsin raises on purpose; the command line shows it without a traceback."""


class DataError(TocsinError):
    """Recordings that are missing, unreadable or not what the command needs."""


class BundleError(TocsinError):
    """A bundle that cannot be read, written or run."""


class ModelError(TocsinError):
    """A model that cannot be trained, converted or run."""


_REASONS = {
    errno.ENOSPC: "the disk is full: make room, or choose another place",
    errno.EDQUOT: "the disk quota is used up: make room, or choose another place",
    errno.EROFS: "the disk is read-only: choose another place",
    errno.EACCES: "permission denied: choose another place, or ask for access",
    errno.EPERM: "permission denied: choose another place, or ask for access",
    errno.ENOENT: "there is no such file or folder: check the path",
    errno.ENOTDIR: "a part of the path is a file, not a folder: check the path",
    errno.EISDIR: "it is a folder",
}


def reason(error: OSError) -> str:
    """What kept the system from reading or writing, in words that say what to do."""
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)


def quiet_libraries() -> None:
    """Keep warnings of the libraries from the user of a command, unless Python was asked for them (``-W``).

    They advise whoever calls the library, not whoever runs the command. What the user should know, Tocsin says itself.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
