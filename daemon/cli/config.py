"""``watchstander config``: the configuration checked, shown with where each setting came from, and explained."""

from __future__ import annotations

import typer

from daemon.cli.context import State
from daemon.cli.output import Column
from daemon.cli.verbs import verb

app = typer.Typer()


@verb(
    app, "watchstander config check", "watchstander config check --config /etc/watchstander/watchstander.yaml"
)
def check(cli: State) -> None:
    """Say everything that is wrong with the configuration, each with file and line.

    Options, schedules, hooks and policies are checked; no database is opened and no cloud is asked. Exit status 2 when
    something is wrong.
    """
    from daemon.checking import check as check_the_rest

    loaded = cli.loaded
    check_the_rest(loaded.settings, cli.clock)
    where = str(loaded.path) if loaded.path else "no file: defaults and environment only"
    cli.out.document({"ok": True, "path": loaded.path}, f"The configuration is good ({where}).")


@verb(app, "watchstander config show", "watchstander config show --format json")
def show(cli: State) -> None:
    """Print the effective settings and where each came from; secrets only as the references they are."""
    cli.out.items(
        (
            {"setting": name, "value": value, "origin": origin}
            for name, value, origin in cli.loaded.effective()
        ),
        (
            Column(key="setting", title="SETTING"),
            Column(key="value", title="VALUE"),
            Column(key="origin", title="FROM"),
        ),
    )


@verb(app, "watchstander config reference | less")
def reference(cli: State) -> None:
    """Print every option with its default and its meaning, as a configuration file that loads."""
    from config.load import reference_text

    cli.out.raw(reference_text())
