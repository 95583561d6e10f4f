# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The core alone: what works without the extras, what names them, what a command loads before it starts."""

from __future__ import annotations

import ast
import os
import pty
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import requires
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

import tocsin
from tocsin.cli import COMMANDS
from tocsin.cli.synth import MACHINE_NAMES
from tocsin.data.readers import FORMATS
from tocsin.device.wire import LinkGone, Port, wait
from tocsin.extras import PACKAGES, MissingExtra, require
from tocsin.learn.roc import area, curve
from tocsin.synth import MACHINES

TESTS = Path(__file__).parent
PACKAGE = Path(tocsin.__file__).parent
# What the core must do without; the readers' packages are named by the readers.
HEAVY = tuple(name for name, item in PACKAGES.items() if item.extra in ("train", "tune", "plots"))


def host(*, without: Sequence[str] = (), posix: bool = True) -> dict[str, str]:
    """Environment of a process on a host that lacks something."""
    return {
        **os.environ,
        "PYTHONPATH": str(TESTS / "hidden"),
        "TOCSIN_TEST_WITHOUT": ",".join(without),
        "TOCSIN_TEST_NO_POSIX": "" if posix else "1",
    }


def call(*words: object, without: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command on a host that lacks packages."""
    command = [sys.executable, "-c", "from tocsin.cli import main; main()", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=host(without=without))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recordings and a detector."""
    import wheel_smoke

    root = tmp_path_factory.mktemp("core")
    wheel_smoke.make_data(root / "data")
    wheel_smoke.make_bundle(root / "fan.tocsin")
    return root


@pytest.mark.parametrize("posix", [True, False], ids=["posix", "no-posix"])
def test_the_core_works_without_any_extra(posix: bool) -> None:
    command = [sys.executable, str(TESTS / "wheel_smoke.py")]
    env = host(without=tuple(PACKAGES), posix=posix)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the core works" in done.stdout


# The data set is not there: what is missing is named before anything is read.
WANTED = [
    ("sklearn", "train", "train --data absent -o new.tocsin"),
    ("tensorflow", "train", "train --data absent --model autoencoder -o new.tocsin"),
    ("tensorflow", "train", "train --data absent --model combined --members idnn,kmeans -o new.tocsin"),
    ("optuna", "tune", "tune --data absent -o new.tocsin"),
    ("sklearn", "train", "tune --data absent -o new.tocsin"),
    ("matplotlib", "plots", "tune --data absent -o new.tocsin --plot front.png"),
    ("matplotlib", "plots", "eval fan.tocsin --data absent --plots plots"),
    ("matplotlib", "plots", "report fan.tocsin --data absent -o page.html"),
    ("sklearn", "train", "transfer --data absent --model kmeans"),
    ("matplotlib", "plots", "transfer --data absent --model kmeans --plot map.png"),
]


@pytest.mark.parametrize(("package", "extra", "words"), WANTED)
def test_what_is_missing_is_named_in_one_line(package: str, extra: str, words: str, place: Path) -> None:
    command = [str(place / word) if (place / word).exists() else word for word in words.split()]
    done = call(*command, without=[package])
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith(f"error: {PACKAGES[package].name} is needed for this and not installed")
    assert done.stderr.rstrip().endswith(f'pip install "tocsin[{extra}]"')
    assert not Path("new.tocsin").exists()


def test_a_late_import_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from tocsin.cli import cli, inspect

    def late(*_: object, **__: object) -> None:
        import optuna.storages  # noqa: F401

    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.setattr(inspect.inspect, "callback", late)
    result = CliRunner().invoke(cli, ["inspect", "x"])
    assert result.exit_code == 2
    assert 'pip install "tocsin[tune]"' in result.output


def test_require_names_all_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    require("sklearn")
    for name in ("sklearn", "optuna"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r'scikit-learn and Optuna are needed .* "tocsin\[train,tune\]"'):
        require("sklearn", "optuna")


def imports() -> dict[str, list[tuple[Path, bool]]]:
    """Third-party packages that Tocsin imports: where, and whether as soon as the file is."""
    found: dict[str, list[tuple[Path, bool]]] = {}

    def visit(node: ast.AST, path: Path, at_once: bool) -> None:
        for child in ast.iter_child_nodes(node):
            names = []
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom) and not child.level and child.module:
                names = [child.module]
            for name in names:
                root = name.partition(".")[0]
                if root not in sys.stdlib_module_names and root != "tocsin":
                    found.setdefault(root, []).append((path, at_once))
            typing = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            if not typing:
                visit(child, path, at_once and not isinstance(child, ast.FunctionDef))

    for path in PACKAGE.rglob("*.py"):
        visit(ast.parse(path.read_text("utf-8")), path, True)
    return found


# As they are imported, where that is not as they are installed.
INSTALLED = {"serial": "pyserial", "tflite_micro": "tflite-micro", "av": "av", "sklearn": "scikit-learn"}


def test_every_import_is_a_dependency_or_a_known_extra() -> None:
    core = {re.split(r"[^\w.-]", line)[0].lower() for line in requires("tocsin") or () if "extra ==" not in line}
    for package, places in imports().items():
        assert package in PACKAGES or INSTALLED.get(package, package).lower() in core, (package, places)
    assert "numpy" in core
    assert not {"scikit-learn", "tensorflow", "tensorflow-cpu", "optuna", "matplotlib"} & core


def test_optional_packages_are_imported_where_they_are_used() -> None:
    for package in HEAVY:
        places = imports()[package]
        assert not [path for path, at_once in places if at_once], package


def test_extras_install_what_their_name_promises() -> None:
    lines = [line.lower().replace("'", '"') for line in requires("tocsin") or ()]
    installed = {"sklearn": "scikit-learn", "nptdms": "nptdms"}
    for name, (_, extra) in PACKAGES.items():
        package = installed.get(name, name)
        assert any(line.startswith(package) and f'extra == "{extra}"' in line for line in lines), (name, extra)
    assert {form.extra for form in FORMATS if form.extra} <= {item.extra for item in PACKAGES.values()}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    code = f"import sys; from tocsin.cli import cli; cli(['{command}', '--help'], standalone_mode=False)"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert loaded & set(imports()) == {"click"}


def cpu(code: str) -> float:
    """Seconds of processor time that an interpreter takes at least, of five."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(5))


def test_the_command_line_starts_within_its_time(record_property: pytest.RecordProperty) -> None:
    # Processor time: what others do on this machine does not count. Both in one run, to tell the interpreter's share.
    bare = cpu("pass")
    starts = cpu("from tocsin.cli import cli; cli(['--help'], standalone_mode=False)")
    record_property("bare", bare)
    record_property("starts", starts)
    print(f"the interpreter takes {bare:.3f} s, tocsin --help {starts:.3f} s")
    assert starts <= 0.3


def test_synth_names_the_machines_that_there_are() -> None:
    assert tuple(MACHINES) == MACHINE_NAMES


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.25, 1.0, 2.0, 1e9])), min_size=2, max_size=40))
def test_areas_are_those_of_scikit_learn(pairs: list[tuple[bool, float]]) -> None:
    truth, scores = np.array([wanted for wanted, _ in pairs]), np.array([score for _, score in pairs])
    if truth.all() or not truth.any():
        return
    for limit in (1.0, 0.1, 0.5):
        wanted = roc_auc_score(truth, scores, max_fpr=None if limit == 1 else limit)
        assert area(truth, scores, max_fpr=limit) == pytest.approx(wanted, abs=1e-12)
    for ours, theirs in zip(curve(truth, scores), roc_curve(truth, scores), strict=False):
        np.testing.assert_array_equal(ours, theirs)


def test_areas_of_many_scores_are_scikit_learns_to_the_bit(rng: np.random.Generator) -> None:
    truth, scores = rng.random(500) < 0.4, rng.normal(size=500).round(2)
    assert area(truth, scores) == roc_auc_score(truth, scores)
    assert area(truth, scores, max_fpr=0.1) == roc_auc_score(truth, scores, max_fpr=0.1)


def test_a_port_without_select_carries_bytes_and_says_when_it_is_gone() -> None:
    ours, theirs = pty.openpty()
    port = Port(os.ttyname(theirs), 115200)
    try:
        wait(port, writing=False, timeout=0.01)
        assert port.read() == b""
        threading.Timer(0.05, os.write, (ours, b"\x00hello\x00")).start()
        wait(port, writing=False, timeout=5.0)
        assert port.read() == b"\x00hello\x00"
        assert port.write(b"answer") == 6
        assert os.read(ours, 16) == b"answer"
        os.close(theirs)
        os.close(ours)
        with pytest.raises(LinkGone, match="the link is gone"):
            port.read()
    finally:
        port.close()


def test_a_port_that_is_not_there_is_gone() -> None:
    with pytest.raises(LinkGone, match="is the device plugged in"):
        Port("/dev/no-such-port", 115200)
