# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
# The public names for type checkers and editors; __init__.py loads each when it is used.

from .api import evaluate, import_model, open_dataset, train
from .bundle import Bundle, Decision, DutyCycle, Normalisation, read_bundle, write_bundle
from .bundle.cost import Cost, measure_cost
from .data import Clip, Dataset, ReadOptions
from .errors import BundleError, DataError, ModelError, TocsinError
from .evaluation.evaluate import Evaluation, Row, Scored
from .features import Extractor, FeatureConfig
from .features.frontend import FrontEnd
from .learn.estimators import from_sklearn
from .learn.train import Trained
from .twin import Event, Gap, Scorer, Twin, Window, score_clip

__version__: str

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
