"""``watchstander init``: from the credentials at hand to a configuration."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.errors import UsageError
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.output import printable
from daemon.cli.verbs import verb

if TYPE_CHECKING:
    from providers.probe import Probe

app = typer.Typer()


@verb(app, "watchstander init", "watchstander init --output /etc/watchstander/watchstander.yaml --force")
def init(
    cli: State,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="What to write; - for standard output.")
    ] = Path("watchstander.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="How long each cloud may take to answer.")
    ] = 20.0,
) -> ExitStatus:
    """Find the credentials at hand, write a configuration, and say what they see and what they do not.

    Each SDK searches as it always does (AWS_PROFILE, `az login`, application default credentials, a machine's own
    identity); options given in the environment (WATCHSTANDER_PROVIDERS__AWS__ENDPOINT) are used and written. Nothing is
    changed in any cloud. Exit status 3 where no cloud accepted us or something that is needed could not be seen.
    """
    from config.load import load
    from daemon.beginning import configuration, probe_all
    from daemon.secrets import make_secrets
    from providers import registry

    if output != Path("-") and output.exists() and not force:
        raise UsageError(
            f"{output} is there already.", hint="Use --force to overwrite it, or --output for another."
        )
    settings = load(None, cli.environment).settings
    secrets = make_secrets(settings, cli.environment)

    def ask(cloud: str) -> Probe:
        return registry.probe(
            cloud, settings.providers, cli.clock, lambda reference: secrets.read(reference).reveal()
        )

    cli.out.note("Looking for credentials …")
    with _quiet_libraries():
        probes = probe_all(ask, timedelta(seconds=timeout))
    text = configuration(probes, settings.providers)
    if output == Path("-"):
        cli.out.raw(text)
        for line in _told(probes):
            cli.out.note(line)
    else:
        _write(output, text, force=force)
        lines = [*_told(probes), "", f"Written: {printable(str(output))}", *_next(probes, output)]
        cli.out.document(_record(probes, output), human="\n".join(lines))
    complete = any(p.found for p in probes.values()) and all(
        one.seen or one.optional for p in probes.values() for one in p.looks
    )
    return ExitStatus.OK if complete else ExitStatus.INCOMPLETE


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """The SDKs log every place where no credentials were; what matters of that is told by the probes."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _write(path: Path, text: str, *, force: bool) -> None:
    """Write the file as a whole or not at all; without ``force`` never over another that came meanwhile."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        if force:
            Path(name).replace(path)
        else:
            os.link(name, path)
            Path(name).unlink()
    except FileExistsError:
        Path(name).unlink()
        raise UsageError(f"{path} is there already.", hint="Use --force to overwrite it.") from None
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _told(probes: Mapping[str, Probe]) -> Iterator[str]:
    from daemon.beginning import TITLES

    for cloud, probe in probes.items():
        if not probe.found:
            yield printable(f"{TITLES[cloud]}: not watched: {(probe.cause or '').rstrip('.')}.")
            if probe.hint:
                yield printable(f"  {probe.hint}")
            continue
        yield printable(f"{TITLES[cloud]}: {probe.identity}, from {probe.source}.")
        for one in probe.looks:
            if one.seen:
                yield printable(f"  seen      {one.what}: {one.answer}")
            else:
                missing = f"; missing: {one.permission}" if one.permission else ""
                word = "not seen " if not one.optional else "not seen (not needed)"
                yield printable(f"  {word} {one.what}: {one.cause}{missing}")
        for advice in probe.advice:
            yield printable(f"  {advice}")


def _next(probes: Mapping[str, Probe], path: Path) -> Iterator[str]:
    where = "" if path == Path("watchstander.yaml") else f" --config {path}"
    yield ""
    yield "Next:"
    if not any(p.found for p in probes.values()):
        yield "  log in to a cloud as said above, and run `watchstander init --force` again"
        yield "  watchstander demo                 to see it work on emulated clouds"
        return
    lacking = [c for c, p in probes.items() if any(not one.seen and not one.optional for one in p.looks)]
    for cloud in lacking:
        yield f"  watchstander permissions {cloud}      the role that lets us see the rest"
    yield f"  watchstander scan{where}                 read everything once, and judge it"
    yield f"  watchstander findings{where}             what failed"
    yield f"  watchstander run{where}                  stand the watch"


def _record(probes: Mapping[str, Probe], path: Path) -> dict[str, Any]:
    return {
        "path": str(path),
        "clouds": [
            {
                "cloud": cloud,
                "found": probe.found,
                "identity": probe.identity,
                "source": probe.source,
                "cause": probe.cause,
                "seen": [{"what": o.what, "answer": o.answer} for o in probe.looks if o.seen],
                "unseen": [
                    {"what": o.what, "cause": o.cause, "permission": o.permission, "needed": not o.optional}
                    for o in probe.looks
                    if not o.seen
                ],
                "advice": list(probe.advice),
            }
            for cloud, probe in probes.items()
        ],
    }
