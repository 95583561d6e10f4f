# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""No module may take more flash, RAM or stack than the committed baseline says (tools/footprint.json)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

import footprint
from building import building
from emulation import BuildFailed

MAP = """
Memory Configuration

Name             Origin             Length             Attributes
FLASH            0x00000000         0x00068000         xr
RAM              0x20000000         0x00040000         xrw

Linker script and memory map

 .text.tocsin_dsp_push
                0x00000100      0x200 modules/tocsin/dsp/libtocsin_dsp.a(window.c.obj)
 .text.discarded
                0x00000000        0x0 modules/tocsin/dsp/libtocsin_dsp.a(window.c.obj)
 .rodata.tocsin_default_bundle
                0x00000300     0x4000 app/libapp.a(default_bundle.S.obj)
 .text.k_sched  0x00004300       0x40 zephyr/kernel/libkernel.a(sched.c.obj)
 .data.limits   0x20000000       0x10 app/libapp.a(plan.c.obj)
 .bss.pool      0x20000010     0x8000 app/libapp.a(pipeline.c.obj)
 .debug_info    0x00000000     0x9999 app/libapp.a(pipeline.c.obj)
"""


def test_the_map_is_read_module_by_module() -> None:
    assert footprint.sizes_of(MAP) == {
        "flash": {"total": 0x250, "Zephyr: kernel": 0x40, "app": 0x10, "dsp": 0x200},
        "ram": {"total": 0x8010, "app": 0x8010},
    }


def test_what_is_no_map_is_told() -> None:
    with pytest.raises(BuildFailed, match="map"):
        footprint.sizes_of("Linker script and memory map\n")


def test_what_has_grown_is_told() -> None:
    baseline: dict[str, Any] = {
        "images": {"board": {"flash": {"total": 10_000, "dsp": 6_000}, "ram": {"total": 3_000}}},
        "stacks": {"features": 600},
    }
    same = copy.deepcopy(baseline)
    same["images"]["board"]["flash"] = {"total": 10_232, "dsp": 6_152, "new": 32}
    assert footprint.grown(same, baseline) == []
    more = copy.deepcopy(baseline)
    more["images"]["board"] = {"flash": {"total": 10_233, "dsp": 6_153, "new": 33}, "ram": {"total": 3_093}}
    more["stacks"] = {"features": 741}
    assert [line.split(":")[0] for line in footprint.grown(more, baseline)] == [
        "board, flash of total",
        "board, flash of dsp",
        "board, ram of total",
        "board, flash of new",
        "stack of features",
    ]


def test_nothing_has_grown() -> None:
    with building():
        result = footprint.measure(list(footprint.ALWAYS))
    baseline = json.loads(footprint.BASELINE.read_text())
    if baseline["compiler"] != result["compiler"]:
        pytest.skip(f"the baseline is of {baseline['compiler']}, this is {result['compiler']}")
    assert result["images"].keys() <= baseline["images"].keys()
    assert footprint.grown(result, baseline) == []
