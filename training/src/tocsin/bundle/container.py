# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The bytes of a bundle's header and sections, as ``docs/reference/bundle.md`` lays them out."""

from __future__ import annotations

import struct
import zlib

from tocsin import _core
from tocsin.bundle.kinds import NUMBERS
from tocsin.bundle.models import (
    AutoencoderModel,
    CombinedModel,
    GaussianMixtureModel,
    Head,
    KMeansModel,
    Member,
    Model,
    NeighboursModel,
    NetworkModel,
)
from tocsin.bundle.parts import Decision, DutyCycle
from tocsin.errors import BundleError
from tocsin.features import POOLS, STATS, FeatureConfig

MAGIC = b"TOCSIN\r\n"
ALIGN = 16
_HEADER = struct.Struct("<8sHHIIII")
_ENTRY = struct.Struct("<4sIII")
_COVARIANCE = {"diagonal": 1, "full": 2}
_USES = {"reconstruct": 1, "predict": 2, "embed": 3}
_MODES = {"sum": 1, "max": 2}

Section = tuple[bytes, bytes]


def _since(name: bytes, body: bytes) -> int:
    """Minor version of the format that defines a section's contents."""
    if name == b"slid":
        return 4
    if name in (b"NETW", b"CMBN") or (name == b"MAHA" and struct.unpack_from("<I", body)[0] > 1):
        return 3
    if name == b"NNBR" or (name == b"FEAT" and struct.unpack_from("<I", body, 12)[0] & ~1):
        return 2
    return 1 if name == b"duty" else 0


def pack(sections: list[Section]) -> bytes:
    """Header, section table and the sections, each at a multiple of 16.

    The minor version is the least that defines all the sections, so that older tools see what they know.
    """
    table = b""
    body = b""
    start = _HEADER.size + 4 + _ENTRY.size * len(sections)
    for name, data in sections:
        table += _ENTRY.pack(name, start + len(body), len(data), 0)
        body += data + bytes(-len(data) % ALIGN)
    content = table + body
    size = _HEADER.size + 4 + len(content)
    major, _ = _core.BUNDLE_FORMAT
    minor = max(_since(name, body) for name, body in sections)
    header = _HEADER.pack(MAGIC, major, minor, size, len(sections), _core.DSP_VERSION, zlib.crc32(content))
    return header + struct.pack("<I", zlib.crc32(header)) + content


def sensor(features: FeatureConfig) -> bytes:
    """``SENS``."""
    kind = 1 if features.sensor == "audio" else 2
    return struct.pack("<IIIf", kind, features.sample_rate, features.channels, features.scale)


def features(features: FeatureConfig) -> bytes:
    """``FEAT``."""
    return struct.pack(
        "<6If5I",
        features.frame_length,
        features.hop,
        sum(1 << STATS.index(name) for name in features.stats),
        features.flags,
        features.n_fft,
        len(features.bands),
        features.log_floor,
        sum(1 << POOLS.index(name) for name in features.pool),
        features.window_frames,
        features.window_hop,
        sum(band.count for band in features.bands),
        0,
    )


def tables(features: FeatureConfig) -> list[Section]:
    """``WIND``, ``SINE`` and ``BAND``; none without bands."""
    if not features.bands:
        return []
    window, sine, bands, weights = features.tables()
    layout = bands.astype("<u2").tobytes() + weights.astype("<f4").tobytes()
    return [(b"WIND", window.astype("<f4").tobytes()), (b"SINE", sine.astype("<f4").tobytes()), (b"BAND", layout)]


def model(model: Model, dim: int) -> list[Section]:
    """The model's sections: its own, ``TFLM`` with a network, those of a head and of members."""
    if isinstance(model, CombinedModel):
        head = struct.pack("<4I", _MODES[model.mode], 0, 0, 0)
        for member, offset, weight in zip(model.members, model.offsets, model.weights, strict=True):
            head += struct.pack("<I2fI", NUMBERS[member.kind], offset, weight, 0)
        return [(b"CMBN", head), *(section for member in model.members for section in _member(member))]
    if isinstance(model, AutoencoderModel):
        return [(b"AENC", _ends(model, dim) + bytes(8)), (b"TFLM", model.tflite), *_slide(model)]
    return _member(model)


def _member(model: Member) -> list[Section]:
    """A classical model's section, or those of a network and its head."""
    if not isinstance(model, NetworkModel):
        return [_classical(model)]
    kind = 0 if model.head is None else NUMBERS[model.head.kind]
    more = struct.pack("<6I", _USES[model.use], model.outputs, model.first, model.fold, kind, 0)
    head = [] if model.head is None else [_classical(model.head)]
    return [(b"NETW", _ends(model, model.dim) + more), (b"TFLM", model.tflite), *_slide(model), *head]


def _ends(model: AutoencoderModel | NetworkModel, dim: int) -> bytes:
    """What ``AENC`` and ``NETW`` begin with."""
    try:
        ends = struct.pack("<fifi", model.in_scale, model.in_zero, model.out_scale, model.out_zero)
        return ends + struct.pack("<2I", dim, model.arena_size)
    except (struct.error, OverflowError) as error:
        raise BundleError(f"the network's quantisation or arena size is out of range: {error}") from error


def _slide(model: AutoencoderModel | NetworkModel) -> list[Section]:
    """``slid``; none where nothing is kept."""
    return [(b"slid", struct.pack("<I", model.slide))] if model.slide else []


def _classical(model: Head) -> Section:
    """The section of a model without a network."""
    if isinstance(model, KMeansModel):
        return b"KMNS", struct.pack("<4I", len(model.centroids), model.dim, 0, 0) + model.centroids.tobytes()
    if isinstance(model, NeighboursModel):
        full = model.whiten is not None
        head = struct.pack("<4If3I", len(model.references), model.dim, 2 if full else 1, 0, model.step, 0, 0, 0)
        whiten = model.whiten.tobytes() if model.whiten is not None else b""
        return b"NNBR", head + whiten + model.gain.tobytes() + model.references.tobytes()
    head = struct.pack("<4I", len(model.means), model.dim, _COVARIANCE[model.covariance], 0)
    tables = model.means.tobytes() + model.whiten.tobytes()
    if isinstance(model, GaussianMixtureModel):
        return b"GMMX", head + model.log_const.tobytes() + tables
    return b"MAHA", head + tables


def decision(decision: Decision) -> bytes:
    """``DECD``."""
    try:
        return struct.pack(
            "<2I2f", decision.smooth, decision.min_windows, decision.threshold_on, decision.threshold_off
        )
    except (struct.error, OverflowError) as error:
        raise BundleError(f"the decision is out of range ({error}): counts from 1, thresholds finite") from error


def duty(duty: DutyCycle) -> bytes:
    """``duty``."""
    try:
        return struct.pack("<2I", duty.listen_ms, duty.period_ms)
    except struct.error as error:
        raise BundleError(f"the duty cycle is out of range ({error}): whole milliseconds, a week at most") from error
