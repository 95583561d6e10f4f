# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Tocsin: train, pack and run detectors that hear a machine about to fail.

What stands in :data:`__all__` is the public interface. Each name is loaded when it is first used, so that
``import tocsin`` takes milliseconds.

Examples
--------
>>> import tocsin
>>> trained = tocsin.train("data", model="kmeans", output="fan.tocsin")  # doctest: +SKIP
>>> tocsin.evaluate(trained.bundle, "data").rows[-1].auc  # doctest: +SKIP
1.0
"""

from __future__ import annotations

__version__ = "0.2.0"

__all__ = [
    "Bundle",
    "BundleError",
    "Clip",
    "Cost",
    "DataError",
    "Dataset",
    "Decision",
    "DutyCycle",
    "Evaluation",
    "Event",
    "Extractor",
    "FeatureConfig",
    "FrontEnd",
    "Gap",
    "ModelError",
    "Normalisation",
    "ReadOptions",
    "Row",
    "Scored",
    "Scorer",
    "TocsinError",
    "Trained",
    "Twin",
    "Window",
    "__version__",
    "evaluate",
    "from_sklearn",
    "import_model",
    "measure_cost",
    "open_dataset",
    "read_bundle",
    "score_clip",
    "train",
    "write_bundle",
]

# Where each name comes from. A test compares this with __init__.pyi, which type checkers see.
_FROM = {
    "api": ("evaluate", "import_model", "open_dataset", "train"),
    "bundle": ("Bundle", "Decision", "DutyCycle", "Normalisation", "read_bundle", "write_bundle"),
    "bundle.cost": ("Cost", "measure_cost"),
    "data": ("Clip", "Dataset", "ReadOptions"),
    "errors": ("BundleError", "DataError", "ModelError", "TocsinError"),
    "evaluation.evaluate": ("Evaluation", "Row", "Scored"),
    "features": ("Extractor", "FeatureConfig"),
    "features.frontend": ("FrontEnd",),
    "learn.estimators": ("from_sklearn",),
    "learn.train": ("Trained",),
    "twin": ("Event", "Gap", "Scorer", "Twin", "Window", "score_clip"),
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used (PEP 562)."""
    for module, names in _FROM.items():
        if name in names:
            from importlib import import_module

            found = getattr(import_module(f".{module}", __name__), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
