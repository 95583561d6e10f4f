# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Bundles: the deployable detector in one file. Format: ``docs/reference/bundle.md``.

Writing is done here; reading is done by the firmware's parser, so that a bundle that was read here is one that a
device accepts.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tocsin import _core
from tocsin.bundle import container
from tocsin.bundle.models import (
    AutoencoderModel,
    CombinedModel,
    GaussianMixtureModel,
    Head,
    Kind,
    KMeansModel,
    MahalanobisModel,
    Member,
    Model,
    NeighboursModel,
    NetworkModel,
    Use,
    is_quantised,
    model_of,
    network_of,
)
from tocsin.bundle.parts import Decision, DutyCycle, Normalisation
from tocsin.errors import BundleError, reason
from tocsin.features import FeatureConfig

__all__ = [
    "AutoencoderModel",
    "Bundle",
    "CombinedModel",
    "Decision",
    "DutyCycle",
    "GaussianMixtureModel",
    "Head",
    "KMeansModel",
    "Kind",
    "MahalanobisModel",
    "Member",
    "Model",
    "NeighboursModel",
    "NetworkModel",
    "Normalisation",
    "Use",
    "is_quantised",
    "network_of",
    "read_bundle",
    "write_bundle",
]

_ADVICE = {
    "not_a_bundle": "give the .tocsin file that `tocsin train` wrote",
    "truncated": "copy or download it again, the end is missing",
    "corrupt": "copy it again in binary mode, or train anew",
    "too_new": "update Tocsin (and the firmware), or write the bundle with this version",
    "feature_version": "train anew with this version, the features' definition has changed",
    "malformed": "train anew; if this version of Tocsin wrote it, please report it",
    "internal": "please report it",
}


@dataclass(eq=False, kw_only=True)
class Bundle:
    """A bundle that the firmware's parser accepted.

    Attributes
    ----------
    features : FeatureConfig
    normalisation : Normalisation
    model : KMeansModel, GaussianMixtureModel, MahalanobisModel, NeighboursModel, AutoencoderModel, NetworkModel or \
            CombinedModel
    decision : Decision
    duty : DutyCycle or None
        None: listens always.
    meta : dict
        The training record; empty where there is none.
    kind : {"kmeans", "gmm", "mahalanobis", "neighbours", "autoencoder", "network", "combined"}
    crc : int
        CRC-32 of the content, the bundle's name in reports.
    size : int
        Bytes.
    raw : bytes
        The bundle itself.
    """

    features: FeatureConfig
    normalisation: Normalisation
    model: Model
    decision: Decision
    duty: DutyCycle | None
    meta: dict[str, Any]
    kind: Kind
    crc: int
    size: int
    raw: bytes = field(repr=False)
    native: _core.Bundle = field(repr=False)


def write_bundle(
    path: str | os.PathLike[str] | None,
    *,
    features: FeatureConfig,
    normalisation: Normalisation,
    model: Model,
    decision: Decision,
    meta: Mapping[str, Any],
    duty: DutyCycle | None = None,
) -> bytes:
    """Write a bundle: whole or not at all, and only one that the firmware's parser accepts.

    Parameters
    ----------
    path : path-like or None
        Where to; None to get the bytes alone. An existing file is replaced at once or stays as it was.
    features, normalisation, model, decision
        The detector.
    meta : mapping
        The training record: what JSON can hold, and NumPy's scalars and arrays. May be empty.
    duty
        When to listen; None: always.

    Returns
    -------
    bytes
        The bundle.

    Raises
    ------
    BundleError
        Where the parts do not fit each other, or the file cannot be written.
    """
    dim = features.n_vector
    if normalisation.mean.size != dim:
        raise BundleError(f"the normalisation has {normalisation.mean.size} values, the features give {dim}")
    if not isinstance(model, AutoencoderModel) and model.dim != dim:
        raise BundleError(f"the model takes {model.dim} values, the features give {dim}")
    raw = container.pack(
        [
            (b"SENS", container.sensor(features)),
            (b"FEAT", container.features(features)),
            *container.tables(features),
            (b"NORM", normalisation.mean.tobytes() + normalisation.inv_std.tobytes()),
            *container.model(model, dim),
            (b"DECD", container.decision(decision)),
            *([(b"duty", container.duty(duty))] if duty is not None else []),
            *([(b"meta", _encode_meta(meta))] if meta else []),
        ]
    )
    try:
        _core.Bundle(raw)
    except _core.BundleParseError as error:
        raise BundleError(
            f"the firmware would refuse this bundle: {error.args[1]};"
            " check the values of the model, the decision and the duty cycle"
        ) from error
    if path is not None:
        _replace_file(Path(path), raw)
    return raw


def read_bundle(path_or_bytes: str | os.PathLike[str] | bytes) -> Bundle:
    """Read a bundle with the firmware's parser.

    Parameters
    ----------
    path_or_bytes : path-like or bytes
        The file, or its bytes; what follows the bundle (a partition's end) is left out.

    Returns
    -------
    Bundle

    Raises
    ------
    BundleError
        Where the file cannot be read or a firmware would refuse it.
    """
    if isinstance(path_or_bytes, (bytes, bytearray, memoryview)):
        name, raw = "the bundle", bytes(path_or_bytes)
    else:
        name = os.fspath(path_or_bytes)
        try:
            raw = Path(name).read_bytes()
        except OSError as error:
            raise BundleError(f"{name}: cannot be read: {reason(error)}") from error
    try:
        native = _core.Bundle(raw)
    except _core.BundleParseError as error:
        kind, text = error.args
        raise BundleError(f"{name}: {text}; {_ADVICE[kind]}") from error
    smooth, min_windows, threshold_on, threshold_off = native.decision
    return Bundle(
        features=FeatureConfig._from_native(native.dsp, native.sensor),
        normalisation=Normalisation(mean=native.mean, inv_std=native.inv_std),
        model=model_of(native.model),
        decision=Decision(smooth, min_windows, threshold_on, threshold_off),
        duty=DutyCycle(*native.duty) if native.duty[1] else None,
        meta=_decode_meta(name, native.meta),
        kind=native.kind,  # type: ignore[arg-type]
        crc=native.crc,
        size=native.size,
        raw=raw[: native.size],
        native=native,
    )


def _encode_meta(meta: Mapping[str, Any]) -> bytes:
    def convert(value: object) -> object:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return value.tolist()
        raise TypeError(f"a {type(value).__name__} is not JSON")

    try:
        text = json.dumps(dict(meta), allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=convert)
    except (TypeError, ValueError) as error:
        raise BundleError(f"the training record cannot be written as JSON: {error}") from error
    return text.encode()


def _decode_meta(name: str, raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        meta = json.loads(raw.decode())
    except ValueError as error:
        raise BundleError(f"{name}: the training record is not JSON ({error}); {_ADVICE['malformed']}") from error
    if not isinstance(meta, dict):
        raise BundleError(f"{name}: the training record is not one JSON object; {_ADVICE['malformed']}")
    return meta


def _replace_file(path: Path, raw: bytes) -> None:
    """Write a file whole or not at all; a device or a pipe (``/dev/null``) is written to and stays what it is."""
    temporary: str | None = None
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(raw)
            return
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp's file is for its owner alone; a bundle is to be shared as any file of its folder.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise BundleError(f"{path}: cannot be written: {reason(error)}") from error
