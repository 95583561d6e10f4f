# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings over the link, for targets whose sensor cannot be played to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heard import Heard
from station import Station
from tocsin.twin import Event, Gap, Window


class Replaying(Station):
    """A device that is sent what it shall hear: the replay source, and all behind it."""

    def hear(self, samples: NDArray[np.int16]) -> tuple[Heard, NDArray[np.int16]]:
        with self.open_link() as link:
            results = link.replay(samples, sample_rate=self.bundle.features.sample_rate).results
        heard = Heard(
            windows=[result for result in results if isinstance(result, Window)],
            events=[result for result in results if isinstance(result, Event)],
            gaps=[result for result in results if isinstance(result, Gap)],
        )
        return heard, samples
