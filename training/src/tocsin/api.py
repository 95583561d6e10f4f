# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The public functions: what the commands do, called from Python. Import them from :mod:`tocsin`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bundle import Bundle, Normalisation
    from .data import Dataset, ReadOptions
    from .evaluation.evaluate import Evaluation
    from .features import FeatureConfig
    from .features.frontend import FrontEnd
    from .learn.train import Trained

Place = str | os.PathLike[str]


def open_dataset(data: Place, reading: ReadOptions | None = None) -> Dataset:
    """Find the recordings in a folder or file; long ones become clips.

    Parameters
    ----------
    data : path-like
        Folder in MIMII's, DCASE's, ToyADMOS's or the plain layout, or a file of arrays (.npz, .mat, .h5, …).
    reading : ReadOptions, optional
        How recordings are read: sensor, rate in Hz, unit, range in g, names of healthy arrays.

    Returns
    -------
    Dataset
        ``clips`` are the recordings; ``read`` gives the samples of one, int16 of shape (n,) or (n, channels).

    Raises
    ------
    DataError
        There are no recordings, their layout is not known, or the rate of a vibration is not.

    Examples
    --------
    >>> dataset = tocsin.open_dataset("data")
    >>> len(dataset.clips), dataset.rate
    (16, 16000)
    """
    from .data import ReadOptions
    from .data import open_dataset as find

    return find(Path(data), reading or ReadOptions())


def train(
    data: Dataset | Place,
    *,
    model: str = "kmeans",
    false_alarms: str = "1/day",
    output: Place | None = None,
    reading: ReadOptions | None = None,
    front_end: FrontEnd | None = None,
    seed: int = 0,
    **options: Any,
) -> Trained:
    """Train a detector on the healthy recordings of a data set, as ``tocsin train`` does.

    Anomalies are never trained on. A part of the healthy recordings sets the threshold. Where the layout has no test
    recordings, another part is kept away for :func:`evaluate`.

    Parameters
    ----------
    data : Dataset or path-like
        From :func:`open_dataset`, or what that takes.
    model : {"kmeans", "gmm", "mahalanobis", "neighbours", "autoencoder", "idnn", "conv", "embedding", "combined"}
        Kind of model.
    false_alarms : str
        Budget: a number per hour, day, week, month or year, such as ``"1/month"``.
    output : path-like, optional
        Bundle to write; without it, nothing is written.
    reading : ReadOptions, optional
        How recordings are read, where `data` is a path.
    front_end : FrontEnd, optional
        Choices for the features; the others follow the data and the model.
    seed : int
        For the split and for every fit: the same seed and data give the same bundle.
    **options
        Those of one kind of model or of the decision, by their names in
        :class:`tocsin.learn.options.TrainOptions`: ``clusters=8``, ``hidden=(64, 8, 64)``, ``epochs=20``.

    Returns
    -------
    Trained
        ``bundle`` is the detector, ``threshold`` where the line is and how sure that is, ``warnings`` what to know.

    Raises
    ------
    DataError
        The recordings cannot be used, or are too few.
    ModelError
        There is no such model or option, the model does not use an option, or the detector can raise no alarm.
    BundleError
        The bundle cannot be written.

    Examples
    --------
    >>> trained = tocsin.train("data", model="kmeans", clusters=4, false_alarms="1/week", output="fan.tocsin")
    >>> trained.bundle.kind
    'kmeans'
    """
    from .alarm.threshold import parse_rate
    from .data import opened
    from .errors import ModelError
    from .features.frontend import FrontEnd
    from .learn.kinds import MEMBERS
    from .learn.models.uses import check_used
    from .learn.options import TrainOptions
    from .learn.train import train as work

    unknown = sorted(set(options) - set(TrainOptions.__dataclass_fields__) | set(options) & {"kind", "budget"})
    if unknown:
        known = sorted(set(TrainOptions.__dataclass_fields__) - {"kind", "budget", "front_end", "seed"})
        raise ModelError(f"There is no option {', '.join(unknown)} of train. There are {', '.join(known)}.")
    check_used(
        {name: name for name in options},
        kind=model,
        members=options.get("members", MEMBERS),
        head=options.get("head"),
    )
    chosen = TrainOptions(
        kind=model, budget=parse_rate(false_alarms), front_end=front_end or FrontEnd(), seed=seed, **options
    )
    return work(opened(data, reading), None if output is None else Path(output), chosen)


def evaluate(
    bundle: Bundle | Place,
    data: Dataset | Place,
    *,
    reading: dict[str, Any] | None = None,
    strict: bool = False,
) -> Evaluation:
    """Score recordings that the detector was not trained on, by the device's own code, as ``tocsin eval`` does.

    Parameters
    ----------
    bundle : Bundle or path-like
        The detector.
    data : Dataset or path-like
        Recordings. A path is opened as in training.
    reading : dict, optional
        Fields of :class:`ReadOptions` that differ from training's, where `data` is a path.
    strict : bool
        Stop at the first recording that cannot be used.

    Returns
    -------
    Evaluation
        ``rows`` hold AUC, its interval at 95 %, pAUC up to a false-alarm rate of 0.1, and alarms, for each machine
        and at last for all; ``scored`` each recording and its score; ``left_out`` how many were trained on.

    Raises
    ------
    DataError
        The recordings are of another sensor, cannot be used, or the bundle was trained on all of them.
    BundleError
        The bundle cannot be read.

    Examples
    --------
    >>> found = tocsin.evaluate("fan.tocsin", "data")
    >>> print(f"AUC {found.rows[-1].auc:.2f} of {found.rows[-1].n_anomaly} anomalous recordings")
    AUC 1.00 of 4 anomalous recordings
    """
    from .bundle import Bundle, read_bundle
    from .data import Dataset, Issues
    from .data import open_dataset as find
    from .evaluation.evaluate import evaluate as work
    from .evaluation.evaluate import read_options

    detector = bundle if isinstance(bundle, Bundle) else read_bundle(bundle)
    opened = data if isinstance(data, Dataset) else find(Path(data), read_options(detector, reading or {}))
    return work(detector, opened, issues=Issues(), strict=strict)


def import_model(
    model: Place | bytes,
    data: Dataset | Place,
    *,
    features: FeatureConfig | FrontEnd | None = None,
    normalisation: Normalisation | str = "data",
    use: str | None = None,
    head: str | None = None,
    false_alarms: str = "1/day",
    output: Place | None = None,
    reading: ReadOptions | None = None,
    seed: int = 0,
    **options: Any,
) -> Trained:
    """Make a bundle of somebody's int8 network, with a threshold from data, as ``tocsin import`` does.

    The network is checked as our own are: operators that the firmware has, int8 from end to end, fixed shapes, an
    input as long as a vector of features. Its tensor arena is measured. The threshold comes from healthy
    recordings, and the detector is tried for deafness, as :func:`train` does.

    Parameters
    ----------
    model : path-like or bytes
        The TFLite flatbuffer: one int8 input, one int8 output, a batch of one.
    data : Dataset or path-like
        Healthy recordings of the machine.
    features : FeatureConfig or FrontEnd, optional
        What the network takes. A vector of stacked frames goes frame by frame, the bands of each from low to high.
    normalisation : Normalisation or {"data", "none"}
        What the network was trained with: values less their mean over their standard deviation (of `data`, or
        yours), or values as they are.
    use : {"reconstruct", "embed"}, optional
        What the output is. By default a reconstruction where it is as long as the input, else an embedding.
    head : {"kmeans", "gmm", "mahalanobis", "neighbours"}, optional
        What scores the residual or the embedding, fitted to the healthy recordings. Without one a reconstruction's
        score is its mean squared error, and an embedding's head is ``"neighbours"``.
    false_alarms, output, reading, seed
        As for :func:`train`.
    **options
        Of the decision and the head, as for :func:`train`.

    Returns
    -------
    Trained

    Raises
    ------
    ModelError
        A device cannot run the network, or it does not fit the features; the message says what to change.
    DataError
        The recordings cannot be used, or are too few.
    BundleError
        The bundle cannot be written.

    Examples
    --------
    >>> front_end = tocsin.FrontEnd(n_fft=512, bands=8, pool=("stack",), window_frames=4)
    >>> found = tocsin.import_model("theirs.tflite", "data", features=front_end)
    >>> found.bundle.kind, found.bundle.features.n_vector
    ('autoencoder', 32)
    """
    from .data import opened
    from .learn.imported import import_network

    return import_network(
        model if isinstance(model, bytes) else Path(model),
        opened(data, reading),
        features=features,
        normalisation=normalisation,
        use=use,
        head=head,
        false_alarms=false_alarms,
        output=None if output is None else Path(output),
        seed=seed,
        **options,
    )
