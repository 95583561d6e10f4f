# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The public interface: what it names, that it loads late, and that its examples are true."""

from __future__ import annotations

import ast
import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tocsin
from recordings import mimii

HEAVY = ("numpy", "scipy", "sklearn", "tensorflow", "matplotlib", "click", "tocsin._core")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "python.md"


def test_import_loads_nothing() -> None:
    code = "import sys, tocsin; dir(tocsin); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "tocsin" in loaded
    assert not set(HEAVY) & set(loaded)
    assert [name for name in loaded if name.startswith("tocsin.")] == []


def test_reading_a_bundle_loads_no_trainer() -> None:
    code = "import sys, tocsin; tocsin.read_bundle, tocsin.Extractor; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "tocsin.bundle" in loaded
    assert not {"sklearn", "tensorflow", "matplotlib"} & set(loaded)


@pytest.mark.parametrize("name", tocsin.__all__)
def test_each_name_is_there_and_documented(name: str) -> None:
    found = getattr(tocsin, name)
    assert name in dir(tocsin)
    if name != "__version__":
        assert found.__name__ == name
        assert found.__doc__


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(tocsin.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    seen = {node.module: tuple(a.name for a in node.names) for node in tree.body if isinstance(node, ast.ImportFrom)}
    listed = next(node.value for node in tree.body if isinstance(node, ast.Assign))
    assert ast.literal_eval(listed) == tocsin.__all__
    assert seen == tocsin._FROM
    names = [name for group in seen.values() for name in group]
    assert sorted([*names, "__version__"]) == sorted(tocsin.__all__)
    assert (Path(tocsin.__file__).parent / "py.typed").is_file()


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        _ = tocsin.tarin


def test_the_page_lists_every_name() -> None:
    listed = set(re.findall(r"^::: tocsin\.(\w+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == set(tocsin.__all__) - {"__version__"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_network: bytes) -> Path:
    """A folder with ``data`` and ``theirs.tflite``, as the examples have it."""
    root = tmp_path_factory.mktemp("place")
    mimii(root / "data")
    (root / "theirs.tflite").write_bytes(tiny_network)
    return root


def healthy(dataset):
    """Samples of the healthy recordings."""
    return [dataset.read(clip) for clip in dataset.clips if clip.label == "normal"]


def run_examples(text: str, name: str, folder: Path, names: dict) -> int:
    """Run the examples in a text; gives how many there are."""
    test = doctest.DocTestParser().get_doctest(text, names, name, name, 0)
    before = os.getcwd()
    os.chdir(folder)
    try:
        result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(test)
    finally:
        os.chdir(before)
    assert result.failed == 0
    return result.attempted


@pytest.mark.parametrize("name", ["open_dataset", "train", "evaluate", "import_model", "from_sklearn"])
def test_examples_of_docstrings(place: Path, name: str) -> None:
    if name == "evaluate":
        tocsin.train(place / "data", clusters=4, output=place / "fan.tocsin")
    assert run_examples(getattr(tocsin, name).__doc__, name, place, {"tocsin": tocsin, "healthy": healthy}) > 0


def test_examples_of_the_page(place: Path) -> None:
    assert run_examples(PAGE.read_text(encoding="utf-8"), "python.md", place, {}) > 5


def test_train_refuses_what_has_no_effect(place: Path) -> None:
    with pytest.raises(tocsin.ModelError, match=r"no option cluzters of train\. There are .*clusters"):
        tocsin.train(place / "data", cluzters=4)
    with pytest.raises(tocsin.ModelError, match="kmeans does not use epochs"):
        tocsin.train(place / "data", epochs=4)
    with pytest.raises(tocsin.DataError, match="open already"):
        tocsin.train(tocsin.open_dataset(place / "data"), reading=tocsin.ReadOptions())


def test_train_is_the_commands_train(place: Path, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from tocsin.cli.train import train as command

    given = ["--data", str(place / "data"), "--clusters", "3", "-o", str(tmp_path / "a.tocsin")]
    assert CliRunner().invoke(command, given).exit_code == 0
    trained = tocsin.train(place / "data", clusters=3, output=tmp_path / "b.tocsin")
    assert (tmp_path / "a.tocsin").read_bytes() == (tmp_path / "b.tocsin").read_bytes() == trained.raw
    scored = tocsin.evaluate(tmp_path / "b.tocsin", place / "data").scored
    assert np.isfinite([item.score for item in scored]).all()
