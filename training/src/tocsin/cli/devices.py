# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin devices``: what is connected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..device.devices import Device

_EPILOG = """\b
Exit status: 0 whether or not there is a device, 2 an error.
Example: tocsin devices --json"""


@click.command(epilog=_EPILOG)
@click.option(
    "--port", "more", multiple=True, help="Ask here too: a serial port, tcp:HOST:PORT or unix:PATH; repeatable."
)
@click.option("--all", "every", is_flag=True, help="Serial ports that are not USB, too.")
@click.option("--no-probe", is_flag=True, help="Only list the ports; send nothing to them.")
@click.option(
    "--timeout", type=click.FloatRange(0.1, 60), default=1.0, show_default=True, help="Seconds to wait for an answer."
)
@click.option("--json", "json_wanted", is_flag=True, help="Print a JSON object a line.")
def devices(more: tuple[str, ...], every: bool, no_probe: bool, timeout: float, json_wanted: bool) -> None:
    """List serial ports and the devices that answer there.

    Each port is asked who it is, by a message that other devices may not expect: --no-probe sends nothing.
    """
    from ..device.devices import find, serial_ports

    ports = serial_ports(every=every) + [(port, "given by --port") for port in more]
    found = find(ports, probe=not no_probe, timeout=timeout)
    for device in found:
        click.echo(json.dumps(_fields(device)) if json_wanted else _line(device))
    if not found and not json_wanted:
        click.echo("no USB serial ports (--all lists others)", err=True)


def _fields(device: Device) -> dict[str, Any]:
    from ..device.devices import SENSORS, STATES

    fields: dict[str, Any] = {"port": device.port, "description": device.description, "device": None}
    info = device.info
    if info is None:
        return fields | {"problem": device.problem or None}
    fields["device"] = {
        "board": info.board,
        "firmware": info.version,
        "link": "{}.{}".format(*info.protocol),
        "bundle_crc": f"{info.bundle_crc:08x}" if info.bundle_crc else None,
        "model": info.kind,
        "sensor": SENSORS.get(info.sensor),
        "sample_rate": info.sample_rate,
        "channels": info.channels,
        "state": STATES.get(info.state, str(info.state)),
        "records": info.record_buffer > 0,
    }
    return fields


def _line(device: Device) -> str:
    from ..device.devices import SENSORS, STATES

    info = device.info
    if info is None:
        return f"{device.port}  {device.description}" + (f": {device.problem}" if device.problem else "")
    what = "no bundle runs"
    if info.bundle_crc:
        sensor = f"{SENSORS.get(info.sensor, 'unknown sensor')}, {info.sample_rate} Hz x {info.channels}"
        what = f"bundle {info.bundle_crc:08x} ({info.kind}), {sensor}, {STATES.get(info.state, str(info.state))}"
    return f"{device.port}  {info.board}, firmware {info.version}, {what}"
