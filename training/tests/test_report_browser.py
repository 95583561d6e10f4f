# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The report in a real browser: it is drawn, its pictures and sounds are decoded, and it asks nobody for anything."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from recordings import hum, mimii
from tocsin.alarm.threshold import parse_rate
from tocsin.data import Issues, ReadOptions, open_dataset
from tocsin.evaluation.evaluate import read_options
from tocsin.evaluation.report import ReportOptions, write_report
from tocsin.features.frontend import FrontEnd
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import train

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
if BROWSER is None:
    pytest.skip("no Chromium to open the report with (Debian: chromium)", allow_module_level=True)

# What a fresh Chromium asks for by itself, whatever it shows.
ITS_OWN = re.compile(r"(^|\.)(google\.com|googleapis\.com|gvt1\.com|gstatic\.com)$")

PROBE = """
<img src="http://tocsin-probe.invalid/x.png" alt="">
<p id="probe"></p>
<script>
console.error("probe speaks");
addEventListener("load", () => {
  const seen = () => {
    const found = {
      images: [...document.images].filter(i => i.src.startsWith("data:")).map(i => i.naturalWidth),
      sounds: [...document.querySelectorAll("audio")].map(a => [a.readyState, a.duration]),
      errors: [...document.querySelectorAll("audio")].filter(a => a.error).length,
      width: document.documentElement.scrollWidth, window: innerWidth,
    };
    document.getElementById("probe").textContent = "probe:" + JSON.stringify(found) + ":end";
  };
  seen();
  document.querySelectorAll("audio").forEach(a => a.addEventListener("loadedmetadata", seen));
});
</script>
</body>"""


class Seen(NamedTuple):
    """What a run of the browser showed."""

    hosts: set[str]
    console: list[str]
    output: str


def browse(page: Path, folder: Path, *options: str) -> Seen:
    """Open a page without a window; the names of hosts that were asked for, what the console said, and the output."""
    log = folder / "net.json"
    command = [
        BROWSER or "",
        "--headless",
        # Chromium refuses to run as root with its sandbox; the page is our own.
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        f"--user-data-dir={folder / 'profile'}",
        "--enable-logging=stderr",
        f"--log-net-log={log}",
        *options,
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    urls = re.findall(r'"url":"([a-z]+://[^"\\]*)', log.read_text("utf-8", errors="replace"))
    hosts = {urlsplit(url).hostname or "" for url in urls if url.startswith(("http", "ws", "ftp"))}
    lines = done.stderr.decode(errors="replace").splitlines()
    return Seen({h for h in hosts if not ITS_OWN.search(h)}, [x for x in lines if "CONSOLE" in x], done.stdout.decode())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("browser")
    data = mimii(root / "data", normal=8, abnormal=2, seconds=6)
    options = TrainOptions(kind="kmeans", budget=parse_rate("1/hour"), clusters=2, front_end=FrontEnd(bands=32))
    bundle = train(open_dataset(data, ReadOptions()), None, options).bundle
    dataset = open_dataset(data, read_options(bundle, {}))
    chosen = ReportOptions(title="A fan", examples=1)
    write_report(bundle, dataset, root / "report.html", chosen, issues=Issues())
    return root / "report.html"


def test_page_is_drawn_and_asks_for_nothing(page: Path, tmp_path: Path) -> None:
    picture = tmp_path / "shot.png"
    seen = browse(page, tmp_path, "--window-size=1000,4000", f"--screenshot={picture}")
    assert seen.console == []
    assert seen.hosts == set()
    from matplotlib.image import imread

    pixels = imread(picture)[..., :3]
    assert pixels.shape[:2] == (4000, 1000)
    # Text, curves and a spectrogram: not one flat sheet, from the top to well below.
    for part in range(4):
        assert pixels[600 * part : 600 * (part + 1)].std() > 0.05, part


def test_pictures_and_sounds_are_decoded(page: Path, tmp_path: Path) -> None:
    text = page.read_text("utf-8")
    changed = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", text).replace("</body>", PROBE)
    assert changed.count("probe speaks") == 1
    probe = tmp_path / "probe.html"
    probe.write_text(changed, "utf-8")
    seen = browse(probe, tmp_path, "--window-size=600,900", "--virtual-time-budget=20000", "--dump-dom")
    # The browser's log and console do show what the other test says is not there.
    assert seen.hosts == {"tocsin-probe.invalid"}
    assert any("probe speaks" in line for line in seen.console)
    found = json.loads(re.findall(r"probe:(\{.*\}):end", seen.output)[-1])
    assert len(found["images"]) >= 6
    assert min(found["images"]) > 100
    assert found["errors"] == 0
    assert found["sounds"]
    for ready, seconds in found["sounds"]:
        assert ready >= 1
        assert seconds == pytest.approx(len(hum(0, seconds=6)) / 16000, abs=0.1)
    assert found["width"] <= found["window"], "the page is wider than a narrow window"
