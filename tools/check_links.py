# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Check that every relative link of the Markdown pages leads to a file, and to a heading of it; 0 where all do.

Example: python3 tools/check_links.py

Addresses on the web are not asked for: the check gives the same answer without a network.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)")
REFERENCE = re.compile(r"^\[[^\]]+\]: +<?(\S+?)>?(?: |$)", re.MULTILINE)
CODE = re.compile(r"^( *)(```|~~~).*?^\1\2\s*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
# A link in a heading counts by its text.
INLINE_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def slug(heading: str) -> str:
    """Name a heading as forges and the site do: lower case, no punctuation, a hyphen for each space."""
    text = INLINE_LINK.sub(r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@cache
def anchors(page: Path) -> frozenset[str]:
    """Every anchor of a page; equal headings are numbered from the second on."""
    # Only whole blocks of code: a heading may hold `code`.
    text = re.sub(r"^( *)(```|~~~).*?^\1\2\s*$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    seen: Counter[str] = Counter()
    found = set()
    for heading in HEADING.findall(text):
        name = slug(heading)
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return frozenset(found)


def targets(page: Path) -> list[str]:
    """Targets of a page's links, code left out."""
    text = CODE.sub("", page.read_text())
    return LINK.findall(text) + REFERENCE.findall(text)


def leads_somewhere(page: Path, target: str) -> bool:
    """Tell whether a link's target exists; those with a scheme are believed."""
    if re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
        return True
    name, _, anchor = unquote(target).partition("#")
    file = page.parent / name if name else page
    if not file.exists():
        return False
    return not anchor or file.suffix != ".md" or anchor in anchors(file.resolve())


def broken(page: Path) -> list[str]:
    """Links of a page that lead nowhere."""
    return [target for target in targets(page) if not leads_somewhere(page, target)]


def main() -> int:
    """Check all pages that git knows."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pages = [ROOT / name for name in listing.split("\n") if name and (ROOT / name).is_file()]
    wrong = [f"{page.relative_to(ROOT)}: {target}" for page in pages for target in broken(page)]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(pages)} pages, {len(wrong)} broken links")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
