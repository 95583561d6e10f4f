# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Random streams by name, so that one stream never depends on how much another was used.

Every random quantity of a recording draws from its own PCG64 stream, keyed by what it is for
(``"speed"``, ``"background"``, ...).  Two consequences matter: clip *n* does not depend on how many
other clips are made, and a fault leaves the healthy part of its clip exactly as it was.
"""

from __future__ import annotations

import zlib

import numpy as np

from tocsin.synth.errors import SynthesisError


def stream(seed: int, *key: str | int) -> np.random.Generator:
    """Return the generator that belongs to a key.

    Parameters
    ----------
    seed : int
        Seed of the whole data set, 0 or greater.
    *key : str or int
        Path of names and numbers, e.g. ``("fan", 0, "clip", 17, "background")``.

    Returns
    -------
    numpy.random.Generator
        A PCG64 generator; the same seed and key always give the same stream.

    Raises
    ------
    SynthesisError
        If the seed is negative or not an integer.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SynthesisError(f"seed must be an integer of 0 or greater, not {seed!r}")
    # Not hash(): Python salts that for every process.
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in key]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=words)))
