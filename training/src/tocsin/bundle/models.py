# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The models that a bundle holds, as their parameters; :mod:`tocsin.bundle` writes and reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tocsin.bundle.gaussians import Covariance, log_constants, whitening
from tocsin.errors import ModelError

Kind = Literal["kmeans", "gmm", "mahalanobis", "neighbours", "autoencoder", "network", "combined"]
Use = Literal["reconstruct", "predict", "embed"]


def floats(name: str, values: ArrayLike, ndim: int) -> NDArray[np.float32]:
    """Give `values` as float32, checked for their number of dimensions and for values that are not finite."""
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(values, dtype="<f4")
    if array.ndim != ndim or array.size == 0:
        raise ModelError(f"{name} has the shape {array.shape}, expected {ndim} dimension(s) and at least one value")
    if not np.isfinite(array).all():
        raise ModelError(f"{name} has a value that is not a finite float32: check the data the model was fitted to")
    return array


@dataclass(eq=False)
class KMeansModel:
    """k-means; the score is the distance to the nearest centroid.

    Parameters
    ----------
    centroids : ndarray of float32, shape (k, dim)
        In normalised units.
    """

    kind: ClassVar[Kind] = "kmeans"
    centroids: NDArray[np.float32]

    def __post_init__(self) -> None:
        self.centroids = floats("centroids", self.centroids, 2)

    @property
    def dim(self) -> int:
        """Values of a vector."""
        return int(self.centroids.shape[1])


@dataclass(eq=False, kw_only=True)
class Gaussians:
    """What models made of Gaussians have.

    Parameters
    ----------
    means : ndarray of float32, shape (k, dim)
        In normalised units.
    whiten : ndarray of float32, shape (k, dim) or (k, dim * (dim + 1) / 2)
        Whitening factors, see :mod:`tocsin.bundle.gaussians`.
    covariance : {"diagonal", "full"}
        Their shape.
    """

    means: NDArray[np.float32]
    whiten: NDArray[np.float32]
    covariance: Covariance

    def __post_init__(self) -> None:
        self.means = floats("means", self.means, 2)
        self.whiten = floats("whiten", self.whiten, 2)
        if self.covariance not in ("diagonal", "full"):
            raise ModelError(f"covariance is {self.covariance!r}: choose diagonal or full")
        k, dim = self.means.shape
        expected = (k, dim if self.covariance == "diagonal" else dim * (dim + 1) // 2)
        if self.whiten.shape != expected:
            raise ModelError(f"the whitening factors have the shape {self.whiten.shape}, expected {expected}")

    @property
    def dim(self) -> int:
        """Values of a vector."""
        return int(self.means.shape[1])


@dataclass(eq=False, kw_only=True)
class GaussianMixtureModel(Gaussians):
    """Gaussian mixture; the score is the negative log likelihood. :meth:`from_moments` makes one.

    Parameters
    ----------
    log_const : ndarray of float32, shape (k,)
        ``log w - dim/2 log 2π + log det W``.
    means, whiten, covariance
        See :class:`Gaussians`.
    """

    kind: ClassVar[Kind] = "gmm"
    log_const: NDArray[np.float32]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.log_const = floats("log_const", self.log_const, 1)
        if self.log_const.size != len(self.means):
            raise ModelError(f"there are {self.log_const.size} constants for {len(self.means)} components")

    @classmethod
    def from_moments(
        cls, weights: ArrayLike, means: ArrayLike, covariances: ArrayLike, covariance: Covariance = "diagonal"
    ) -> GaussianMixtureModel:
        """Of a fitted mixture, as scikit-learn's ``weights_``, ``means_`` and ``covariances_`` are.

        Parameters
        ----------
        weights : array_like, shape (k,)
            Positive.
        means : array_like, shape (k, dim)
            In normalised units.
        covariances : array_like, shape (k, dim) for "diagonal", (k, dim, dim) for "full"
            Variances or covariance matrices.
        covariance : {"diagonal", "full"}
            Which of the two.

        Raises
        ------
        ModelError
            Where a covariance is not positive definite, or shapes do not fit.
        """
        centres = np.atleast_2d(np.asarray(means, dtype=np.float64))
        k, dim = centres.shape
        whiten, log_det = whitening(covariances, covariance=covariance, k=k, dim=dim)
        return cls(
            log_const=floats("log_const", log_constants(weights, log_det, dim), 1),
            means=floats("means", centres, 2),
            whiten=floats("whiten", whiten, 2),
            covariance=covariance,
        )


@dataclass(eq=False, kw_only=True)
class MahalanobisModel(Gaussians):
    """Gaussians; the score is the least Mahalanobis distance. :meth:`from_moments` makes one.

    With several components this is the selective Mahalanobis distance of DCASE's baseline (Harada et al., 2023).
    """

    kind: ClassVar[Kind] = "mahalanobis"

    @classmethod
    def from_moments(
        cls, means: ArrayLike, covariances: ArrayLike, covariance: Covariance = "full"
    ) -> MahalanobisModel:
        """Of means, shape (dim,) or (k, dim), and variances of the same shape or covariance matrices, (…, dim, dim).

        Raises
        ------
        ModelError
            Where a covariance is not positive definite, or shapes do not fit.
        """
        centres = np.atleast_2d(np.asarray(means, dtype=np.float64))
        k, dim = centres.shape
        spreads = np.asarray(covariances, dtype=np.float64)
        if spreads.ndim == (1 if covariance == "diagonal" else 2):
            spreads = spreads[np.newaxis]
        whiten, _ = whitening(spreads, covariance=covariance, k=k, dim=dim)
        return cls(means=floats("means", centres, 2), whiten=floats("whiten", whiten, 2), covariance=covariance)


def _step_of(references: NDArray[np.float64], radii: NDArray[np.float64]) -> float:
    """The step with which int8 moves references, shape (k, dim), least, in units of their radii, shape (k,).

    A coarse step moves all of them a little, a fine one clamps those that lie far out. One that moves by its radius
    is lost, however far it goes.
    """
    most = max(float(np.abs(references).max()), 1e-6)
    steps = np.geomspace(min(2 * float(references.std()) + 1e-9, most), most, 25) / 127

    def moved(step: float) -> float:
        rounded = step * np.clip(np.rint(references / step), -127, 127)
        squares = ((rounded - references) ** 2).sum(axis=1) / radii**2
        return float(np.minimum(squares, 1).mean())

    return float(min(steps, key=moved))


@dataclass(eq=False)
class NeighboursModel:
    """Healthy vectors; the score is the distance to the nearest in units of its radius.

    :meth:`from_references` makes one.

    Parameters
    ----------
    references : ndarray of int8, shape (k, dim)
        In whitened units, divided by `step`.
    step : float
        > 0.
    gain : ndarray of float32, shape (k,)
        One over each reference's radius.
    whiten : ndarray of float32, shape (dim * (dim + 1) / 2,), or None
        The whitening factor that all references share; None: the normalisation is enough.
    """

    kind: ClassVar[Kind] = "neighbours"
    references: NDArray[np.int8]
    step: float
    gain: NDArray[np.float32]
    whiten: NDArray[np.float32] | None

    def __post_init__(self) -> None:
        self.references = np.ascontiguousarray(self.references, np.int8)
        self.gain = floats("gain", self.gain, 1)
        if self.references.ndim != 2 or len(self.references) != self.gain.size:
            raise ModelError(f"there are {self.gain.size} gains for references of the shape {self.references.shape}")
        if self.whiten is not None:
            self.whiten = floats("whiten", self.whiten, 1)
            if self.whiten.size != self.dim * (self.dim + 1) // 2:
                raise ModelError(f"the whitening factor has {self.whiten.size} values for {self.dim} of a vector")

    @property
    def dim(self) -> int:
        """Values of a vector."""
        return int(self.references.shape[1])

    @classmethod
    def from_references(cls, references: ArrayLike, radii: ArrayLike, whiten: ArrayLike | None) -> NeighboursModel:
        """Of whitened vectors, shape (k, dim), and their radii > 0, shape (k,); quantises the vectors to int8.

        One step serves all values: whitened, they spread alike. A few that lie far out are clamped, see
        :func:`_step_of`.

        Raises
        ------
        ModelError
            A radius is not positive, or shapes do not fit.
        """
        exact = np.asarray(references, np.float64)
        radius = np.asarray(radii, np.float64)
        if not (np.isfinite(radius).all() and (radius > 0).all()):
            raise ModelError("a radius is not a positive number: remove duplicate recordings")
        step = float(np.float32(_step_of(exact, radius)))
        digits = np.clip(np.rint(exact / step), -127, 127).astype(np.int8)
        factor = None if whiten is None else floats("whiten", whiten, 1)
        return cls(digits, step, floats("gain", 1 / radius, 1), factor)


@dataclass(eq=False)
class Int8Network:
    """What every model with a network has.

    Parameters
    ----------
    tflite : bytes
        The flatbuffer: one int8 input and one int8 output.
    in_scale, in_zero, out_scale, out_zero
        Quantisation of the two ends: ``real = scale * (q - zero)``.
    arena_size : int
        Bytes of tensor arena that the network needs on a device.
    slide : int
        Frames by which windows slide, where a device is to keep what a layer that they share made of the others; 0:
        it computes everything anew. The scores are the same.
    """

    tflite: bytes = field(repr=False)
    in_scale: float
    in_zero: int
    out_scale: float
    out_zero: int
    arena_size: int
    slide: int = field(default=0, kw_only=True)

    @staticmethod
    def read(tflite: bytes, arena_size: int | None, slide: int) -> tuple[dict[str, Any], int, int]:
        """The fields above, and how many values a converted network takes and gives.

        Raises
        ------
        ModelError
            Where the network is not one a device can score with.
        """
        from tocsin.tflite.interpreter import measure_arena, model_io

        io = model_io(tflite)
        found = {
            "tflite": tflite,
            "in_scale": io.in_scale,
            "in_zero": io.in_zero,
            "out_scale": io.out_scale,
            "out_zero": io.out_zero,
            "arena_size": measure_arena(tflite, slide) if arena_size is None else arena_size,
            "slide": slide,
        }
        return found, io.inputs, io.outputs


@dataclass(eq=False)
class AutoencoderModel(Int8Network):
    """Autoencoder; the score is the mean squared error of its output. :meth:`from_tflite` makes one."""

    kind: ClassVar[Kind] = "autoencoder"

    @classmethod
    def from_tflite(cls, tflite: bytes, *, arena_size: int | None = None, slide: int = 0) -> AutoencoderModel:
        """Of a converted network; reads its quantisation, and measures its arena unless given.

        Raises
        ------
        ModelError
            Where the network is not one a device can score with.
        """
        found, inputs, outputs = cls.read(tflite, arena_size, slide)
        if inputs != outputs:
            raise ModelError(
                f"the network takes {inputs} values and gives {outputs}: an autoencoder gives what it takes"
            )
        return cls(**found)


Head = KMeansModel | GaussianMixtureModel | MahalanobisModel | NeighboursModel


@dataclass(eq=False)
class NetworkModel(Int8Network):
    """A network, and what is made of its output. :meth:`from_tflite` makes one.

    - ``"reconstruct"``: the output is the vector again, the residual what it misses;
    - ``"predict"``: the output is the values from `first` on, which the network does not see, the residual what it
      misses of them (interpolation: Suefusa et al., 2020);
    - ``"embed"``: the output itself, an embedding, takes the residual's place.

    Without a head the score is the mean square of the residual. With one, the residual, averaged over `fold` equal
    parts, is scored by the head.

    Parameters
    ----------
    use : {"reconstruct", "predict", "embed"}
        What the output is.
    dim : int
        Values of a vector.
    outputs : int
        Values that the network gives.
    first : int
        First value that is predicted, in a vector of `dim`; else 0.
    fold : int
        Parts over which the residual is averaged before the head sees it; divides `outputs`. 1 without a head.
    head : KMeansModel, GaussianMixtureModel, MahalanobisModel, NeighboursModel or None
        What scores the residual or embedding, of ``outputs / fold`` values, as they are.
    """

    kind: ClassVar[Kind] = "network"
    use: Use
    dim: int
    outputs: int
    first: int = 0
    fold: int = 1
    head: Head | None = None

    def __post_init__(self) -> None:
        if self.use == "embed" and self.head is None:
            raise ModelError("an embedding has no score of its own: give it a head")
        if self.fold < 1 or self.outputs % self.fold or (self.head is None and self.fold != 1):
            raise ModelError(f"a residual of {self.outputs} values cannot be averaged over {self.fold} parts")
        if self.head is not None and self.head.dim != self.outputs // self.fold:
            raise ModelError(f"the head takes {self.head.dim} values, the network gives {self.outputs // self.fold}")

    @classmethod
    def from_tflite(
        cls,
        tflite: bytes,
        *,
        use: Use,
        dim: int,
        first: int = 0,
        fold: int = 1,
        head: Head | None = None,
        arena_size: int | None = None,
        slide: int = 0,
    ) -> NetworkModel:
        """Of a converted network; reads its quantisation, and measures its arena unless given.

        Raises
        ------
        ModelError
            Where the network is not one a device can score with, or the parts do not fit.
        """
        found, taken, outputs = cls.read(tflite, arena_size, slide)
        inputs = dim - outputs if use == "predict" else dim
        if taken != inputs or (use == "reconstruct" and outputs != dim) or not 0 <= first <= dim - outputs:
            raise ModelError(
                f"the network takes {taken} values and gives {outputs}, which does not fit vectors of {dim}"
                f" for {use!r}" + (f" from value {first} on" if use == "predict" else "")
            )
        return cls(
            **found,
            use=use,
            dim=dim,
            outputs=outputs,
            first=first,
            fold=fold,
            head=head,
        )


Member = Head | NetworkModel


@dataclass(eq=False)
class CombinedModel:
    """Two models on the same vector; the score is the sum or the greater of their calibrated scores.

    A member's calibrated score is ``weight * (score - offset)``, its offset being what is usual for a healthy machine
    and its weight one over how far that varies.

    Parameters
    ----------
    members : tuple of two models
        Of different kinds; at most one network. What the head of a network is, no member can be.
    offsets, weights : tuple of two floats
        Finite; weights > 0.
    mode : {"sum", "max"}
        What is made of the two.
    """

    kind: ClassVar[Kind] = "combined"
    members: tuple[Member, Member]
    offsets: tuple[float, float]
    weights: tuple[float, float]
    mode: Literal["sum", "max"] = "sum"

    def __post_init__(self) -> None:
        if self.members[0].dim != self.members[1].dim:
            raise ModelError(f"the members take {self.members[0].dim} and {self.members[1].dim} values: give them one")
        kinds = [kind for member in self.members for kind in (member.kind, getattr(member, "head", None)) if kind]
        names = [kind if isinstance(kind, str) else kind.kind for kind in kinds]
        if len(set(names)) != len(names):
            raise ModelError(
                f"a bundle holds one model of a kind, and these are {', '.join(names)}: choose other members"
            )
        if not (np.isfinite(self.offsets).all() and np.isfinite(self.weights).all() and min(self.weights) > 0):
            raise ModelError("offsets must be finite, and weights positive: check the healthy scores they come from")

    @property
    def dim(self) -> int:
        """Values of a vector."""
        return self.members[0].dim

    @property
    def network(self) -> NetworkModel | None:
        """The member that is a network."""
        return next((member for member in self.members if isinstance(member, NetworkModel)), None)


Model = Head | AutoencoderModel | NetworkModel | CombinedModel


def network_of(model: Model) -> AutoencoderModel | NetworkModel | None:
    """The network that a model runs, its own or a member's; None where there is none."""
    if isinstance(model, CombinedModel):
        return model.network
    return model if isinstance(model, (AutoencoderModel, NetworkModel)) else None


def is_quantised(model: Model) -> bool:
    """Whether any part of a model is int8, so that its scores differ from those of the float model."""
    if isinstance(model, CombinedModel):
        return any(is_quantised(member) for member in model.members)
    return isinstance(model, (AutoencoderModel, NetworkModel, NeighboursModel))


_CLASSES: dict[str, Any] = {
    cls.kind: cls
    for cls in (
        KMeansModel, GaussianMixtureModel, MahalanobisModel, NeighboursModel,
        AutoencoderModel, NetworkModel, CombinedModel,
    )
}  # fmt: skip


def model_of(parts: dict[str, Any]) -> Any:
    """The model of what the parser found: ``kind`` and the class's fields, nested for heads and members."""
    given = {
        name: model_of(value) if name == "head" and value else value for name, value in parts.items() if name != "kind"
    }
    if parts["kind"] == "combined":
        given["members"] = tuple(model_of(member) for member in given["members"])
    return _CLASSES[parts["kind"]](**given)
