# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Devices: the link, recording, replay, monitoring, verifying and battery life."""
