# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""pytest-embedded on Renode, and on the build folders of Zephyr."""

from pytest_embedded_renode.build import NotABuild, ZephyrBuild
from pytest_embedded_renode.renode import NoRenode, Renode, RenodeError

__all__ = ["NoRenode", "NotABuild", "Renode", "RenodeError", "ZephyrBuild"]
