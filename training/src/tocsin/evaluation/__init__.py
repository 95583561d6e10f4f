# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""How well a detector does: evaluation, transfer to other machines, plots and the report."""
