# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""How recordings become samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["audio", "vibration"]


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How recordings become samples.

    Attributes
    ----------
    sensor
        What sound files hold; None asks the ``metadata.json`` beside them, and else takes them for sound.
    rate
        Samples a second, Hz. Sound is resampled to it (None: 16000). Vibration has to have it: None takes what the
        files say (the times of a table, a rate in an ``.npz``).
    channel
        Channel of a sound file to take; None takes the mean of all. Where each microphone has a file of its own
        (ToyADMOS), its files alone; None takes all files.
    unit
        What a vibration file's numbers mean: g, mg, ug or m/s2. None takes what the files say.
    unit_else
        The same for files that do not say, where `unit` is None.
    full_scale
        Acceleration at which int16 ends, g; None chooses by the normal recordings.
    columns, delimiter, decimal, time_column, time_unit
        How text tables are read, see :class:`tocsin.data.text.TextOptions`; None finds it out.
    normal, anomaly, ignore
        Patterns for names of an ``.npz``'s arrays; None means the defaults.
    machines
        Patterns for the machines to use; empty means all.
    clip_seconds
        Length of the clips that longer recordings are cut into; None: see :func:`tocsin.data.cutting.cut`.
    """

    sensor: Kind | None = None
    rate: int | None = None
    channel: int | None = None
    unit: str | None = None
    unit_else: str = "g"
    full_scale: float | None = None
    columns: tuple[str, ...] | None = None
    delimiter: str | None = None
    decimal: str | None = None
    time_column: str | None = None
    time_unit: str | None = None
    normal: tuple[str, ...] | None = None
    anomaly: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    machines: tuple[str, ...] = ()
    clip_seconds: float | None = None
