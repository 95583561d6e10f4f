# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""tools/check_includes.py: which includes it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import check_includes  # noqa: E402


@pytest.fixture
def judge(tmp_path: Path):
    """Write a tree of sources, each with its includes, and judge it."""

    def run(tree: dict[str, str]) -> list[str]:
        for name, text in tree.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return check_includes.faults(tmp_path, [Path(name) for name in tree])

    return run


def test_the_repository_obeys_its_tables() -> None:
    files = check_includes.sources(ROOT)
    assert len(files) > 100
    assert check_includes.faults(ROOT, files) == []


def test_every_folder_is_in_a_table() -> None:
    rooms = {folder.name for folder in (ROOT / "app/src").iterdir() if folder.is_dir()}
    modules = {folder.name for folder in (ROOT / "modules").iterdir() if folder.is_dir()}
    assert rooms | {""} == set(check_includes.ROOMS)
    assert modules == set(check_includes.MODULES)


def test_a_portable_module_includes_no_zephyr(judge) -> None:
    assert judge({"modules/dsp/src/fft.c": "#include <zephyr/kernel.h>\n"}) == [
        "modules/dsp/src/fft.c: zephyr/kernel.h: a portable module includes no Zephyr header"
    ]
    assert judge({"modules/source/src/pace.c": "#include <zephyr/kernel.h>\n"}) == []


def test_the_binding_includes_no_zephyr(judge) -> None:
    [fault] = judge({"training/src/tocsin/_core/core.c": "# include <zephyr/kernel.h>\n"})
    assert "no Zephyr header" in fault


def test_a_module_leans_only_on_those_below(judge) -> None:
    tree = {
        "modules/ring/include/tocsin/ring.h": "",
        "modules/dsp/include/tocsin/dsp.h": "#include <tocsin/ring.h>\n",
        "modules/ring/src/ring.c": "#include <tocsin/ring.h>\n",
    }
    assert judge(tree) == []
    tree["modules/ring/src/ring.c"] += "#include <tocsin/dsp.h>\n"
    assert judge(tree) == ["modules/ring/src/ring.c: tocsin/dsp.h: ring may not include dsp"]


def test_a_header_of_nobody_is_named(judge) -> None:
    assert judge({"modules/dsp/src/fft.c": "#include <tocsin/fft.h>\n"}) == [
        "modules/dsp/src/fft.c: tocsin/fft.h: no module has this header"
    ]


def test_a_room_leans_only_on_those_below(judge) -> None:
    tree = {
        "app/src/status/report.h": "",
        "app/src/pipeline/pipeline.h": "",
        "app/src/status/report.c": '#include "pipeline/pipeline.h"\n',
    }
    assert judge(tree) == []
    tree = {"app/src/status/report.h": "", "app/src/pipeline/pipeline.c": '#include "status/report.h"\n'}
    assert judge(tree) == ["app/src/pipeline/pipeline.c: status/report.h: pipeline may not include status/"]


def test_a_room_may_not_include_what_stands_above_all(judge) -> None:
    tree = {"app/src/control.h": "", "app/src/host/host.c": '#include "control.h"\n'}
    assert judge(tree) == ["app/src/host/host.c: control.h: host may not include ./"]


def test_a_header_is_included_by_its_path(judge) -> None:
    tree = {"app/src/host/host.h": "", "app/src/host/host.c": '#include "host.h"\n'}
    [fault] = judge(tree)
    assert "by its path" in fault


def test_a_new_folder_is_asked_for(judge) -> None:
    [fault] = judge({"app/src/radio/radio.c": ""})
    assert "knows radio/" in fault


def test_two_files_that_lean_on_each_other(judge) -> None:
    tree = {
        "app/src/pipeline/live.h": "",
        "app/src/pipeline/stream.h": "",
        "app/src/pipeline/live.c": '#include "pipeline/stream.h"\n',
        "app/src/pipeline/stream.c": '#include "pipeline/live.h"\n',
    }
    assert judge(tree) == [
        "files lean on each other: app/src/pipeline/live → app/src/pipeline/stream → app/src/pipeline/live"
    ]


@pytest.mark.parametrize("table", ["MODULES", "ROOMS"])
def test_a_table_with_a_circle_is_refused(judge, monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    monkeypatch.setattr(check_includes, table, {"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert judge({}) == [f"{table} allows a circle: a → b → c → a"]
