# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What was measured on a board, as a JSON report."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any


class Evidence:
    """Measurements, each with the image and the detector that they are of."""

    def __init__(self) -> None:
        self._runs: list[dict[str, Any]] = []

    def add(self, *, board: str, kind: str, image: Path, bundle: bytes, measured: dict[str, Any]) -> None:
        """Note what was measured on a board with an image and a bundle."""
        self._runs.append(
            {
                "board": board,
                "kind": kind,
                "image": image.name,
                "image_sha256": hashlib.sha256(image.read_bytes()).hexdigest(),
                "bundle_sha256": hashlib.sha256(bundle).hexdigest(),
                **measured,
            }
        )

    def write(self, path: Path) -> None:
        """Write the report; nothing was measured where `runs` is empty."""
        report = {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "runs": self._runs}
        path.write_text(json.dumps(report, indent=2) + "\n")
