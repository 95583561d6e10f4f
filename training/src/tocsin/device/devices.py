# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Find the devices that are connected."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .link import Link
from .messages import STATES, Info
from .wire import LinkError

__all__ = ["SENSORS", "STATES", "Device", "ask", "find", "serial_ports"]

SENSORS = {1: "audio", 2: "vibration"}


@dataclass(frozen=True)
class Device:
    """A port, and who answered there.

    Attributes
    ----------
    port
        As ``--port`` takes it.
    description
        What the operating system calls it.
    info
        Who answered; None where nobody was asked, or nobody answered.
    problem
        Why there is no `info`, though somebody was asked.
    """

    port: str
    description: str
    info: Info | None = None
    problem: str = ""


def serial_ports(*, every: bool = False) -> list[tuple[str, str]]:
    """Serial ports and what they are; those of USB alone unless `every` is wanted."""
    from serial.tools import list_ports

    ports = sorted(list_ports.comports(), key=lambda port: str(port.device))
    return [(str(port.device), str(port.description)) for port in ports if every or port.vid is not None]


def ask(port: str, description: str, *, timeout: float) -> Device:
    """Say HELLO at a port."""
    try:
        with Link.open(port, timeout=timeout) as link:
            return Device(port, description, link.hello())
    except LinkError as error:
        return Device(port, description, problem=str(error))


def find(ports: Iterable[tuple[str, str]], *, probe: bool = True, timeout: float = 1.0) -> list[Device]:
    """Devices at `ports`, all asked at the same time."""
    listed = list(ports)
    if not probe or not listed:
        return [Device(port, description) for port, description in listed]
    with ThreadPoolExecutor(len(listed)) as pool:
        return list(pool.map(lambda item: ask(*item, timeout=timeout), listed))
