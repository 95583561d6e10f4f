# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures and sounds of the report as data URIs, each picture with the sentence that says what it shows."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...alarm.operating_point import OperatingPoint
from ...alarm.threshold import alarm_statistic, format_number
from ...bundle import Bundle
from ...extras import require
from ...features import Extractor
from ...learn.roc import curve
from ...twin import Scorer
from ..contributions import ByFrequency
from ..evaluate import Scored, figures
from .measures import Recorded

HEALTHY, STRANGE = "#1f6fb2", "#c23b22"
# Colours that differ in lightness too, after Okabe and Ito.
_LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000", "#e69f00")
# More curves than this in one picture cannot be told apart.
MACHINES_MAX = 7
# Sound below this rate holds nothing that a loudspeaker plays.
AUDIBLE_RATE = 1000
_PLAYED_RATE = 8000


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, and what it shows in words."""

    uri: str
    alt: str


def _pyplot() -> Any:
    require("matplotlib")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    # Text stays text, and the same data give the same bytes.
    pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "tocsin", "font.family": "DejaVu Sans"})
    return pyplot


def _finish(pyplot: Any, figure: Any, alt: str, *, form: str = "svg") -> Picture:
    out = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    figure.savefig(out, format=form, dpi=80, metadata=metadata)
    pyplot.close(figure)
    kind = "image/svg+xml" if form == "svg" else "image/png"
    return Picture(f"data:{kind};base64,{base64.b64encode(out.getvalue()).decode()}", alt)


def roc(groups: dict[str, list[Scored]]) -> Picture | None:
    """ROC curve of each group that has healthy and anomalous recordings; None where none has."""
    pyplot = _pyplot()
    curves = [(name, items, auc) for name, items in groups.items() if (auc := figures(items)[0]) is not None]
    if not curves:
        return None
    if len(curves) > MACHINES_MAX:
        curves = [*sorted(curves[:-1], key=lambda curve: curve[2])[: MACHINES_MAX - 1], curves[-1]]
    figure, axes = pyplot.subplots(figsize=(5.5, 5), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    styles = ("-", "--", "-.", ":") * 2
    for colour, style, (name, items, auc) in zip(_LINES, styles, curves, strict=False):
        truth = [item.clip.label == "anomaly" for item in items]
        false, true = curve(truth, [item.score for item in items])
        axes.step(false, true, where="post", color=colour, linestyle=style, label=f"{_plain(name)}: {auc:.3f}")
    axes.set(xlabel="healthy recordings called strange", ylabel="anomalies called strange", xlim=(0, 1), ylim=(0, 1.01))
    axes.legend(loc="lower right", title="AUC", fontsize=9)
    told = ", ".join(f"{name} {auc:.3f}" for name, _, auc in curves)
    return _finish(pyplot, figure, f"ROC curves. Area under the curve: {told}.")


def _plain(text: str) -> str:
    """Text that matplotlib does not take for mathematics, of bounded length."""
    text = text if len(text) <= 40 else text[:37] + "…"
    return text.replace("$", r"\$")


def histogram(name: str, recorded: Sequence[Recorded], threshold: float) -> Picture:
    """How the recordings' greatest smoothed scores are spread, with the threshold."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=(7, 2.4), layout="constrained")
    able = [item for item in recorded if item.peak is not None]
    values = np.array([item.peak for item in able] + [threshold], np.float64)
    wide = values.min() > 0 and values.max() > 30 * np.median(values)
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.geomspace(low, high, 41) if wide else np.linspace(low, high, 41)
    if wide:
        axes.set_xscale("log")
    said = []
    for label, colour, hatch in (("normal", HEALTHY, ""), ("anomaly", STRANGE, "//")):
        chosen = np.array([item.peak for item in able if item.clip.label == label], np.float64)
        word = "healthy" if label == "normal" else "anomalies"
        if len(chosen):
            axes.hist(chosen, bins=edges, alpha=0.6, color=colour, hatch=hatch, label=f"{word} ({len(chosen)})")
            over = int((chosen >= threshold).sum())
            said.append(f"{len(chosen)} {word}, median {np.median(chosen):.4g}, {over} at or over the threshold")
    axes.axvline(threshold, color="black", linestyle="--", label="threshold")
    axes.set(xlabel="greatest smoothed score of a recording", ylabel="recordings")
    figure.legend(fontsize=9, loc="outside right upper")
    return _finish(pyplot, figure, f"Scores of {name}: {'; '.join(said)}. Threshold {threshold:.4g}.")


def operating(points: Sequence[OperatingPoint], on: float, budget: float | None) -> Picture | None:
    """False alarms a day with their interval, anomalies found and delay by threshold; None without points.

    `budget`: false alarms a day; None where it is not known.
    """
    if not points:
        return None
    pyplot = _pyplot()
    curves = [("false_alarms_per_day", "false alarms\na day", 1.0), ("detection_rate", "anomalies\nfound, %", 100.0)]
    curves.append(("delay_seconds", "delay of the\nalarm, s", 1.0))
    shown = [c for c in curves if any(getattr(p, c[0]) is not None for p in points)]
    figure, rows = pyplot.subplots(
        len(shown), 1, figsize=(7, 1 + 1.6 * len(shown)), layout="constrained", sharex=True, squeeze=False
    )
    for axes, (name, label, factor) in zip(rows[:, 0], shown, strict=True):
        kept = [p for p in points if getattr(p, name) is not None]
        axes.plot([p.threshold_on for p in kept], [factor * getattr(p, name) for p in kept], color=_LINES[0])
        axes.axvline(on, color="black", linestyle="--", linewidth=1)
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        if name == "false_alarms_per_day":
            levels = [p.threshold_on for p in kept]
            floor = 1e-6  # nothing lower can be drawn on a logarithmic axis
            low, high = ([max(getattr(p, end), floor) for p in kept] for end in ("per_day_low", "per_day_high"))
            axes.fill_between(levels, low, high, color=_LINES[0], alpha=0.2, linewidth=0, label="95 % interval")
            axes.set_yscale("log")
            axes.set_ylim(bottom=1e-3)
            if budget is not None:
                axes.axhline(budget, color=STRANGE, linestyle=":", label="budget")
            figure.legend(fontsize=9, loc="outside right upper")
    rows[-1, 0].set_xlabel("threshold (dashed: the bundle's)")
    names = ", ".join(label.replace("\n", " ") for _, label, _ in shown)
    ends = f"{points[0].threshold_on:.4g} to {points[-1].threshold_on:.4g}"
    return _finish(pyplot, figure, f"By threshold, from {ends}: {names}.")


def frequency(healthy: ByFrequency | None, strange: ByFrequency | None) -> Picture | None:
    """Mean part of each band (and statistic) in the scores of healthy and of anomalous recordings, by channel."""
    some = strange or healthy
    if some is None:
        return None
    pyplot = _pyplot()
    parts = (["bands"] if len(some.hz) else []) + (["stats"] if some.names else [])
    channels = len(some.bands)
    figure, rows = pyplot.subplots(
        channels,
        len(parts),
        figsize=(5 + 3 * (len(parts) - 1), 1 + 1.7 * channels),
        layout="constrained",
        squeeze=False,
    )
    for channel in range(channels):
        for axes, part in zip(rows[channel], parts, strict=True):
            for found, colour, label, width in (
                (healthy, HEALTHY, "healthy", -0.2),
                (strange, STRANGE, "anomalies", 0.2),
            ):
                if found is None:
                    continue
                values = getattr(found, part)[channel]
                if part == "bands":
                    style = "-" if label == "anomalies" else "--"
                    axes.plot(found.hz, values, color=colour, linestyle=style, label=label, marker=".", markersize=3)
                else:
                    axes.bar(np.arange(len(values)) + width, values, 0.4, color=colour, label=label)
            if part == "stats":
                axes.set_xticks(range(len(some.names)), some.names)
            elif channel == channels - 1:
                axes.set_xlabel("frequency, Hz")
            axes.grid(alpha=0.3)
        name = f"axis {'xyz'[channel]}: " if channels > 1 else ""
        rows[channel][0].set_ylabel(f"{name}part of score")
    rows[0][0].legend(fontsize=9)
    return _finish(
        pyplot,
        figure,
        f"Part of the score by frequency{' and statistic' if some.names else ''}. {peak_words(healthy, strange)}",
    )


def _hertz(hz: float) -> str:
    """Frequency to three digits."""
    return f"{hz / 1000:.3g} kHz" if hz >= 1000 else f"{hz:.3g} Hz"


def peak_words(healthy: ByFrequency | None, strange: ByFrequency | None) -> str:
    """Sentence about where anomalies differ the most from healthy recordings."""
    if strange is None or healthy is None:
        return "Anomalous and healthy recordings are needed to compare them."
    candidates: list[tuple[float, str, float, float]] = []
    for channel in range(len(strange.bands)):
        axis = f" of axis {'xyz'[channel]}" if len(strange.bands) > 1 else ""
        for i, hz in enumerate(strange.hz):
            pair = float(strange.bands[channel, i]), float(healthy.bands[channel, i])
            candidates.append((pair[0] - pair[1], f"the band around {_hertz(hz)}{axis}", *pair))
        for i, name in enumerate(strange.names):
            pair = float(strange.stats[channel, i]), float(healthy.stats[channel, i])
            candidates.append((pair[0] - pair[1], f"the {name}{axis}", *pair))
    _, name, of_strange, of_healthy = max(candidates)
    total = sum(c[2] for c in candidates)
    share = f", {100 * of_strange / total:.0f} % of the whole" if total > 0 else ""
    return (
        f"Anomalies differ the most in {name}: its part of their score is {format_number(of_strange)} on"
        f" average{share}. Of a healthy recording's score it is {format_number(of_healthy)}."
    )


def example(bundle: Bundle, samples: npt.NDArray[np.int16], name: str) -> Picture:
    """Waveform where it is vibration, spectrogram, and what the decision stage saw against the threshold."""
    from scipy.signal import spectrogram

    pyplot = _pyplot()
    features, decision = bundle.features, bundle.decision
    wide = samples.reshape(len(samples), -1).astype(np.float64) * features.scale
    vibration = features.sensor == "vibration"
    figure, rows = pyplot.subplots(
        3 if vibration else 2,
        1,
        figsize=(7, 4.6 if vibration else 3.6),
        layout="constrained",
        sharex=True,
        height_ratios=[1.2, 2, 1] if vibration else [2, 1],
    )
    seconds = len(wide) / features.sample_rate
    if vibration:
        time = np.arange(len(wide)) / features.sample_rate
        for i, colour in zip(range(wide.shape[1]), _LINES, strict=False):
            # A picture has some hundred columns: thousands of samples more cannot be seen.
            every = max(1, len(wide) // 4000)
            rows[0].plot(
                time[::every], (wide - wide.mean(axis=0))[::every, i], color=colour, linewidth=0.6, label="xyz"[i]
            )
        rows[0].set_ylabel("g, less mean")
        rows[0].legend(fontsize=8, loc="upper right", ncols=3)
    length = min(1024, max(16, 2 ** int(np.log2(max(16, len(wide) / 4)))), len(wide))
    overlap = length // 2 if len(wide) > 64 * length else length * 7 // 8
    hz, at, power = spectrogram(
        wide - wide.mean(axis=0), features.sample_rate, nperseg=length, noverlap=overlap, axis=0
    )
    if power.ndim == 3:
        power = power.mean(axis=1)
    level = 10 * np.log10(power + 1e-20)
    edges = np.linspace(0, seconds, len(at) + 1)
    rows[-2].pcolormesh(
        edges,
        np.append(hz, hz[-1] + hz[1]) if len(hz) > 1 else np.array([0.0, 1.0]),
        level,
        cmap="magma",
        vmin=np.percentile(level, 2),
        vmax=level.max(),
        rasterized=True,
    )
    rows[-2].set_ylabel("Hz")
    vectors, _ = Extractor(features).vectors(samples)
    scores = Scorer(bundle).score(vectors)
    step = features.window_step / features.sample_rate
    ends = features.window_span / features.sample_rate + step * np.arange(len(scores))
    # A window's score stands for the time since the window before it, the first one's for all of the window.
    rows[-1].step(np.r_[0, ends], np.r_[scores[0], scores], where="pre", color="0.5", linewidth=1, label="score")
    wanted = decision.smooth + decision.min_windows - 1
    if len(scores) >= wanted:
        judged = alarm_statistic(scores, decision.smooth, decision.min_windows)
        since = np.r_[ends[wanted - 1] - step, ends[wanted - 1 :]] if wanted > 1 else np.r_[0, ends]
        rows[-1].step(since, np.r_[judged[0], judged], where="pre", color=_LINES[0], label="judged")
    rows[-1].axhline(decision.threshold_on, color="black", linestyle="--", linewidth=1, label="threshold")
    rows[-1].set(xlabel="seconds", ylabel="score", xlim=(0, seconds))
    rows[-1].legend(fontsize=8, loc="upper right", ncols=3)
    alt = (
        f"{'Waveform, spectrogram' if vibration else 'Spectrogram'} and scores of {name}, {seconds:.3g} s: scores from"
        f" {scores.min():.4g} to {scores.max():.4g}, threshold {decision.threshold_on:.4g}."
    )
    return _finish(pyplot, figure, alt, form="png")


def sound(samples: npt.NDArray[np.int16], rate: int, *, vibration: bool, seconds: float) -> str | None:
    """FLAC of the first `seconds` as a data URI; None where the recording holds nothing audible.

    Vibration is played as if it were sound, all axes together, as loud as it can be.
    """
    import soundfile

    if rate < AUDIBLE_RATE:
        return None
    cut = samples[: int(seconds * rate)].reshape(-1, 1 if samples.ndim == 1 else samples.shape[1])
    if vibration:
        mono = (cut - cut.mean(axis=0)).sum(axis=1)
        mono = 0.9 * mono / max(1.0, float(np.abs(mono).max()))
    else:
        mono = cut[:, 0].astype(np.float64) / 32768
    if rate < _PLAYED_RATE:
        import soxr

        mono, rate = soxr.resample(mono, rate, _PLAYED_RATE), _PLAYED_RATE
    out = io.BytesIO()
    soundfile.write(out, mono, rate, format="FLAC", subtype="PCM_16")
    return f"data:audio/flac;base64,{base64.b64encode(out.getvalue()).decode()}"
