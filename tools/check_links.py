# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Check that every relative link of the Markdown pages leads to a file of the repository; 0 where all do.

Example: python3 tools/check_links.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def broken(page: Path) -> list[str]:
    """Links of a page that lead nowhere."""
    targets = (target.split("#")[0] for target in LINK.findall(page.read_text()))
    return [t for t in targets if t and "://" not in t and not (page.parent / t).exists()]


def main() -> int:
    """Check all pages that git knows."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pages = [ROOT / name for name in listing.split("\n") if name]
    wrong = [f"{page.relative_to(ROOT)}: {target}" for page in pages for target in broken(page)]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(pages)} pages, {len(wrong)} broken links")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
