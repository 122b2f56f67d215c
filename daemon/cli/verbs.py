"""How a function becomes a verb of the command line.

    app = typer.Typer()

    @verb(app, "watchstander inventory --type aws.s3_bucket --at 3d")
    def inventory(cli: State, type: Annotated[str | None, typer.Option(help="…")] = None) -> ExitStatus | None:
        '''The resources there are, or were.'''
        cli.out.items(rows, COLUMNS)

The first parameter is the ``State``; the docstring is the help; the examples end it. A parameter whose type is a dataclass of
``Options`` stands for the options that its fields are, so verbs share them as one value. Every verb also takes ``--config``,
``--format``, ``--quiet`` and ``--no-color``, so they may stand before the verb or after it, and after it wins. They
are added to the function's *signature*, which is all that typer looks at, so this stays within its public interface.
A verb returns an ``ExitStatus`` or nothing, raises a ``WatchstanderError`` for what went wrong, and prints only
through ``cli.out``. What costs time to import (an SDK, SQLAlchemy) is imported inside the function.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer
from typer.models import ArgumentInfo, OptionInfo

from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.output import Format
from daemon.errors import DaemonError

Verb = Callable[..., ExitStatus | None]

_PANEL = "Everywhere"
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        rich_help_panel=_PANEL,
        help="The configuration; else WATCHSTANDER_CONFIG, ./watchstander.yaml, /etc/watchstander/watchstander.yaml.",
    ),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        rich_help_panel=_PANEL,
        help="human (the default), json (one document), ndjson or csv (lists only).",
    ),
]
QuietOption = Annotated[
    bool | None,
    typer.Option(
        "--quiet", "-q", rich_help_panel=_PANEL, help="Results and errors only: no notes, no progress."
    ),
]
NoColorOption = Annotated[
    bool | None,
    typer.Option("--no-color", rich_help_panel=_PANEL, help="No colours (NO_COLOR does the same)."),
]
COMMON = {"config": ConfigOption, "format": FormatOption, "quiet": QuietOption, "no_color": NoColorOption}


class Options:
    """Options that belong together: the base of frozen dataclasses whose every field is an option with a default."""


def verb(app: typer.Typer, *examples: str, name: str | None = None) -> Callable[[Verb], Verb]:
    """Add a function to ``app`` as a verb; at least one example is required, for its ``--help``."""
    if not examples:
        raise TypeError("a verb needs an example")

    def decorate(function: Verb) -> Verb:
        word = name or function.__name__.rstrip("_").replace("_", "-")
        help_text = inspect.getdoc(function)
        if not help_text:
            raise TypeError(f"the verb {word!r} needs a docstring: it is its help")
        app.command(word, help=_literal(help_text), epilog=_epilog(examples))(_typer_function(function))
        return function

    return decorate


def _typer_function(function: Verb) -> Verb:
    """What typer calls: takes the context and the common options besides the function's own parameters."""
    own = list(inspect.signature(function, eval_str=True).parameters.values())
    if not own or own[0].annotation is not State:
        raise TypeError(f"{function.__qualname__} must take the State first")
    shared = {p.name: p.annotation for p in own if _is_options(p.annotation)}
    options = [option for p in own[1:] for option in (_fields(shared[p.name]) if p.name in shared else (p,))]
    if clash := {p.name for p in options} & COMMON.keys():
        raise TypeError(f"{function.__qualname__} may not take {clash}: every verb has these")
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("ctx", keyword, annotation=typer.Context),
        *(p.replace(kind=keyword, annotation=_escaped(p.annotation)) for p in options),
        *(inspect.Parameter(n, keyword, annotation=a, default=None) for n, a in COMMON.items()),
    ]

    def call(ctx: typer.Context, **arguments: Any) -> ExitStatus | None:
        state = ctx.find_root().obj
        if not isinstance(state, State):
            raise TypeError("verbs are run by daemon.cli.app.run, which makes the State")
        state.choose(**{key: arguments.pop(key) for key in COMMON})
        for name, kind in shared.items():
            arguments[name] = kind(**{option.name: arguments.pop(option.name) for option in _fields(kind)})
        try:
            return function(state, **arguments)
        except (
            BrokenPipeError
        ) as error:  # typer takes any of them for our own output's; that one is a ReaderGone
            raise DaemonError("A connection was closed from the other side.") from error

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    return call


def _is_options(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Options)


def _fields(kind: type[Options]) -> list[inspect.Parameter]:
    return list(inspect.signature(kind, eval_str=True).parameters.values())


def _escaped(annotation: Any) -> Any:
    """Help texts are literal: what looks like rich markup (``[x]``) is shown, not obeyed."""
    if get_origin(annotation) is not Annotated:
        return annotation
    kind, *metadata = get_args(annotation)
    for at, item in enumerate(metadata):
        if isinstance(item, OptionInfo | ArgumentInfo) and item.help:
            metadata[at] = copy.copy(item)
            metadata[at].help = _literal(item.help)
    return Annotated[kind, *metadata]


def _literal(text: str) -> str:
    return text.replace("[", "\\[")


def _epilog(examples: tuple[str, ...]) -> str:
    title = "Example:" if len(examples) == 1 else "Examples:"
    return "\n\n".join([f"[bold]{title}[/bold]", *("  $ " + _literal(example) for example in examples)])
