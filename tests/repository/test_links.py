# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Links of the pages: tools/check_links.py finds those that lead nowhere, and there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

import check_links


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "other.md").write_text("# One\n\n## Two `words`, and a [link](x.md)\n\n## Same\n\n## Same\n")
    (tmp_path / "code.c").write_text("")
    return tmp_path / "page.md"


@pytest.mark.parametrize(
    "link",
    [
        "other.md", "other.md#one", "other.md#two-words-and-a-link", "other.md#same-1", "code.c", "code.c#L1", "#here",
        "https://example.org/none", "mailto:a@example.org", "./other.md",
    ],
)  # fmt: skip
def test_a_good_link(page: Path, link: str) -> None:
    page.write_text(f"# Here\n\n[text]({link})\n\n[ref]: {link}\n")
    assert check_links.broken(page) == []


@pytest.mark.parametrize("link", ["none.md", "other.md#none", "other.md#same-2", "#none", "../none/", "other.md#Two"])
def test_a_broken_link(page: Path, link: str) -> None:
    page.write_text(f"# Here\n\n[text]({link})\n")
    assert check_links.broken(page) == [link]
    page.write_text(f"# Here\n\n[ref]: {link}\n")
    assert check_links.broken(page) == [link]


def test_code_holds_no_links(page: Path) -> None:
    page.write_text("# Here\n\n```c\nv = a[i](none.md);\n# Not a heading\n```\n\n`b[j](none.md)`\n")
    assert check_links.broken(page) == []
    assert check_links.anchors(page) == {"here"}


def test_every_link_of_the_repository_leads_somewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert check_links.main() == 0, capsys.readouterr().err
