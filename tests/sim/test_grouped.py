# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Which tests run in one process."""

from __future__ import annotations

import pytest

from grouped import group_of


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("test_store.py::test_a[qemu]", "test_store.py::test_b[qemu-3]", True),
        ("test_store.py::test_a[qemu]", "test_store.py::test_a[native]", False),
        ("test_store.py::test_a", "test_store.py::test_b", True),
        ("test_store.py::test_a", "test_faults.py::test_a", False),
        (
            "test_zephyr_apps.py::test_suite_passes[ring-qemu]",
            "test_zephyr_apps.py::test_suite_passes[ring-native]",
            True,
        ),
        (
            "test_zephyr_apps.py::test_suite_passes[ring-qemu]",
            "test_zephyr_apps.py::test_suite_passes[link-qemu]",
            False,
        ),
        ("test_scenarios.py::test_a[sound]", "test_scenarios.py::test_a[vibration]", False),
    ],
)
def test_the_same_image_the_same_process(one: str, other: str, together: bool) -> None:
    assert (group_of(one) == group_of(other)) is together
