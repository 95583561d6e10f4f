# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The site: it builds without a warning, its links lead somewhere, and it asks nothing of other hosts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = (ROOT / "mkdocs.yml").read_text()


def build(site: Path, config: Path = ROOT / "mkdocs.yml", url: str = "") -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does."""
    if find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed (training's extra docs)")
    command = [sys.executable, "-m", "mkdocs", "build", "--config-file", str(config), "--site-dir", str(site)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "TOCSIN_REPOSITORY_URL": url}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    if shutil.which("doxygen") is None:
        assert "the C headers are left out: doxygen is not installed" in done.stderr
    return folder


class Collected(HTMLParser):
    """Links and identifiers of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.ids |= {value for name in ("id", "name") if (value := said.get(name))}
        if tag == "a" and said.get("href"):
            self.links.append(said["href"] or "")
        elif tag in ("img", "script", "iframe") and said.get("src"):
            self.loaded.append(said["src"] or "")
        elif tag == "link" and said.get("rel") in ("stylesheet", "preload", "icon"):
            self.loaded.append(said.get("href") or "")


def collect(page: Path) -> Collected:
    found = Collected()
    found.feed(page.read_text())
    return found


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Collected]:
    # 404.html has links from the site's root.
    return {page: collect(page) for page in site.rglob("*.html") if page.name != "404.html"}


def test_links_lead_somewhere(site: Path, pages: dict[Path, Collected]) -> None:
    wrong = []
    for page, found in pages.items():
        for link in found.links + found.loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            there = target.is_file()
            # Doxygen 1.9 gives members of unnamed unions no anchor where its index expects one.
            if there and parts.fragment and target in pages and "c-headers" not in target.parts:
                there = unquote(parts.fragment) in pages[target].ids
            if not there:
                wrong.append(f"{page.relative_to(site)}: {link}")
    assert len(pages) > 50
    assert wrong == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Collected]) -> None:
    loaded = {src for found in pages.values() for src in found.loaded}
    assert loaded
    assert [src for src in loaded if urlsplit(src).netloc] == []


def test_the_python_api_is_there(pages: dict[Path, Collected], site: Path) -> None:
    twin = pages[site / "reference" / "api" / "twin" / "index.html"]
    assert {"tocsin.twin.Twin", "tocsin.twin.Twin.push", "tocsin.twin.Scorer"} <= twin.ids
    rooms = {path.parent.name for path in (site / "reference" / "api").glob("*/index.html")}
    assert {"bundle", "data", "features", "synth"} <= rooms
    assert not {"cli", "_core"} & rooms


def test_the_c_headers_are_there(pages: dict[Path, Collected], site: Path) -> None:
    if shutil.which("doxygen") is None:
        pytest.skip("doxygen is not installed")
    listing = pages[site / "reference" / "c-headers" / "files.html"]
    for header in (ROOT / "modules").glob("*/include/tocsin/*.h"):
        assert any(link.startswith(header.stem.replace("_", "__") + "_8h") for link in listing.links), header
    assert "../c-headers/files.html" in pages[site / "reference" / "c" / "index.html"].links


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r"[\w/-]+\.md", CONFIG))
    there = {p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    assert {page for page in there if not page.startswith("decisions/0")} == {
        n for n in named if (ROOT / "docs" / n).is_file()
    }


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("[a](none.md)", "none.md"),
        ("[a](architecture.md#none)", "none"),
        ("[a](../none.c)", "../none.c is not in the repository"),
        ("::: tocsin.none", "tocsin.none"),
    ],
)
def test_a_mistake_ends_the_build(tmp_path: Path, line: str, complaint: str) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "docs" / "index.md").write_text(f"# Home\n\n{line}\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text(
        CONFIG.replace("docs_dir: docs", f"docs_dir: {tmp_path / 'docs'}")
        .replace("tools/site/hooks.py\n\n", f"{ROOT}/tools/site/hooks.py\n\n")
        .replace("training/src", f"{ROOT}/training/src")
    )
    done = build(tmp_path / "site", config)
    assert done.returncode != 0
    assert complaint in done.stderr


def test_links_to_the_repository_go_where_it_lies(tmp_path: Path) -> None:
    done = build(tmp_path, url="https://example.org/tocsin")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "tutorials" / "first-detector" / "index.html").read_text()
    assert 'href="https://example.org/tocsin/blob/HEAD/README.md#with-a-zephyr-workspace"' in page
