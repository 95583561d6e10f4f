# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings whose sensor did not work: left out by name, wherever recordings are trained on or tested with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..health import Fault, channels_cancel, examine
from .clip import Clip, Issues

SATURATES = "saturates the sensor and is judged all the same, as on a device"


class SensorFaultError(DataError):
    """A recording that cannot be used because its sensor did not work; `fault` says how, `advice` what to do."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault

    @property
    def advice(self) -> str:
        """Where to look."""
        if self.fault.condition == "SATURATED":
            return "Record with less gain or a wider range, or give the range as --full-scale."
        return "Check the sensor and its wires, and how its numbers are read: --unit, --full-scale, --channel."


def require_sensor(clip: Clip, samples: npt.NDArray[np.int16], rate: int, issues: Issues) -> None:
    """Refuse a recording whose sensor did not work.

    An anomaly may be so loud that it saturates the sensor: it is noted in `issues`, and may be used.

    Parameters
    ----------
    clip
        The recording.
    samples
        int16, shape (n,) or (n, channels), as :meth:`tocsin.data.Dataset.read` gives them.
    rate
        Hz.

    Raises
    ------
    SensorFaultError
        A channel is stuck or saturated, or all are silent, see :mod:`tocsin.health`.
    """
    fault = examine(samples, rate)
    if fault is None:
        return
    if clip.label == "anomaly" and fault.condition == "SATURATED":
        issues.note(clip.name, SATURATES)
        return
    raise SensorFaultError(fault)


class ChannelsCancelError(DataError):
    """Channels whose mean is next to nothing, where the mean is what would be heard."""


def require_sum(values: npt.NDArray[np.float64]) -> None:
    """Refuse channels whose mean is next to nothing, where the mean is what would be heard.

    Parameters
    ----------
    values
        Shape (n, channels), in digits.

    Raises
    ------
    ChannelsCancelError
        They cancel.
    """
    if channels_cancel(values):
        raise ChannelsCancelError(
            f"its {values.shape[1]} channels cancel when they are averaged, as of a microphone with its wires crossed:"
            " choose one with --channel 0"
        )
