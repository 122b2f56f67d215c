"""The words of the command line, and the one place where whatever happened becomes a message and an exit status.

``WORDS`` is the whole vocabulary, as an explicit tuple. A module is imported only when one of its words is used, so
``watchstander --help`` starts without any cloud SDK or database library.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from config.errors import ConfigurationError, WatchstanderError
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.output import ReaderGone
from daemon.cli.verbs import ConfigOption, FormatOption, NoColorOption, QuietOption
from policies.errors import PolicyErrors

NAME = "watchstander"
_WATCH, _ASK, _JUDGE, _ACT, _KEEP = "Watch", "Ask", "Judge", "Act", "Keep house"


@dataclass(frozen=True, slots=True)
class Word:
    """A first word after ``watchstander``: a verb, or a noun with verbs of its own."""

    name: str
    module: str
    """Module below ``daemon.cli`` with an ``app``."""
    help: str
    """One line; for a verb the first line of its docstring."""
    panel: str
    noun: bool = False
    """Whether the module's verbs are below this word (``config check``) or this word is one of its verbs (``scan``)."""

    def app(self) -> typer.Typer:
        """The module's verbs. Imports the module."""
        verbs = import_module(f"daemon.cli.{self.module}").app
        assert isinstance(verbs, typer.Typer)
        return verbs

    def load(self) -> TyperCommand | TyperGroup:
        """The real command."""
        group = get_group(self.app())
        if not self.noun:
            command = group.commands[self.name]
            assert isinstance(command, TyperCommand | TyperGroup)
            return command
        group.name, group.help, group.no_args_is_help = self.name, self.help, True
        return group


WORDS = (
    Word(
        "demo",
        "demo",
        "Show the main job on three emulated clouds: inventory, drift, findings, and a leaked key contained.",
        _WATCH,
    ),
    Word(
        "init",
        "init",
        "Find the credentials at hand, write a configuration, and say what they see and what they do not.",
        _WATCH,
    ),
    Word(
        "run", "run", "Stand the watch: read on schedule, judge, take events, contain. Until SIGTERM.", _WATCH
    ),
    Word(
        "scan",
        "scan",
        "Read the clouds once, now; judge what changed; say what happened in one sentence.",
        _WATCH,
    ),
    Word(
        "status",
        "status",
        "How the watch stands: the daemon, the last cycles, open findings, what waits for a person.",
        _WATCH,
    ),
    Word(
        "coverage",
        "status",
        "What was read, and what was not: each scope's last reading, its age, and why not.",
        _WATCH,
    ),
    Word("inventory", "inventory", "The resources there are, or with --at were.", _ASK),
    Word(
        "show",
        "inventory",
        "One resource's document, now or with --at then; fields that could not be read are named.",
        _ASK,
    ),
    Word(
        "history",
        "history",
        "The versions of one resource, oldest first, by field, with who made them where that is known.",
        _ASK,
    ),
    Word(
        "diff",
        "history",
        "What is different between two times, by resource and field; what changed and changed back is not there.",
        _ASK,
    ),
    Word(
        "exposure",
        "past",
        "From when to when exactly each resource was so, by what its document said (--where) or a policy (--policy).",
        _ASK,
    ),
    Word(
        "flapping",
        "past",
        "Resources that changed again and again, the restless first, with the fields that did.",
        _ASK,
    ),
    Word(
        "findings",
        "findings",
        "What fails a policy now, or with --at did then; with --unknown what could not be decided.",
        _ASK,
    ),
    Word(
        "export",
        "export",
        "Write findings for other tools: ocsf, asff, sarif, csv, html (a report for people) or junit.",
        _ASK,
    ),
    Word(
        "audit",
        "audit",
        "The ledger: list it, export it, prove that nobody has rewritten it.",
        _ASK,
        noun=True,
    ),
    Word(
        "plan",
        "plan",
        "What containment would do, waits to do, or did; approve it, reject it.",
        _ACT,
        noun=True,
    ),
    Word(
        "undo",
        "contain",
        "Take an act back: put the state before it back, unless the target has moved on since.",
        _ACT,
    ),
    Word(
        "pause",
        "contain",
        "Switch containment off, everywhere, at once. Reading, judging and recording go on.",
        _ACT,
    ),
    Word(
        "resume",
        "contain",
        "Switch containment on again; what was held back meanwhile is decided anew.",
        _ACT,
    ),
    Word(
        "sandbox",
        "sandbox",
        "Run the three clouds on this machine, with an estate of good and bad twins in them.",
        _WATCH,
    ),
    Word("policy", "policy", "The policies: list, show, check, test and try them.", _JUDGE, noun=True),
    Word(
        "check",
        "check",
        "Judge a Terraform plan or state, or an inventory export, without a cloud: the same policies.",
        _JUDGE,
    ),
    Word(
        "exempt",
        "exempt",
        "Failures that are borne for a while: who says so, why, by which ticket, until when.",
        _JUDGE,
        noun=True,
    ),
    Word(
        "baseline",
        "baseline",
        "States known to be good: pin one, see what drifted from it, approve drift into it.",
        _JUDGE,
        noun=True,
    ),
    Word(
        "permissions",
        "permissions",
        "Print the least role that reading (or containment) needs, as a document to apply.",
        _KEEP,
    ),
    Word("db", "db", "The database: migrate it, see how it stands, let go of what is old.", _KEEP, noun=True),
    Word(
        "config", "config", "The configuration: check it, show it, every option there is.", _KEEP, noun=True
    ),
)


class _Lazy(TyperCommand):
    """Stands for a word in listings; becomes the real command when it is used."""

    def __init__(self, word: Word) -> None:
        super().__init__(word.name, help=word.help, rich_help_panel=word.panel)
        self._word = word

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self._word.load().make_context(info_name, args, parent, **extra)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"watchstander {version('watchstander')}")
        raise typer.Exit(ExitStatus.OK)


VersionOption = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_version, help="Say the version.")
]


def build(words: Sequence[Word] = WORDS) -> TyperGroup:
    """The whole command line, with every word lazy."""
    app = typer.Typer(name=NAME, pretty_exceptions_enable=False, no_args_is_help=True)

    @app.callback(epilog="[bold]Example:[/bold]\n\n  $ watchstander demo")
    def watchstander(
        ctx: typer.Context,
        version: VersionOption = False,  # noqa: ARG001 - its callback has done all
        config: ConfigOption = None,
        format: FormatOption = None,
        quiet: QuietOption = None,
        no_color: NoColorOption = None,
    ) -> None:
        """Stands the watch over AWS, Azure and Google Cloud: inventory, policies, drift history, safe containment."""
        ctx.ensure_object(State).choose(config=config, format=format, quiet=quiet, no_color=no_color)

    group = get_command(app)
    assert isinstance(group, TyperGroup)
    for word in words:
        group.add_command(_Lazy(word))
    return group


def run(arguments: Sequence[str], state: State | None = None, words: Sequence[Word] = WORDS) -> int:
    """Run the command line and return its exit status. Nothing but a bug in Python itself leaves by exception."""
    state = state or State()
    command = build(words)
    try:
        with state.closing:
            result = command.main(list(arguments), prog_name=NAME, standalone_mode=False, obj=state)
            state.out.flush()
        return int(result or ExitStatus.OK)
    except Exception as error:  # noqa: BLE001 - the edge of the program: a user never sees a traceback unasked
        return _failed(error, state)
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED


def _failed(error: Exception, state: State) -> int:
    """The message and the exit status for whatever went wrong."""
    match error:
        case ReaderGone():
            return _reader_gone()
        case typer.Abort():
            _say("Interrupted; nothing more was done.")
            return ExitStatus.INTERRUPTED
        case typer.TyperException():
            if (show := getattr(error, "show", None)) is not None:
                show()
            return ExitStatus.USAGE
        case ConfigurationError() | PolicyErrors():
            # What is found later than loading knows the option, not its line.
            error = state.placed(error)
            return _report(error, error.message, error.hint, error.exit_status)
        case WatchstanderError():
            return _report(error, error.message, error.hint, error.exit_status)
        case OSError():
            where = f": {error.filename}" if error.filename else ""
            return _report(error, f"{error.strerror or error}{where}.", None, ExitStatus.FAILED)
        case _:
            return _report(error, _unexpected(error), None, ExitStatus.FAILED)


def _report(error: BaseException, message: str, hint: str | None, status: int) -> int:
    if os.environ.get("WATCHSTANDER_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)
    _say(f"Error: {message}")
    if hint:
        _say(hint)
    return status


def _unexpected(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return (
        f"This should not have happened: {type(error).__name__}: {error}{place}. "
        "Run it again with WATCHSTANDER_DEBUG=1 for the traceback, and please report it."
    )


def _say(line: str) -> None:
    """To standard error, unless that too is gone."""
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except BrokenPipeError:
        return


def _reader_gone() -> int:
    """Nobody reads our output any more. What is still buffered must not raise again when Python exits."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
    return ExitStatus.BROKEN_PIPE
