# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Synthetic machines: sound and vibration from physical models, healthy and with labelled faults.

A recording is built the way it arises: a speed that drifts, forces and flows that follow the shaft's
angle (`rotor`, `bearing`, `gear`, `flow`, `machines`), a path through structure and air (`path`), and the
factory around it (`background`).  Machine IDs differ in their dimensions (`geometry`); everything random
comes from named streams of one seed (`seeds`).

Examples
--------
>>> from tocsin.synth import MACHINES, render
>>> sorted(MACHINES)
['fan', 'motor', 'pump', 'slider', 'valve']
>>> render("motor", fault="bearing_inner", domain="vibration", seconds=1.0).shape
(1600, 3)
"""

from __future__ import annotations

from tocsin.synth.dataset import DatasetSummary, write_dataset
from tocsin.synth.errors import SynthesisError
from tocsin.synth.geometry import Bearing, Unit
from tocsin.synth.machines import MACHINES
from tocsin.synth.render import RATES, Domain, Recording, record, render
from tocsin.synth.spec import FaultSpec, MachineSpec
from tocsin.synth.target import check_target

__all__ = [
    "MACHINES",
    "RATES",
    "Bearing",
    "DatasetSummary",
    "Domain",
    "FaultSpec",
    "MachineSpec",
    "Recording",
    "SynthesisError",
    "Unit",
    "check_target",
    "record",
    "render",
    "write_dataset",
]
