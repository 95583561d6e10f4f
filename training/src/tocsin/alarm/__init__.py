# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""When to alarm: thresholds from a budget of false alarms, and what they bring."""
