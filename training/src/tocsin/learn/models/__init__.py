# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Trainers: normalised feature vectors of healthy running in, a bundle's model out."""
