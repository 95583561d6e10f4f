# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Where the tests find their data, and how hypothesis runs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[2]

# A shared, slow machine must not fail a test by being slow; a failure must be the same on the next run.
settings.register_profile(
    "tocsin", deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tocsin")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The recordings for tests: $TOCSIN_DATA, or shared/data beside the repository."""
    path = Path(os.environ.get("TOCSIN_DATA", REPOSITORY.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no recordings at {path}: set TOCSIN_DATA")
    return path


@pytest.fixture(scope="session")
def vectors_dir() -> Path:
    """The golden vectors."""
    return REPOSITORY / "tests" / "vectors"


@pytest.fixture(scope="session")
def tiny_network(vectors_dir: Path) -> bytes:
    """An int8 autoencoder of 32 values."""
    return (vectors_dir / "autoencoder.tflite").read_bytes()


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in each run."""
    return np.random.default_rng(1)
