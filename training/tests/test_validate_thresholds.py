# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""tools/validate_thresholds.py: what it trains, what it hears, and what it counts."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tocsin.bundle import (
    Decision,
    KMeansModel,
    MahalanobisModel,
    NetworkModel,
    Normalisation,
    read_bundle,
    write_bundle,
)
from tocsin.errors import ModelError
from tocsin.features.frontend import FrontEnd, vibration_features
from tocsin.synth import record
from tocsin.synth.wav import to_pcm16
from tocsin.twin import score_clip

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    sys.path.insert(0, str(TOOLS))
    try:
        import validate_thresholds
    finally:
        sys.path.pop(0)
    return validate_thresholds


def plan_of(tool: ModuleType, folder: Path, **changes: Any) -> Any:
    given = {
        "machine": "fan", "ids": 1, "domain": "vibration", "kinds": ("kmeans",), "train_hours": 0.05, "hours": 0.01,
        "seconds": 4.0, "validation": 0.3, "seed": 3, "folder": folder,
    }  # fmt: skip
    return tool.Plan(**{**given, **changes})


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("gmm", {"kind": "gmm", "head": None}),
        ("autoencoder+mahalanobis", {"kind": "autoencoder", "head": "mahalanobis"}),
        ("combined", {"kind": "combined"}),
        ("combined+idnn+gmm", {"kind": "combined", "members": ("idnn", "gmm")}),
    ],
)
def test_kinds_name_heads_and_members(tool: ModuleType, text: str, options: dict[str, Any]) -> None:
    assert tool.parse_kind(text) == options


@pytest.mark.parametrize("text", ["", "gnn", "idnn+idnn", "idnn+gmm+gmm", "combined+gmm", "combined+gmm+svm"])
def test_what_is_no_kind_is_refused(tool: ModuleType, text: str) -> None:
    with pytest.raises(ModelError, match=r"autoencoder.*\+head"):
        tool.parse_kind(text)


def test_recordings_of_several_machines_take_turns(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tool, tmp_path, ids=2, kinds=("embedding+mahalanobis",))
    tool.work(plan)
    file = plan.file("embedding+mahalanobis", "judged")
    assert file.parent.parent.name == "vibration-fanx2-3"
    bundle = read_bundle(np.load(file)["bundle"].tobytes())
    assert isinstance(bundle.model, NetworkModel)
    assert bundle.model.use == "embed"
    assert isinstance(bundle.model.head, MahalanobisModel)
    held = tool.load(plan.file("embedding+mahalanobis", "held-0"))
    assert len(held) == 9
    for number, scores in enumerate(held[:4]):
        clip = record(
            "fan", seconds=4.0, seed=3, domain="vibration", machine_id=2 * (number % 2), clip=tool.HELD_OUT + number
        )
        samples, _ = to_pcm16(clip.samples, full_scale=4.0)
        assert scores.mean(dtype=np.float64) == pytest.approx(score_clip(bundle, samples), rel=1e-6)

    monkeypatch.setattr(tool, "record", lambda *_, **__: pytest.fail("what was heard is heard again"))
    tool.work(plan)


def test_alarms_are_counted_outside_the_set(tool: ModuleType, tmp_path: Path) -> None:
    # A window is a second.
    front = FrontEnd(frame=100, hop=100, window_frames=1)
    features = vibration_features(front, sample_rate=100, channels=1, scale_g=1e-4, clip_samples=1000)
    dim = features.n_vector
    raw = write_bundle(
        None,
        features=features,
        normalisation=Normalisation(np.zeros(dim, np.float32), np.ones(dim, np.float32)),
        model=KMeansModel(np.zeros((1, dim), np.float32)),
        decision=Decision(1, 1, 1.0, 0.5),
        meta={},
    )
    # Three hours of recordings of 10 s and ten windows, two machines by turns. In the second hour, the second machine
    # scores ten times as high.
    plan = plan_of(tool, tmp_path, ids=2, seconds=10.0, hours=3)
    rng = np.random.default_rng(0)
    scores = [rng.exponential(size=10).astype(np.float32) for _ in range(1080)]
    for i in range(361, 720, 2):
        scores[i] *= 10
    tool.save(plan.file("kmeans", "judged"), scores[:1], bundle=np.frombuffer(raw, np.uint8))
    for first in (0, 360, 720):
        tool.save(plan.file("kmeans", f"held-{first}"), scores[first : first + 360])
    row = tool.check(plan, "kmeans", "20/hour", 1)
    assert (row["sets"], row["set_hours"], row["test_hours"]) == (3, 1.0, 2.0)
    # By a threshold from the loud hour next to nothing alarms; by one from a usual hour, half of the loud one does.
    assert row["worst"][0] < 0.1
    assert row["worst"][1] > 10
    assert row["of_id"][0] == pytest.approx(2 / 3, abs=0.4)
    assert row["of_id"][1] > 10
    assert row["interval_holds"] == "0/3"
