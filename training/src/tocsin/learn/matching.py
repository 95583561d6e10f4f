# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings against a bundle: the same sensor, and which of them it was trained on."""

from __future__ import annotations

import base64
import binascii

from ..bundle import Bundle
from ..data import Dataset
from ..data.extract import DIGEST_SIZE
from ..errors import BundleError, DataError


def check_sensor(bundle: Bundle, dataset: Dataset) -> None:
    """Refuse recordings of another sensor than the bundle's."""
    if dataset.kind != bundle.features.sensor:
        raise DataError(
            f"The bundle is for {bundle.features.sensor}, and {dataset.root} holds {dataset.kind}. Give the other data."
        )


def trained_digests(bundle: Bundle) -> frozenset[bytes]:
    """Names of the recordings that `bundle` was trained on, by its record; see :func:`tocsin.data.digest`."""
    record = bundle.meta.get("clips", {})
    try:
        joined = base64.b64decode(record.get("trained", ""), validate=True)
    except (AttributeError, TypeError, binascii.Error) as error:
        raise BundleError("The bundle's record of the recordings it was trained on is damaged. Train again.") from error
    return frozenset(joined[i : i + DIGEST_SIZE] for i in range(0, len(joined), DIGEST_SIZE))
