# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings over the link, for targets whose sensor cannot be played to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heard import Heard
from tocsin.bundle import Bundle
from tocsin.link import Link
from tocsin.twin import Event, Gap, Window


def replay(link: Link, bundle: Bundle, samples: NDArray[np.int16]) -> Heard:
    """Replay a recording; what the device told of it."""
    report = link.replay(samples, sample_rate=bundle.features.sample_rate)
    results = report.results
    return Heard(
        windows=[result for result in results if isinstance(result, Window)],
        events=[result for result in results if isinstance(result, Event)],
        gaps=[result for result in results if isinstance(result, Gap)],
    )
