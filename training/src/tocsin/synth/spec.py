# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a kind of machine is: its ranges, its faults, and the function that makes it sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tocsin.synth.clip import Bus, Clip
from tocsin.synth.errors import SynthesisError
from tocsin.synth.geometry import Range, Unit, draw_unit


@dataclass(frozen=True)
class FaultSpec:
    """A fault that a machine can have.

    Attributes
    ----------
    name : str
        Name in options and in ``labels.csv``.
    description : str
        One line: what is broken, and what it does at severity 1.
    severities : tuple of 2 floats
        Range from which a data set draws severities, within 0 to 1.
    speed_shift : float
        Relative change of speed at severity 1.
    """

    name: str
    description: str
    severities: tuple[float, float] = (0.6, 1.0)
    speed_shift: float = 0.0


@dataclass(frozen=True)
class MachineSpec:
    """A kind of machine.

    Attributes
    ----------
    name : str
        Name in options and of the folder.
    description : str
        One line.
    rpm : Range
        Nominal speeds; cycles per minute for what does not rotate.
    dimensions : mapping of str to Range
        Everything else that is drawn for each machine ID.
    vibration_g : float
        Nominal vibration of a healthy machine: RMS over the three axes together, in g.
    faults : mapping of str to FaultSpec
        Faults by name.
    model : callable
        Adds the sources of a `Clip` to a `Bus`.
    """

    name: str
    description: str
    rpm: Range
    dimensions: Mapping[str, Range]
    vibration_g: float
    faults: Mapping[str, FaultSpec]
    model: Callable[[Clip, Bus], None]

    def unit(self, machine_id: int, *, seed: int) -> Unit:
        """Return the machine with a given ID of the data set with a given seed."""
        if isinstance(machine_id, bool) or not isinstance(machine_id, int) or not 0 <= machine_id <= 99:
            raise SynthesisError(f"machine ID must be a whole number from 0 to 99, not {machine_id!r}")
        return draw_unit(self.name, machine_id, rpm=self.rpm, dimensions=self.dimensions, seed=seed)

    def fault(self, name: str) -> FaultSpec:
        """Return a fault by name, or raise `SynthesisError` that lists the names there are."""
        if name not in self.faults:
            raise SynthesisError(f"a {self.name} has no fault {name!r}; choose from: {', '.join(self.faults)}")
        return self.faults[name]


def by_name(*faults: FaultSpec) -> dict[str, FaultSpec]:
    """Return faults keyed by their names, in the given order."""
    return {fault.name: fault for fault in faults}
