# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The machines, one module each, and the registry of all of them."""

from __future__ import annotations

from tocsin.synth.machines.fan import FAN
from tocsin.synth.machines.motor import MOTOR
from tocsin.synth.machines.pump import PUMP
from tocsin.synth.machines.slider import SLIDER
from tocsin.synth.machines.valve import VALVE
from tocsin.synth.spec import MachineSpec

MACHINES: dict[str, MachineSpec] = {spec.name: spec for spec in (FAN, PUMP, VALVE, SLIDER, MOTOR)}
