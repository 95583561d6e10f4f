# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The report: its figures against the twin and formulas, what it says, and that it stands alone."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from builders import KINDS, STATS, bundle_of
from recordings import hum, mimii, shakes, write
from tocsin.alarm.threshold import parse_rate
from tocsin.bundle import Bundle, GaussianMixtureModel, is_quantised, network_of, read_bundle
from tocsin.bundle.cost import measure_cost
from tocsin.cli import cli
from tocsin.data import Clip, Issues, ReadOptions, open_dataset
from tocsin.evaluation.contributions import by_frequency, centres, contributor, partial
from tocsin.evaluation.evaluate import evaluate, read_options
from tocsin.evaluation.report import ReportOptions, make_page, measure, pictures
from tocsin.evaluation.report.measures import Recorded, chosen_points, delay, operating_points
from tocsin.features import FeatureConfig
from tocsin.features.frontend import FrontEnd
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import train
from tocsin.twin import Event, Scorer, Twin

QUICK = TrainOptions(kind="kmeans", budget=parse_rate("1/hour"), clusters=2, front_end=FrontEnd(bands=32))
NASTY = '<script>alert(1)</script>&"quoted"\'.wav'


def call(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


class Page(HTMLParser):
    """What the tests look at in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.words += " ".join(data.split()) + " "

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def fan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = mimii(tmp_path_factory.mktemp("fan"), normal=12, abnormal=4, seconds=6)
    # A faint whistle, which is missed, under a name that must not become markup (a slash would be a folder).
    write(root / "fan/id_00/abnormal" / NASTY.replace("/", "\u2044"), 0.999 * hum(77, seconds=6))
    return root


@pytest.fixture(scope="module")
def bundle(fan: Path) -> Bundle:
    return train(open_dataset(fan, ReadOptions()), None, QUICK).bundle


@pytest.fixture(scope="module")
def page(fan: Path, bundle: Bundle) -> str:
    return page_of(bundle, fan, examples=1)


def page_of(detector: Bundle, data: Path, **options: object) -> str:
    dataset = open_dataset(data, read_options(detector, {}))
    issues = Issues()
    measured = measure(detector, dataset, issues=issues)
    chosen = ReportOptions(title="Fan <of> hall 3", **{"bundle": "hall3.tocsin", **options})  # type: ignore[arg-type]
    return make_page(detector, dataset, measured, chosen, issues)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_sum_up_to_the_devices_score(kind: str) -> None:
    bundle = bundle_of(kind)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(30, bundle.features.n_vector))
    if isinstance(bundle.model, GaussianMixtureModel):
        # So near to one component that the others' share is nothing: -log p = parts / 2 - log_const.
        x = bundle.model.means[1] + 0.3 * x
    vectors = (x / bundle.normalisation.inv_std + bundle.normalisation.mean).astype(np.float32)
    check_parts(bundle, kind, vectors)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_name_what_lies_beyond_the_range(kind: str) -> None:
    bundle = bundle_of(kind)
    x = np.zeros((30, bundle.features.n_vector))
    x[np.arange(30), np.arange(30) % 7] = 40.0
    vectors = (x / bundle.normalisation.inv_std + bundle.normalisation.mean).astype(np.float32)
    found = contributor(bundle)
    if kind == "combined_sum":
        assert found is None
        return
    assert found is not None
    if kind not in ("gmm_full", "mahalanobis_full", "neighbours_full"):  # whose parts go by the covariance
        assert (found(vectors).argmax(axis=1) == np.arange(30) % 7).all()
    if not kind.startswith("gmm"):  # of which several components may have a share so far away
        check_parts(bundle, kind, vectors)


def check_parts(bundle: Bundle, kind: str, vectors: np.ndarray) -> None:
    """The parts of the score sum up to it."""
    found = contributor(bundle)
    if kind == "combined_sum":
        assert found is None
        return
    assert found is not None
    parts, scores = found(vectors), Scorer(bundle).score(vectors)
    assert parts.shape == vectors.shape
    if partial(bundle):
        assert kind in ("network_embed", "combined_max")
        network = network_of(bundle.model)
        assert network is not None
        x = (vectors - bundle.normalisation.mean) * bundle.normalisation.inv_std
        low, high = (network.in_scale * (end - network.in_zero) for end in (-128, 127))
        beyond = np.maximum(0, np.maximum(x - high, low - x))
        np.testing.assert_allclose(parts, beyond**2, rtol=1e-3, atol=1e-3)
    elif kind == "autoencoder":
        np.testing.assert_allclose(parts.mean(axis=1), scores, rtol=1e-4)
    elif kind == "network_predict":
        np.testing.assert_allclose(parts.sum(axis=1) / bundle.model.outputs, scores, rtol=1e-4)  # type: ignore[union-attr]
    elif kind.startswith("gmm"):
        np.testing.assert_allclose(parts.sum(axis=1) / 2 - bundle.model.log_const[1], scores, rtol=1e-4)  # type: ignore[union-attr]
    else:
        np.testing.assert_allclose(np.sqrt(parts.sum(axis=1)), scores, rtol=1e-4)


def test_part_of_a_value_stands_at_its_frequency() -> None:
    features = FeatureConfig.vibration(
        sample_rate=1000, scale_g=1e-3, frame_length=200, hop=100, n_fft=256, n_bands=5, fmin=10, fmax=500,
        spacing="linear", stats=("rms", "kurtosis"), pool=("mean", "max"), window_frames=4, window_hop=2, channels=2,
    )  # fmt: skip
    parts = np.zeros(features.n_vector)
    # Two pools of (2 statistics + 5 bands) for each of two channels; this is the second pool's second channel, band 3.
    parts[14 + 7 + 2 + 3] = 5.0
    parts[7 + 1] = 2.0
    found = by_frequency(features, parts)
    assert found is not None
    assert np.argwhere(found.bands).tolist() == [[1, 3]]
    assert np.argwhere(found.stats).tolist() == [[1, 1]]
    assert found.names == ("rms", "kurtosis")
    np.testing.assert_allclose(found.hz, 10 + 98 * (np.arange(5) + 0.5), rtol=0.02)
    assert by_frequency(STATS, np.zeros(STATS.n_vector + 1)) is None


def test_whistle_is_found_where_it_is(fan: Path, bundle: Bundle) -> None:
    measured = measure(bundle, open_dataset(fan, read_options(bundle, {})), issues=Issues())
    strange = [r.parts for r in measured.recorded if r.clip.label == "anomaly" and "script" not in r.clip.name]
    healthy = [r.parts for r in measured.recorded if r.clip.label == "normal"]
    difference = np.mean(strange, axis=0) - np.mean(healthy, axis=0)  # type: ignore[arg-type]
    assert abs(centres(bundle.features)[difference.argmax()] - 2500) < 200


def test_measures_are_those_of_eval_and_of_the_stream(fan: Path, bundle: Bundle) -> None:
    dataset = open_dataset(fan, read_options(bundle, {}))
    measured = measure(bundle, dataset, issues=Issues())
    judged = evaluate(bundle, dataset, issues=Issues())
    assert measured.rows == judged.rows
    assert measured.scored == judged.scored
    assert measured.left_out == judged.left_out == 9
    on = bundle.decision.threshold_on
    delays = []
    for item in measured.recorded:
        events = [e for e in Twin(bundle).push(dataset.read(item.clip, Issues())) if isinstance(e, Event)]
        assert item.alarm(on) == bool(events)
        if events and item.clip.label == "anomaly":
            delays.append(events[0].end / 16000)
    assert delay(bundle, measured.recorded) == pytest.approx(np.median(delays))
    found = dict(chosen_points(bundle, measured))["as it is"]
    assert (found.threshold_on, found.counted) == (on, 0)
    assert found.detection_rate == pytest.approx(4 / 5)
    assert found.delay_seconds == pytest.approx(np.median(delays))


def test_thresholds_for_budgets_are_in_order(fan: Path, bundle: Bundle) -> None:
    measured = measure(bundle, open_dataset(fan, read_options(bundle, {})), issues=Issues())
    rows = chosen_points(bundle, measured)
    assert {name for name, _ in rows} == {"as it is", "for 1 an hour", "for 1 a day", "for 1 a week", "for 1 a month"}
    levels = [row.threshold_on for _, row in rows]
    assert levels == sorted(levels)
    rates = [row.false_alarms_per_day for _, row in rows]
    assert rates == sorted(rates, reverse=True)
    points = operating_points(bundle, measured)
    found = [p.detection_rate for p in points]
    assert found == sorted(found, reverse=True)  # type: ignore[type-var]
    assert found[0] == 1.0
    none = replace(measured, recorded=[item for item in measured.recorded if item.clip.label == "anomaly"])
    assert operating_points(bundle, none) == chosen_points(bundle, none) == []


def test_page_is_whole_and_asks_for_nothing(page: str) -> None:
    found = Page(page)
    for tag, attributes in found.tags:
        for name in ("src", "href", "data", "poster", "action"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, name)
    assert not {"script", "iframe", "object", "embed", "form"} & {tag for tag, _ in found.tags}
    assert not re.search(r"url\(|@import|https?://", page)
    policy = next(a for a in found.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in (policy["content"] or "")
    assert len(page) < 6e6


def test_pictures_have_words_and_players_have_names(page: str) -> None:
    found = Page(page)
    pictures_found = found.all("img")
    assert len(pictures_found) == 7  # ROC, scores, thresholds, frequencies, three recordings
    for picture in pictures_found:
        assert len(picture["alt"] or "") > 40
        kind, content = (picture["src"] or "").split(";base64,")
        raw = base64.b64decode(content)
        assert raw.startswith(b"\x89PNG") if kind == "data:image/png" else b"<svg" in raw[:600]
    players = found.all("audio")
    assert players
    assert all(player["aria-label"] and "controls" in player for player in players)
    assert found.all("html")[0]["lang"] == "en"
    assert found.all("title")


def test_player_plays_the_recording(page: str, fan: Path) -> None:
    player = next(p for p in Page(page).all("audio") if "normal" in (p["aria-label"] or ""))
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode((player["src"] or "").split(",")[1])), dtype="int16")
    name = (player["aria-label"] or "").removeprefix("Recording ")
    original, _ = soundfile.read(fan / name, dtype="int16")
    assert rate == 16000
    # int16 to float and back loses the last digit at most.
    assert np.abs(samples.astype(int) - original[: 10 * rate]).max() <= 1


def test_table_has_the_alarms_of_each_machine(page: str) -> None:
    rows = re.findall(r"<tr><td>([^<]*)</td>(.*?)</tr>", page, re.S)
    assert [name for name, _ in rows][-1] == "all"
    for _, cells in rows:
        found = re.findall(r">([^<]*)</td>", cells)
        assert [cell for cell in found if " of " in cell] == ["0 of 3", "4 of 5"]


def test_names_from_outside_are_text(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "Fan &lt;of&gt; hall 3" in page


def test_sentences_carry_the_figures(page: str, bundle: Bundle) -> None:
    words = Page(page).words
    for text in (
        "It raises an alarm on 4 of 5 anomalous recordings.",
        "It raises a false alarm on 0 of 3 healthy recordings.",
        "Tested on 3 healthy recordings and 5 anomalous recordings of",
        "9 recordings left out: the bundle was trained on or adapted to them.",
        "budget of 1 false alarm an hour",
        "1 anomalous recording of 5 raised no alarm",
        "0 healthy recordings of 3 raised an alarm",
        "5 anomalous recordings are few",
        f"The bundle takes {bundle.size} bytes of flash.",
        f"The detector works in {measure_cost(bundle).ram} bytes of RAM, with",
        f"about {measure_cost(bundle).instructions / 1e6:.3g} million instructions for a second of samples",
        "Anomalies differ the most in the band around 2.",
        "nothing is lost to int8",
        "tocsin rebaseline hall3.tocsin --data HEALTHY --method threshold --false-alarms 1/day -o hall3-day.tocsin",
    ):
        assert text in words, text


@pytest.mark.parametrize("kind", KINDS)
def test_int8_models_are_not_told_as_float(kind: str) -> None:
    float_only = kind.split("_", 1)[0] in ("kmeans", "gmm", "mahalanobis")
    assert is_quantised(bundle_of(kind).model) != float_only


def test_neighbours_are_compared_with_the_float_model(fan: Path) -> None:
    bundle = train(open_dataset(fan, ReadOptions()), None, replace(QUICK, kind="neighbours")).bundle
    words = Page(page_of(bundle, fan, examples=0)).words
    assert "nothing is lost to int8" not in words
    assert "by the int8 model that the device runs" in words
    # An AUC against recordings of the training's own time is no test, and says so.
    assert "5 anomalous recordings against the healthy ones that set the threshold, the AUC is" in words
    assert "It compares the two models alone" in words


def test_the_command_for_an_operating_point_works(fan: Path, bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "fan of hall 3.tocsin"
    path.write_bytes(bundle.raw)
    page = page_of(bundle, fan, examples=0, bundle=str(path))
    words = shlex.split(html.unescape(next(c for c in re.findall("<pre>(.*)</pre>", page) if "rebaseline" in c)))
    for i in range(6):
        write(tmp_path / f"new/normal/{i}.wav", hum(500 + i, seconds=6))
    words[words.index("HEALTHY")] = str(tmp_path / "new")
    result = call(*words[1:])
    assert result.exit_code == 0, result.output
    moved = read_bundle(Path(words[-1]))
    # The bundle's own budget is one an hour: the example is another row.
    assert moved.meta["threshold"]["budget"] == "1/day"


def test_without_anomalies_it_says_what_cannot_be_shown(bundle: Bundle, tmp_path: Path) -> None:
    for i in range(3):
        write(tmp_path / f"normal/{i}.wav", hum(100 + i, seconds=6))
    write(tmp_path / "normal/short.wav", hum(103, seconds=1.2))
    page = page_of(bundle, tmp_path, examples=1, audio_seconds=0)
    found = Page(page)
    assert "There are no anomalous recordings: how many faults it finds, the ROC and the delay cannot" in found.words
    assert "1 recording are too short" not in found.words
    assert "1 recording is too short for an alarm" in found.words
    assert "Without both healthy and anomalous recordings there is no ROC curve." in found.words
    assert not found.all("audio")
    assert "listen to" not in found.words.partition("Recordings to look at")[2][:20]
    assert "raised no alarm" not in found.words
    assert "and those nearest to a false alarm" not in found.words  # with one example there is none of them
    words = Page(page_of(bundle, tmp_path, examples=2)).words
    assert "and those nearest to a false alarm" in words
    assert "Recordings to look at and listen to" in words


def test_without_healthy_recordings_it_says_so(bundle: Bundle, tmp_path: Path) -> None:
    write(tmp_path / "anomaly/a.wav", hum(5, seconds=6, whistle=True))
    words = Page(page_of(bundle, tmp_path, examples=1)).words
    assert "There are no healthy test recordings" in words
    assert "1 anomalous recording is few" in words


@pytest.mark.parametrize("kind", ["mahalanobis", "autoencoder"])
def test_every_kind_has_a_page(kind: str, tmp_path: Path) -> None:
    data = shakes(tmp_path / "fan.npz", clips=24)
    options = replace(QUICK, kind=kind, epochs=2, front_end=FrontEnd())
    trained = train(open_dataset(data, ReadOptions(rate=200, unit="ug")), None, options).bundle
    words = Page(page_of(trained, data, examples=0)).words
    assert "lies below what a loudspeaker plays: there are no players" in words
    assert "Anomalies differ the most in" in words
    if kind == "autoencoder":
        assert "AUC is" in words
        assert "in int8" in words
        assert "of them the network's tensor arena" in words


def test_model_without_parts_still_has_a_page(fan: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.evaluation.report.measures.contributor", lambda _: None)
    assert "a score cannot be divided among frequencies" in Page(page_of(bundle, fan, examples=0)).words


def test_adaptations_are_told(fan: Path, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "old.tocsin").write_bytes(bundle.raw)
    for i in range(8):
        write(tmp_path / f"data/normal/{i}.wav", hum(200 + i, seconds=8))
    words = ("rebaseline", tmp_path / "old.tocsin", "--data", tmp_path / "data", "-o", tmp_path / "new.tocsin")
    assert call(*words, "--minutes", 1).exit_code == 0
    found = Page(page_of(read_bundle(tmp_path / "new.tocsin"), fan, examples=0)).words
    assert "Adapted to data (data) by 8 healthy recordings, 60 s: method normalisation, from the bundle" in found
    assert f"{bundle.crc:08x}" in found


def test_vibration_that_is_fast_enough_can_be_heard() -> None:
    samples = np.random.default_rng(0).integers(-300, 300, (1600, 3)).astype(np.int16)
    heard = pictures.sound(samples, 1600, vibration=True, seconds=10)
    assert heard is not None
    played, rate = soundfile.read(io.BytesIO(base64.b64decode(heard.split(",")[1])))
    assert (rate, len(played)) == (8000, 8000)
    assert np.abs(played).max() > 0.5
    assert pictures.sound(samples, 200, vibration=True, seconds=10) is None


def test_too_many_machines_are_not_all_drawn() -> None:
    groups = {}
    for i in range(12):
        clips = [Clip("c", Path("c"), label, f"m{i}") for label in ("normal", "anomaly")]  # type: ignore[arg-type]
        groups[f"m{i}"] = [
            pictures.Scored(clip, float(s)) for clip, s in zip(clips, (0, 1 - 2 * (i == 5)), strict=True)
        ]
    picture = pictures.roc(groups)
    assert picture is not None
    assert picture.alt.count("m") <= pictures.MACHINES_MAX + 2
    assert "m5 0.000" in picture.alt


def test_constant_scores_have_a_histogram() -> None:
    one = Recorded(Clip("c$x$", Path("c"), "normal", "m"), 1.0, 2.0, 2.0, np.array([2.0], np.float32), None)
    picture = pictures.histogram("a $name$", [one], 2.0)
    assert "1 healthy, median 2, 1 at or over the threshold" in picture.alt


def test_command_writes_and_reports(fan: Path, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "fan.tocsin").write_bytes(bundle.raw)
    words = ("report", tmp_path / "fan.tocsin", "--data", fan, "--examples", 0)
    result = call(*words, "-o", tmp_path / "report.html", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["false_alarms"], found["detected"], found["left_out"]) == (0, 4, 9)
    assert found["size"] == (tmp_path / "report.html").stat().st_size
    assert "fan.tocsin on " in (tmp_path / "report.html").read_text("utf-8")
    again = call(*words, "-o", tmp_path / "again.html")
    assert "wrote" in again.stdout
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "report.html").read_bytes()
    refused = call(*words, "-o", tmp_path / "no/report.html")
    assert (refused.exit_code, "no folder" in refused.stderr) == (2, True)
