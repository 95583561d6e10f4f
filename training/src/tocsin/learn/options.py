# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What to train, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..alarm.sensitivity import VERSIONS
from ..alarm.threshold import Rate
from ..bundle import DutyCycle
from ..bundle.gaussians import Covariance
from ..features.frontend import FrontEnd
from .kinds import MEMBERS


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What to train, and how.

    Attributes
    ----------
    kind
        One of :data:`tocsin.learn.kinds.KINDS`.
    budget
        False alarms allowed.
    front_end
        Choices for the features.
    clusters
        Of k-means, and components of the mixture; None: 8 for vibration, 16 for sound.
    covariance
        Of the mixture (None: diagonal) and of the Mahalanobis distance (None: full).
    references
        Most healthy vectors that nearest neighbours keep.
    shrinkage
        Of their shared covariance towards its diagonal, 0 to 1; None: 0.5.
    hidden, epochs, batch, learning_rate
        Of the networks; None for `hidden` follows the features. The convolutional one has widths of its own.
    frame_layer
        Outputs of a first layer that the frames of a stack share, of the kinds in :data:`tocsin.learn.kinds.SHARING`;
        None: there is none.
    stream
        Whether a device keeps what that layer made of frames that the next window has, too.
    qat
        Fine-tune networks with int8's rounding simulated.
    head
        What scores the residual or embedding of a network, one of :data:`tocsin.learn.kinds.HEADS`; None: the mean
        square of the residual, and nearest neighbours for an embedding.
    members, combine
        Of ``combined``: two other kinds, and what is made of their calibrated scores.
    member
        Whether the model is to be a member of another.
    smooth, min_windows
        Of the decision; None follows the windows' rate and the recordings' length.
    duty
        When the device is to listen; None: always.
    seed
        For the split and for every fit.
    holdout, validation
        Shares of the normal recordings, see :func:`tocsin.data.split_clips`.
    strict
        Stop at the first recording that cannot be used.
    keep_outliers
        Fit the few recordings that are like no other, too, see :mod:`tocsin.learn.outliers`.
    strange
        Strange versions of the recordings for the threshold that it is tried on, see :mod:`tocsin.alarm.sensitivity`;
        0: none.
    hearing
        Try whether the detector can raise an alarm at all, see :mod:`tocsin.alarm.deafness`.
    force
        Keep a detector that raises no alarm on what none may miss, see :mod:`tocsin.alarm.deafness`.
    """

    kind: str
    budget: Rate
    front_end: FrontEnd = field(default_factory=FrontEnd)
    clusters: int | None = None
    covariance: Covariance | None = None
    references: int | None = None
    shrinkage: float | None = None
    hidden: tuple[int, ...] | None = None
    epochs: int = 60
    batch: int = 512
    learning_rate: float = 1e-3
    frame_layer: int | None = None
    stream: bool = True
    qat: bool = False
    head: str | None = None
    members: tuple[str, ...] = MEMBERS
    combine: Literal["sum", "max"] = "sum"
    member: bool = False
    smooth: int | None = None
    min_windows: int | None = None
    duty: DutyCycle | None = None
    seed: int = 0
    holdout: float = 0.25
    validation: float = 0.2
    strict: bool = False
    keep_outliers: bool = False
    strange: int = VERSIONS
    hearing: bool = True
    force: bool = False
