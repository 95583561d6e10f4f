# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""int8 networks: the interpreter, its arena, and the parts of a TensorFlow Lite file."""
