# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The streaming twin against the batch path, and its gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import KINDS, LOGMEL, STATS, bundle_of, noise
from tocsin.bundle import Decision
from tocsin.errors import DataError, ModelError, TocsinError
from tocsin.features import Extractor
from tocsin.twin import Event, Gap, Scorer, Twin, Window, score_clip

BUNDLES = {kind: bundle_of(kind) for kind in KINDS}


def windows_of(results) -> list[Window]:
    return [result for result in results if isinstance(result, Window)]


def batch(bundle, samples):
    vectors, spans = Extractor(bundle.features).vectors(samples)
    return vectors, spans, Scorer(bundle).score(vectors)


@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(0, 3000),
    block=st.integers(1, 700),
    pieces=st.lists(st.integers(0, 900), max_size=8),
    seed=st.integers(0, 3),
)
def test_streaming_is_batch_bit_for_bit(kind, n, block, pieces, seed):
    bundle = BUNDLES[kind]
    samples = noise(bundle.features, n, seed=seed)
    vectors, spans, scores = batch(bundle, samples)
    twin = Twin(bundle, block=block, keep_vectors=True)
    results = []
    position = 0
    for piece in [*pieces, n]:
        results += twin.push(samples[position : position + piece])
        position += piece
    results += twin.finish()
    windows = windows_of(results)
    assert twin.vectors.tobytes() == vectors.tobytes()
    assert np.array([w.score for w in windows], np.float32).tobytes() == scores.tobytes()
    assert [(w.begin, w.end) for w in windows] == [tuple(span) for span in spans.tolist()]
    assert not any(isinstance(result, Gap) for result in results)
    assert twin.index == n


def test_smoothing_and_events_follow_the_definition():
    bundle = bundle_of("kmeans", decision=Decision(3, 2, 60.0, 50.0))
    quiet, loud = noise(STATS, 1500, amplitude=200.0), noise(STATS, 1500, seed=1, amplitude=9000.0)
    samples = np.concatenate([quiet, loud, quiet])
    results = Twin(bundle).push(samples)
    windows = windows_of(results)
    scores = np.array([w.score for w in windows])
    assert all(math.isnan(w.smoothed) for w in windows[:2])
    smoothed = np.convolve(scores, np.ones(3) / 3, "valid")
    np.testing.assert_allclose([w.smoothed for w in windows[2:]], smoothed, rtol=1e-6)
    threshold = (smoothed[:20].max() + smoothed.max()) / 2
    bundle = bundle_of("kmeans", decision=Decision(3, 2, float(threshold), float(threshold)))
    twin = Twin(bundle)
    results = twin.push(samples)
    events = [result for result in results if isinstance(result, Event)]
    over = np.flatnonzero(smoothed >= np.float32(threshold)) + 2
    assert [event.kind for event in events][:1] == ["begin"]
    runs = np.split(over, np.flatnonzero(np.diff(over) > 1) + 1)
    first = next(run for run in runs if len(run) >= 2)
    assert events[0].begin == windows[first[0]].begin
    assert events[0].end == windows[first[1]].end
    # An event comes directly after the window in which it was decided.
    assert results[results.index(events[0]) - 1] == windows[first[1]]
    assert events[1].kind == "end"
    assert events[1].begin == events[0].begin
    assert not twin.active


@given(
    kind=st.sampled_from(["kmeans", "gmm_diagonal"]),
    parts=st.lists(st.tuples(st.integers(0, 500), st.integers(1, 400)), min_size=1, max_size=5),
    tail=st.integers(0, 500),
    block=st.integers(1, 300),
)
def test_no_window_spans_a_gap(kind, parts, tail, block):
    bundle = BUNDLES[kind]
    features = bundle.features
    twin = Twin(bundle, block=block, keep_vectors=True)
    results, expected_spans, expected_vectors, gaps = [], [], [], []
    position = 0
    # Adjacent losses are one gap; expected windows are those of each part by itself.
    for number, (take, skip) in enumerate([*parts, (tail, 0)]):
        samples = noise(features, take, seed=number)
        results += twin.push(samples)
        vectors, spans = Extractor(features).vectors(samples)
        expected_vectors.append(vectors)
        expected_spans += [(position + int(begin), position + int(end)) for begin, end in spans]
        position += take
        if skip:
            results += twin.skip(skip)
            if gaps and take == 0:
                gaps[-1] = (gaps[-1][0], gaps[-1][1] + skip)
            else:
                gaps.append((position, skip))
            position += skip
    results += twin.finish()
    windows = windows_of(results)
    found = [result for result in results if isinstance(result, Gap)]
    assert [(w.begin, w.end) for w in windows] == expected_spans
    assert twin.vectors.tobytes() == np.concatenate(expected_vectors).tobytes()
    assert sum(gap.count for gap in found) == sum(count for _, count in gaps)
    for gap in found:
        assert any(index <= gap.index and gap.index + gap.count <= index + count for index, count in gaps)
        assert not any(w.begin < gap.index + gap.count and gap.index < w.end for w in windows)
    # Every loss is told before the windows after it.
    order = [result.index if isinstance(result, Gap) else result.begin for result in results
             if not isinstance(result, Event)]  # fmt: skip
    assert order == sorted(order)
    assert twin.index == position


def test_a_gap_starts_the_smoothing_afresh():
    twin = Twin(bundle_of("kmeans", decision=Decision(3, 1, 1e6, 1e6)))
    samples = noise(STATS, 600)
    results = [*twin.push(samples), *twin.skip(1), *twin.push(samples)]
    at = next(i for i, result in enumerate(results) if isinstance(result, Gap))
    assert results[at] == Gap(600, 1)
    after = windows_of(results[at:])
    assert [math.isnan(w.smoothed) for w in after[:4]] == [True, True, False, False]


def test_a_gap_at_the_very_end_is_told_once():
    twin = Twin(BUNDLES["kmeans"])
    twin.push(noise(STATS, 200))
    assert twin.skip(30) == []
    assert twin.skip(12) == []
    assert twin.finish() == [Gap(200, 42)]
    assert twin.finish() == []


def test_reset_is_a_new_twin():
    bundle = BUNDLES["gmm_full"]
    samples = noise(bundle.features, 1000)
    twin = Twin(bundle, keep_vectors=True)
    first = twin.push(samples)
    twin.push(samples[:777])
    twin.skip(5)
    twin.reset()
    assert twin.index == 0
    assert twin.vectors.shape == (0, bundle.features.n_vector)
    assert repr(twin.push(samples)) == repr(first)


@pytest.mark.parametrize("kind", KINDS)
def test_a_clips_score_is_the_mean_of_its_windows(kind):
    bundle = BUNDLES[kind]
    samples = noise(bundle.features, 3000)
    expected = np.mean([w.score for w in windows_of(Twin(bundle).push(samples))])
    assert score_clip(bundle, samples) == pytest.approx(expected, rel=1e-12)
    assert score_clip(bundle, samples) == score_clip(
        bundle, samples, extractor=Extractor(bundle.features), scorer=Scorer(bundle)
    )


def test_a_clip_shorter_than_a_window_is_refused():
    with pytest.raises(DataError, match="a window spans 92"):
        score_clip(BUNDLES["kmeans"], noise(STATS, 91))


@pytest.mark.parametrize(("samples", "message"), [
    (np.zeros((10, 2), np.int16), "expected"), (np.zeros((10, 3)), "int16"), (np.full((9, 3), np.nan), "int16"),
])  # fmt: skip
def test_other_samples_are_refused(samples, message):
    twin = Twin(BUNDLES["kmeans"])
    with pytest.raises(DataError, match=message):
        twin.push(samples)
    assert twin.index == 0


@pytest.mark.parametrize("options", [
    {"block": 0}, {"ring_capacity": 300}, {"ring_capacity": 256, "block": 250}, {"ring_capacity": 2**25},
])  # fmt: skip
def test_other_rings_are_refused(options):
    with pytest.raises(TocsinError, match="power of two"):
        Twin(BUNDLES["kmeans"], **options)


def test_the_smallest_ring_suffices():
    samples = noise(STATS, 2000)
    small = Twin(BUNDLES["kmeans"], block=96, ring_capacity=128)
    assert repr(small.push(samples)) == repr(Twin(BUNDLES["kmeans"]).push(samples))


def test_a_negative_loss_is_refused():
    with pytest.raises(DataError):
        Twin(BUNDLES["kmeans"]).skip(-1)


def test_a_failing_network_is_told_and_the_twin_goes_on(monkeypatch):
    bundle = BUNDLES["autoencoder"]
    twin = Twin(bundle)
    samples = noise(LOGMEL, 2000)
    expected = windows_of(Twin(bundle).push(samples))
    network = twin._infer._network
    run = network.run

    def fail(inputs):
        raise ModelError("the network failed")

    monkeypatch.setattr(network, "run", fail)
    with pytest.raises(ModelError, match="the network failed"):
        twin.push(samples[:800])
    monkeypatch.setattr(network, "run", run)
    rest = windows_of(twin.push(samples[800:]))
    assert [w.score for w in rest] == [w.score for w in expected[-len(rest) :]]
    assert len(rest) > 5


def test_a_network_with_another_output_is_refused(monkeypatch):
    twin = Twin(BUNDLES["autoencoder"])
    monkeypatch.setattr(twin._infer._network, "run", lambda inputs: inputs[:, :-1])
    with pytest.raises(ValueError, match="another length"):
        twin.push(noise(LOGMEL, 1000))
