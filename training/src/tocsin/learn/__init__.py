# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Learning a detector from recordings of healthy running, and adapting it to another machine."""
