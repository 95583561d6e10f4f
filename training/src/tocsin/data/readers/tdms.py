# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""LabVIEW's TDMS: the channels of a group are channels of a recording; their properties say rate and unit."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from .arrayformat import ArrayFormat
from .named import Contents, Named, rate_of, unit_of


class _Channel:
    """A channel, read where it lies."""

    def __init__(self, channel: Any, length: int) -> None:
        self._channel = channel
        self.shape = (length,)
        self.dtype = np.dtype(channel.dtype)

    def __getitem__(self, key: Any) -> Any:
        return self._channel[key[0] if isinstance(key, tuple) else key]


def _load(path: Path) -> Contents:
    from nptdms import TdmsFile

    logging.getLogger("nptdms").setLevel(logging.ERROR)  # it would warn of what the note tells
    found = Contents()
    # The file stays open as long as its recordings are used.
    file = TdmsFile.open(path)
    cut_short = file.file_status.incomplete_final_segment
    if cut_short:
        found.notes.append("cut short: it ends before its header says")
    for group in file.groups():
        found.tables.add(group.name)
        rates = {channel.name: rate_of(dict(channel.properties))[0] for channel in group.channels()}
        for channel in group.channels():
            rate = rates[channel.name]
            # What was written last may be of the first channels alone.
            fellows = [len(one) for one in group.channels() if rates[one.name] == rate]
            data = _Channel(channel, min(fellows) if cut_short else len(channel))
            if data.dtype.kind in "iufcM" and data.shape[0]:
                unit = unit_of(dict(channel.properties))
                found.arrays.append(Named(channel.name, data, group.name, rate=rate, unit=unit))
    return found


_format = ArrayFormat(_load, "TDMS file")
array_names, count_recordings, open_reader = _format.array_names, _format.count_recordings, _format.open_reader
