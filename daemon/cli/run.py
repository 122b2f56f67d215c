"""``watchstander run``: the daemon in the foreground."""

from __future__ import annotations

import typer

from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.verbs import verb

app = typer.Typer()


@verb(app, "watchstander run --config /etc/watchstander/watchstander.yaml")
def run(cli: State) -> ExitStatus:
    """Stand the watch: read on schedule, judge, take events, contain. Until SIGTERM.

    SIGHUP reads the configuration again; one that does not load changes nothing. Runs under systemd (Type=notify, with
    watchdog) and in a container alike.
    """
    from config.reload import Configuration
    from daemon.log import configure
    from daemon.service import Service
    from daemon.watch import Watch

    configuration = Configuration(cli.config_path, cli.environment)
    configure(configuration.current.log, redact_text=cli.secrets.redact)
    watch = Watch.open(configuration.current, clock=cli.clock, secrets=cli.secrets)
    try:
        Service(configuration, watch, cli.clock).run()
    finally:
        watch.close()
    return ExitStatus.OK
