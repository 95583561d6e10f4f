# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Packages that only some commands need, and the extra of Tocsin that installs each.

The core runs and tests detectors, and talks to devices. What trains, searches and draws comes with extras, because
TensorFlow alone is larger than all the rest. `training/pyproject.toml` lists the same extras.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import NamedTuple

from .errors import TocsinError

__all__ = ["PACKAGES", "MissingExtra", "Optional", "missing", "require"]


class Optional(NamedTuple):
    """A package that may be missing: its name for people, and the extra that installs it."""

    name: str
    extra: str


PACKAGES = {
    "tensorflow": Optional("TensorFlow", "train"),
    "sklearn": Optional("scikit-learn", "train"),
    "optuna": Optional("Optuna", "tune"),
    "matplotlib": Optional("Matplotlib", "plots"),
    "av": Optional("PyAV", "audio"),
    "h5py": Optional("h5py", "hdf5"),
    "nptdms": Optional("npTDMS", "tdms"),
    "pyarrow": Optional("PyArrow", "parquet"),
    "pyuff": Optional("pyuff", "uff"),
}
"""Optional packages by the name that Python imports."""


class MissingExtra(TocsinError):
    """A package that is needed now is not installed; the message names the extra that installs it."""


def _words(packages: Iterable[str]) -> str:
    known = [PACKAGES[package] for package in packages]
    names = " and ".join(item.name for item in known)
    extras = ",".join(dict.fromkeys(item.extra for item in known))
    verb = "is" if len(known) == 1 else "are"
    return f'{names} {verb} needed for this and not installed: pip install "tocsin[{extras}]"'


def require(*packages: str) -> None:
    """Check that optional packages are installed, without importing them.

    Parameters
    ----------
    packages
        Names as Python imports them, all in :data:`PACKAGES`.

    Raises
    ------
    MissingExtra
        One of them is not installed.
    """
    absent = [package for package in packages if importlib.util.find_spec(package) is None]
    if absent:
        raise MissingExtra(_words(absent))


def missing(error: BaseException) -> MissingExtra | None:
    """What to tell of a failed import; None where it is not that of an optional package."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    package = error.name.partition(".")[0]
    # A module that an installed package lacks is a fault of that package, and no extra mends it.
    if package not in PACKAGES or importlib.util.find_spec(package) is not None:
        return None
    return MissingExtra(_words([package]))
