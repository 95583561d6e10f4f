# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Which options a model uses, so that one without effect is refused instead of ignored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...errors import ModelError
from ..kinds import HEADED, KINDS, SHARING

NETWORKS = ("autoencoder", "idnn", "conv", "embedding")
"""Kinds that train a network."""


def packages_for(kinds: Iterable[str]) -> tuple[str, ...]:
    """Optional packages that training of these kinds needs, as :func:`tocsin.extras.require` takes them."""
    return ("sklearn", "tensorflow") if set(kinds) & set(NETWORKS) else ("sklearn",)


USERS: dict[str, tuple[str, ...]] = {
    "clusters": ("kmeans", "gmm"),
    "references": ("neighbours",),
    "shrinkage": ("neighbours",),
    "covariance": ("gmm", "mahalanobis"),
    "hidden": ("autoencoder", "idnn", "embedding"),
    "frame_layer": SHARING,
    "stream": SHARING,
    "epochs": NETWORKS,
    "batch": NETWORKS,
    "learning_rate": NETWORKS,
    "qat": NETWORKS,
    "head": HEADED,
    "members": ("combined",),
    "combine": ("combined",),
}
"""Kinds of models that use an option; of options that are not here, every kind does."""

# A head has these of its own; the shape of its covariance is fixed.
_OF_HEADS = ("clusters", "references", "shrinkage")


def unused(names: Iterable[str], *, kind: str, members: Sequence[str] = (), head: str | None = None) -> list[str]:
    """Those of the options `names` that a model does not use.

    Parameters
    ----------
    names
        Options, as :data:`USERS` has them; others are used by all.
    kind
        Of the model.
    members
        Kinds that a combined model consists of.
    head
        What scores a network's output; None: the kind's own.
    """
    kinds = {kind, *(members if kind == "combined" else ())}
    heads = {head or ("neighbours" if "embedding" in kinds else "")} if kinds & set(NETWORKS) else set()
    if "combined" in kinds and "embedding" in kinds and head is None:
        heads.add("mahalanobis")  # where the other member is neighbours, too
    return [
        name
        for name in names
        if name in USERS and not kinds & set(USERS[name]) and not (name in _OF_HEADS and heads & set(USERS[name]))
    ]


def check_used(names: dict[str, str], *, kind: str, members: Sequence[str] = (), head: str | None = None) -> None:
    """Refuse options that a model does not use.

    Parameters
    ----------
    names
        Options that were given, and how the user writes each, such as ``{"hidden": "--hidden"}``.
    kind, members, head
        As for :func:`unused`.

    Raises
    ------
    ModelError
        One is not used; the message names the kinds that do.
    """
    for name in unused(names, kind=kind, members=members, head=head):
        users = [one for one in KINDS if one in USERS[name]]
        what = f"{kind} of {' and '.join(members)}" if kind == "combined" else kind
        if head and kind in HEADED:
            what += f" with the head {head}"
        raise ModelError(f"{what} does not use {names[name]}: leave it out, or choose --model {' or '.join(users)}.")
