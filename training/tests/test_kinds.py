# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The table of model kinds against the firmware's, the formats' pages and the classes that stand for them."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from conftest import REPOSITORY
from tocsin.bundle import Kind
from tocsin.bundle.kinds import MODEL_KINDS, NAMES
from tocsin.bundle.models import _CLASSES, Int8Network
from tocsin.device.messages import KINDS
from tocsin.learn.kinds import HEADS, TABLE

# Words for a kind in docs/reference/link.md.
LINK_WORDS = {
    "k-means": "kmeans", "Gaussian mixture": "gmm", "Mahalanobis": "mahalanobis", "autoencoder": "autoencoder",
    "nearest neighbours": "neighbours", "network": "network", "combination of two": "combined",
}  # fmt: skip


def page(name: str) -> str:
    return (REPOSITORY / "docs" / "reference" / name).read_text()


def test_numbers_are_the_firmwares() -> None:
    header = (REPOSITORY / "modules/score/include/tocsin/score.h").read_text()
    body = re.search(r"enum tocsin_score_kind \{(.*?)\}", header, re.DOTALL)
    assert body
    found = {int(number): name.lower() for name, number in re.findall(r"TOCSIN_SCORE_(\w+) = (\d+)", body[1])}
    assert found == NAMES


def test_a_host_names_every_kind_of_a_device() -> None:
    assert KINDS == {0: "none"} | NAMES


def test_the_links_page_lists_every_kind() -> None:
    listed = re.search(r"u8 model \(([^)]*)\)", page("link.md"))
    assert listed
    said = {int(number): LINK_WORDS[words] for number, words in re.findall(r"(\d+) ([^,]+)", listed[1])}
    assert said == NAMES


def test_the_bundles_page_lists_every_kind() -> None:
    text = page("bundle.md")
    one_of = re.search(r"One of ((?:`\w{4}`(?:, )?)+)", text)
    assert one_of
    assert set(re.findall(r"`(\w{4})`", one_of[1])) == {kind.section for kind in MODEL_KINDS}
    heads = re.search(r"head \(0 none, ([^)]*)\)", text)
    assert heads
    said = {(int(number), section) for number, section in re.findall(r"(\d+) `(\w{4})`", heads[1])}
    assert said == {(kind.number, kind.section) for kind in MODEL_KINDS if kind.head}
    members = re.search(r"two members `u32` kind \(([^)]*)\)", text, re.DOTALL)
    assert members
    assert {int(number) for number in re.findall(r"\b\d\b", members[1])} == {
        kind.number for kind in MODEL_KINDS if kind.member
    }


@pytest.mark.parametrize("kind", MODEL_KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_its_class(kind: object) -> None:
    assert kind.name in get_args(Kind)
    assert issubclass(_CLASSES[kind.name], Int8Network) == kind.network


def test_what_is_trained_becomes_a_kind_of_a_bundle() -> None:
    assert {kind.bundle for kind in TABLE} == set(NAMES.values()) == set(_CLASSES)
    assert set(HEADS) == {kind.name for kind in MODEL_KINDS if kind.head}
