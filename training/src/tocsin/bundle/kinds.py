# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The kinds of models that a bundle holds, in one table.

The numbers are those of ``enum tocsin_score_kind`` in ``<tocsin/score.h>``; bundles and the link write them. What
`tocsin train` makes of them stands in :mod:`tocsin.learn.kinds`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelKind:
    """One kind of model.

    Attributes
    ----------
    name
        In Python, in JSON and for people.
    number
        In the firmware, in a bundle and on the link.
    section
        Of the bundle that holds such a model.
    network
        Whether a network goes with it, in a section of its own.
    head
        Whether it can score a network's output.
    member
        Whether ``combined`` can consist of it.
    """

    name: str
    number: int
    section: str
    network: bool = False
    head: bool = False
    member: bool = False


MODEL_KINDS = (
    ModelKind("kmeans", 1, "KMNS", head=True, member=True),
    ModelKind("gmm", 2, "GMMX", head=True, member=True),
    ModelKind("mahalanobis", 3, "MAHA", head=True, member=True),
    ModelKind("autoencoder", 4, "AENC", network=True),
    ModelKind("neighbours", 5, "NNBR", head=True, member=True),
    ModelKind("network", 6, "NETW", network=True, member=True),
    ModelKind("combined", 7, "CMBN"),
)
NUMBERS = {kind.name: kind.number for kind in MODEL_KINDS}
NAMES = {kind.number: kind.name for kind in MODEL_KINDS}
