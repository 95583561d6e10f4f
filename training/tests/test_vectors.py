# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The golden vectors, bit for bit. Formats: tests/vectors/README.md."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

from conftest import REPOSITORY
from tocsin.bundle import read_bundle
from tocsin.tflite.interpreter import BACKEND
from tocsin.twin import Event, Gap, Twin, Window

INDEX = json.loads((REPOSITORY / "tests" / "vectors" / "index.json").read_text())


@pytest.fixture(params=INDEX)
def case(request, vectors_dir):
    """Name, folder and index entry of a case."""
    return request.param, vectors_dir / request.param, INDEX[request.param]


@pytest.mark.parametrize("block", [1, 256, 1000])
def test_the_twin_gives_the_golden_results(case, vectors_dir, block):
    name, folder, entry = case
    if name == "autoencoder" and BACKEND != "tflite-micro":
        pytest.skip("only TensorFlow Lite Micro gives the device's bytes, see tocsin.tflite.interpreter")
    bundle = read_bundle(folder / "bundle.tocsin")
    samples = np.frombuffer((vectors_dir / entry["input"]).read_bytes(), "<i2").reshape(-1, entry["channels"])
    twin = Twin(bundle, block=block, keep_vectors=True)
    results, position = [], 0
    for take, skip in struct.iter_unpack("<II", (folder / "stream.bin").read_bytes()):
        results += twin.push(samples[position : position + take])
        results += twin.skip(skip)
        position += take
    assert position == len(samples)
    kinds = {"begin": 1, "end": 2}
    found = {Window: b"", Event: b"", Gap: b""}
    for r in results:
        if isinstance(r, Window):
            found[Window] += struct.pack("<QQff", r.begin, r.end, r.score, r.smoothed)
        elif isinstance(r, Event):
            found[Event] += struct.pack("<QQIf", r.begin, r.end, kinds[r.kind], r.peak)
        else:
            found[Gap] += struct.pack("<QQ", r.index, r.count)
    expected_vectors = (folder / "vectors.f32").read_bytes()
    assert twin.vectors.astype("<f4").tobytes() == expected_vectors, f"{name}: other feature bytes"
    assert found[Window] == (folder / "windows.bin").read_bytes(), f"{name}: other scores"
    assert found[Event] == (folder / "events.bin").read_bytes(), f"{name}: other events"
    assert found[Gap] == (folder / "gaps.bin").read_bytes(), f"{name}: other gaps"


def test_the_index_is_that_of_the_files(case):
    _, folder, entry = case
    assert {path.name for path in folder.iterdir()} == set(entry["crc32"])
    for file, crc in entry["crc32"].items():
        assert f"{zlib.crc32((folder / file).read_bytes()):08x}" == crc, file
    assert len((folder / "vectors.f32").read_bytes()) == 4 * entry["dim"] * entry["windows"]
    assert entry["events"]
    assert entry["gaps"]


@pytest.mark.skipif(BACKEND != "tflite-micro", reason="the script runs the autoencoder too")
def test_the_script_agrees():
    command = [sys.executable, str(REPOSITORY / "tools" / "make_vectors.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
