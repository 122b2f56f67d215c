"""``watchstander sandbox``: the emulated clouds alone, for trying things."""

from __future__ import annotations

import shlex
import signal
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from config.errors import UsageError
from daemon.cli.context import State
from daemon.cli.verbs import verb

app = typer.Typer()

_HEADER = """\
# Written by `watchstander sandbox`: it points at emulated clouds on this machine, and is good while they run.
# The credentials it needs mean nothing elsewhere; set them in the shell that uses this file:
{exports}
"""


@verb(
    app,
    "watchstander sandbox --write-config sandbox.yaml",
    "watchstander sandbox --clouds aws --seconds 60 --format json",
)
def sandbox(
    cli: State,
    clouds: Annotated[str, typer.Option(help="Which clouds, with commas between.")] = "aws,azure,gcp",
    seconds: Annotated[
        float | None,
        typer.Option(min=0, help="Stop by itself after so long; otherwise with Ctrl-C or SIGTERM."),
    ] = None,
    write_config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a configuration that points at it; an existing FILE is replaced."
        ),
    ] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Without the estate in it.")] = False,
) -> None:
    """Run the three clouds on this machine, with an estate of good and bad twins in them.

    Prints where they listen, then serves until stopped. The SDKs of the clouds and their command lines work against it;
    it fails on demand: POST a fault to the address printed for that, as docs/sandbox.md shows.
    """
    from providers.sandbox.sandbox import Sandbox

    stop = threading.Event()
    try:
        made = Sandbox([cloud.strip() for cloud in clouds.split(",") if cloud.strip()], seed=not empty)
    except ValueError as error:
        raise UsageError(f"--clouds: {error}.") from error
    before = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        cli.out.note("Starting the clouds; this takes some seconds.")
        made.start()
        if write_config is not None:
            write_config.write_text(_configuration(made, write_config), encoding="utf-8")
        facts = {
            "endpoints": made.endpoints(),
            "environment": made.environment(),
            "config": write_config,
            "seconds": seconds,
        }
        cli.out.document(facts, lambda: _told(facts))
        cli.out.flush()
        stop.wait(seconds)
    finally:
        made.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _exports(environment: dict[str, str]) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in sorted(environment.items())]


def _configuration(made: Any, path: Path) -> str:
    """The content of a configuration file for this sandbox, keeping its data beside the file."""
    from io import StringIO

    from ruamel.yaml import YAML

    beside = path.resolve().parent
    content = made.configuration() | {
        "storage": {"url": f"sqlite:///{beside / 'watchstander-sandbox.db'}"},
        "state_dir": str(beside / "watchstander-sandbox"),
    }
    yaml, out = YAML(), StringIO()
    yaml.default_flow_style = False
    yaml.dump(content, out)
    exports = "\n".join(f"#   {line}" for line in _exports(made.environment()))
    return _HEADER.format(exports=exports) + out.getvalue()


def _told(facts: dict[str, Any]) -> str:
    lines = ["The clouds run on this machine:"]
    for cloud, endpoints in facts["endpoints"].items():
        lines += [f"  {cloud:6} {name:14} {endpoint}" for name, endpoint in endpoints.items()]
    if facts["environment"]:
        lines += [
            "",
            "In the shell that uses them:",
            *(f"  {line}" for line in _exports(facts["environment"])),
        ]
    first = next(iter(facts["endpoints"].values()))
    lines += [
        "",
        "Break something:",
        f'  curl -X POST {first["faults"]} -d \'{{"kind": "denied", "service": "*", "times": 3}}\'',
        f"  curl -X DELETE {first['faults']}",
        "",
    ]
    if facts["config"] is not None:
        lines.append(f"Configuration: {facts['config']} (watchstander scan --config {facts['config']})")
    lines.append(
        f"Stops after {facts['seconds']:g} seconds." if facts["seconds"] is not None else "Stop with Ctrl-C."
    )
    return "\n".join(lines)
