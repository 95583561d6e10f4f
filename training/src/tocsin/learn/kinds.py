# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The kinds of detectors that can be trained, in one table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainedKind:
    """One kind of detector.

    Attributes
    ----------
    name
        As ``tocsin train --model`` takes it.
    bundle
        What the bundle holds, one of :data:`tocsin.bundle.Kind`.
    headed
        Whether there is a network, or perhaps one, whose output a head may score.
    head
        Whether it can be such a head, and a member of ``combined``.
    shares
        Whether the frames of a stack may share its first layer.
    """

    name: str
    bundle: str
    headed: bool = False
    head: bool = False
    shares: bool = False


TABLE = (
    TrainedKind("kmeans", "kmeans", head=True),
    TrainedKind("gmm", "gmm", head=True),
    TrainedKind("mahalanobis", "mahalanobis", head=True),
    TrainedKind("neighbours", "neighbours", head=True),
    TrainedKind("autoencoder", "autoencoder", headed=True, shares=True),
    TrainedKind("idnn", "network", headed=True, shares=True),
    TrainedKind("conv", "network", headed=True),
    TrainedKind("embedding", "network", headed=True),
    TrainedKind("combined", "combined", headed=True),
)

KINDS = tuple(kind.name for kind in TABLE)
HEADED = tuple(kind.name for kind in TABLE if kind.headed)
"""Kinds with a network, or perhaps one, whose output a head may score."""
SHARING = tuple(kind.name for kind in TABLE if kind.shares)
"""Kinds whose first layer the frames of a stack may share."""
HEADS = tuple(kind.name for kind in TABLE if kind.head)
MEMBERS = ("neighbours", "gmm")
"""Kinds that ``combined`` consists of where the user does not say."""
