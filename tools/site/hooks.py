# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What MkDocs does beyond its settings: pages of the Python API, the C headers, links that leave docs/.

The C headers are Doxygen's pages. Without doxygen the site is built without them, and a line says so.
"""

from __future__ import annotations

import fnmatch
import logging
import os
import posixpath
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "training" / "src" / "tocsin"
HEADERS = "reference/c-headers"
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
# On the page of the C headers, where the way to Doxygen's pages stands.
PLACE = "<!-- doxygen -->"

log = logging.getLogger("mkdocs.hooks.tocsin")


def rooms() -> list[str]:
    """Public modules and packages of `tocsin`, commands excepted: those are in the command line's page."""
    found = (p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file())
    return sorted(name for name in found if not name.startswith("_") and name != "cli")


def modules(room: str) -> list[str]:
    """Dotted names of a room's public modules that define something, the room itself first."""
    folder = PACKAGE / room
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]
    names = []
    for file in files:
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts) and defines(file):
            names.append(".".join(parts))
    return names


def defines(file: Path) -> bool:
    """Tell whether a module has a public class or function of its own."""
    return re.search(r"^(?:async )?(?:def|class) [^_]", file.read_text(), re.MULTILINE) is not None


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and write out the stars of the navigation."""
    for room in rooms():
        names = modules(room)
        if names:
            text = f"# tocsin.{room}\n\n" + "\n".join(f"::: {name}\n" for name in names)
            files.append(File.generated(config, f"reference/api/{room}.md", content=text))
    for name, content in headers().items():
        files.append(File.generated(config, f"{HEADERS}/{name}", content=content))
    config.nav = written_out(config.nav, sorted(file.src_uri for file in files.documentation_pages()))
    return files


def written_out(nav: Any, pages: list[str]) -> Any:
    """Replace each entry of the navigation that has a star by the pages that it names."""
    if isinstance(nav, dict):
        return {title: written_out(entry, pages) for title, entry in nav.items()}
    if not isinstance(nav, list):
        return nav
    entries: list[Any] = []
    for entry in nav:
        if isinstance(entry, str) and "*" in entry:
            entries += fnmatch.filter(pages, entry)
        else:
            entries.append(written_out(entry, pages))
    return entries


def headers() -> dict[str, bytes]:
    """Doxygen's pages by name; none where doxygen is not installed. A warning of Doxygen's ends the build."""
    if shutil.which("doxygen") is None:
        log.info("the C headers are left out: doxygen is not installed (Debian: doxygen)")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"TOCSIN_DOXYGEN_OUTPUT": folder}
        command = ["doxygen", str(ROOT / "tools" / "site" / "Doxyfile")]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PluginError(f"doxygen found fault with the headers:\n{done.stderr}")
        pages = Path(folder) / "html"
        return {p.relative_to(pages).as_posix(): p.read_bytes() for p in sorted(pages.rglob("*")) if p.is_file()}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links that leave docs/ to the repository, and show the way to the C headers."""
    if PLACE in markdown:
        there = files.get_file_from_path(f"{HEADERS}/files.html") is not None
        way = "[All headers, by Doxygen](c-headers/files.html)"
        markdown = markdown.replace(
            PLACE, way if there else "This site was built without Doxygen: read the headers themselves."
        )
    here = posixpath.dirname(page.file.src_uri)

    def led(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        if "://" in target or target.startswith(("mailto:", "/")):
            return match[0]
        path = posixpath.normpath(posixpath.join("docs", here, target))
        if path.startswith("docs/"):
            return match[0]
        if not (ROOT / path).exists():
            raise PluginError(f"{page.file.src_uri}: {target} is not in the repository")
        if not config.repo_url:
            return text
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"[{text}]({config.repo_url.rstrip('/')}/{kind}/HEAD/{path}{anchor})"

    return LINK.sub(led, markdown)
