# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Stands in for the package ppk2-api, as version 0.9.2 has it."""
