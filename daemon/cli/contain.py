"""``watchstander undo``, ``pause`` and ``resume``: a person's hand on containment."""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.context import State
from daemon.cli.plan import WhoOption, login, row
from daemon.cli.verbs import verb

app = typer.Typer()


@verb(app, "watchstander undo 3f2a9c0d1e4b5a67 --by alice")
def undo(
    cli: State,
    action: Annotated[str, typer.Argument(help="The act's id.")],
    by: WhoOption = None,
) -> None:
    """Take an act back: put the state before it back, unless the target has moved on since."""
    from daemon.desk import summary_of
    from daemon.watch import Watch

    cli.database.require_schema()
    watch = Watch(cli.settings, clock=cli.clock, secrets=cli.secrets, database=cli.database)
    cli.closing.callback(watch.close)
    record = watch.undo(action, by or login())
    cli.out.document(row(record), f"Undone: {summary_of(record)}.")


@verb(app, "watchstander pause 'change freeze until Monday'")
def pause(
    cli: State,
    reason: Annotated[str, typer.Argument(help="Why, for everybody who wonders.")] = "no reason given",
    by: WhoOption = None,
) -> None:
    """Switch containment off, everywhere, at once. Reading, judging and recording go on."""
    from daemon.desk import Plans

    cli.database.require_schema()
    who = by or login()
    done = Plans(cli.database).pause(who, reason, cli.now())
    cli.out.document(
        {"paused": True, "changed": done, "who": who, "reason": reason},
        f"Containment is paused: {reason}." if done else "Containment was paused already.",
    )


@verb(app, "watchstander resume --by alice")
def resume(cli: State, by: WhoOption = None) -> None:
    """Switch containment on again; what was held back meanwhile is decided anew."""
    from daemon.desk import Plans

    cli.database.require_schema()
    done = Plans(cli.database).resume(by or login(), cli.now())
    cli.out.document(
        {"paused": False, "changed": done},
        "Containment is on again." if done else "Containment was on already.",
    )
