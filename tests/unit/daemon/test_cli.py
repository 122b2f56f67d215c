"""The command line itself: words, options on either side of the verb, exit statuses, no tracebacks."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import pytest
import typer

from config.errors import UsageError
from daemon.cli import app
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus, gravest
from daemon.cli.output import Column, Format, Output
from daemon.cli.verbs import Options, verb
from providers.errors import Denied

ROOT = Path(__file__).parents[3]


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in an empty folder and environment; gives exit status, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
        state = State(environment=environment, clock=lambda: datetime(2024, 5, 1, 12, tzinfo=UTC))
        status = app.run(arguments, state)
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_options_stand_before_or_after_the_verb_and_after_wins(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("instance: one\n")
    bad.write_text("instanze: one\n")
    for arguments in (
        ("--config", str(good), "--format", "json", "config", "check"),
        ("config", "check", "--config", str(good), "--format", "json"),
        ("-c", str(bad), "-f", "human", "config", "check", "-c", str(good), "-f", "json"),
    ):
        status, out, _ = run(*arguments)
        assert (status, json.loads(out)["path"]) == (0, str(good))
    status, _, err = run("-c", str(good), "config", "check", "-c", str(bad))
    assert status == ExitStatus.USAGE
    assert f"{bad}:1: unknown option `instanze` (did you mean `instance`?)" in err


def test_the_configuration_is_searched_for_in_the_promised_order(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    assert run("config", "check")[0] == 0
    (tmp_path / "watchstander.yaml").write_text("instance: here\n")
    named = tmp_path / "named.yaml"
    named.write_text("instance: named\n")

    def instance(*arguments: str, **environment: str) -> str:
        out = run("config", "show", "--format", "csv", *arguments, **environment)[1]
        return next(line for line in out.splitlines() if line.startswith("instance,"))

    assert instance() == "instance,here,watchstander.yaml:1"
    assert instance(WATCHSTANDER_CONFIG=str(named)) == f"instance,named,{named}:1"
    assert (
        instance("-c", "watchstander.yaml", WATCHSTANDER_CONFIG=str(named))
        == "instance,here,watchstander.yaml:1"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("conifg",), "Did you mean 'config'?"),
        (("config", "shwo"), "Did you mean 'show'?"),
        (("config", "check", "--fromat", "json"), "--fromat"),
        (("config", "check", "--format", "xml"), "xml"),
        (("config", "check", "--format", "csv"), "Use --format json."),
        (("config", "check", "--config", "nowhere.yaml"), "nowhere.yaml:1: there is no such file"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_was_meant(
    run: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], said: str
) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (ExitStatus.USAGE, "")
    assert said in err
    assert "Traceback" not in err


@dataclass(frozen=True)
class _Made(app.Word):
    """A word whose verbs the test made."""

    verbs: typer.Typer = field(kw_only=True)

    def app(self) -> typer.Typer:
        return self.verbs


class _Unprintable(Exception):
    pass


def _fail(outcome: BaseException | ExitStatus | None) -> typer.Typer:
    noun = typer.Typer()

    @verb(noun, "watchstander config check")
    def check(cli: State) -> ExitStatus | None:
        """Do something that ends as the test says."""
        cli.out.line("begun")
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return noun


@pytest.mark.parametrize(
    ("outcome", "status", "said"),
    [
        (None, 0, ""),
        (ExitStatus.REFUSED, 1, ""),
        (ExitStatus.INCOMPLETE, 3, ""),
        (UsageError("That cannot be.", hint="Try this."), 2, "Error: That cannot be.\nTry this.\n"),
        (
            Denied("AccessDenied for ListBuckets.", hint="Grant it."),
            4,
            "Error: AccessDenied for ListBuckets.\nGrant it.\n",
        ),
        (
            OSError(28, "No space left on device", "/var/x.db"),
            4,
            "Error: No space left on device: /var/x.db.\n",
        ),
        (BrokenPipeError(32, "Broken pipe"), 4, "Error: A connection was closed from the other side.\n"),
        (_Unprintable("boom"), 4, "WATCHSTANDER_DEBUG=1"),
        (RecursionError("too deep"), 4, "RecursionError"),
        (KeyboardInterrupt(), 130, ""),
        (typer.Abort(), 130, "Interrupted"),
        (typer.Exit(ExitStatus.REFUSED), 1, ""),
    ],
)
def test_every_outcome_becomes_a_message_and_a_status(
    capsys: pytest.CaptureFixture[str],
    outcome: BaseException | ExitStatus | None,
    status: int,
    said: str,
) -> None:
    word = _Made("noun", "", "A noun.", "Test", noun=True, verbs=_fail(outcome))
    assert app.run(["noun", "check"], State(environment={}), (word,)) == status
    out, err = capsys.readouterr()
    assert out == "begun\n"
    assert said in err if said else err == ""
    assert "Traceback" not in err


def test_the_gravest_of_several_statuses_is_the_one() -> None:
    s = ExitStatus
    assert gravest(s.OK, s.REFUSED, s.INCOMPLETE, s.FAILED) is s.FAILED
    assert gravest(s.REFUSED, s.INCOMPLETE) is s.INCOMPLETE
    assert gravest(s.OK, s.REFUSED) is s.REFUSED
    assert gravest() is s.OK


def test_a_verb_must_have_an_example_a_docstring_and_the_state_first() -> None:
    noun = typer.Typer()
    with pytest.raises(TypeError, match="example"):
        verb(noun)
    with pytest.raises(TypeError, match="docstring"):
        verb(noun, "x")(lambda cli: None)

    def stateless() -> None:
        """Help."""

    def clashing(cli: State, format: str) -> None:
        """Help."""

    @dataclass(frozen=True)
    class Clashing(Options):
        quiet: bool = False

    def sharing(cli: State, chosen: Clashing) -> None:
        """Help."""

    sharing.__annotations__["chosen"] = Clashing
    with pytest.raises(TypeError, match="State first"):
        verb(noun, "x")(stateless)
    with pytest.raises(TypeError, match="format"):
        verb(noun, "x")(clashing)
    with pytest.raises(TypeError, match="quiet"):
        verb(noun, "x")(sharing)


@dataclass(frozen=True, kw_only=True)
class _Colours(Options):
    red: Annotated[list[str] | None, typer.Option("--red", "-r", help="[a] shade.")] = None
    deep: Annotated[int, typer.Option(help="How deep.")] = 3


def test_options_that_verbs_share_come_as_one_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    noun, seen = typer.Typer(), []

    @verb(noun, "watchstander paint")
    def paint(cli: State, name: str, chosen: _Colours, wide: bool = False) -> None:
        """Paint."""
        seen.append((name, chosen, wide))

    words = (_Made("paint", "", "Paint.", "Test", verbs=noun),)
    assert app.run(["paint", "door"], None, words) == ExitStatus.OK
    assert (
        app.run(["paint", "-r", "a", "door", "--red", "b", "--deep", "7", "--wide"], None, words)
        == ExitStatus.OK
    )
    assert seen == [("door", _Colours(), False), ("door", _Colours(red=["a", "b"], deep=7), True)]
    capsys.readouterr()
    assert app.run(["paint", "--help"], None, words) == ExitStatus.OK
    assert "[a] shade." in capsys.readouterr().out


def test_every_word_says_in_listings_what_its_verb_says() -> None:
    for word in app.WORDS:
        command = word.load()
        assert command.name == word.name
        if not word.noun:
            assert (command.help or "").splitlines()[0] == word.help


_MUCH = """
import sys
from dataclasses import dataclass
import typer
from daemon.cli import app
from daemon.cli.context import State
from daemon.cli.output import Column
from daemon.cli.verbs import verb

noun = typer.Typer()

@verb(noun, "watchstander much")
def much(cli: State) -> None:
    "Write without end."
    cli.out.items(({"n": n} for n in range(10**9)), (Column(key="n"),))

class Much(app.Word):
    def app(self):
        return noun

sys.exit(app.run(["much"], None, (Much("much", "", "Write without end.", "Test"),)))
"""


def test_results_of_the_real_process_survive_a_reader_that_leaves() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _MUCH],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "N\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(30) == ExitStatus.BROKEN_PIPE


def test_help_imports_no_cloud_and_no_database() -> None:
    code = (
        "import sys\nfrom daemon.cli.app import run\nstatus = run(['--help'])\n"
        "heavy = {'boto3', 'botocore', 'azure', 'google', 'grpc', 'sqlalchemy', 'sqlmodel', 'dbos', 'regorus', 'fastapi'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\nsys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "HEAVY []" in done.stdout
    assert "watchstander demo" in done.stdout


def test_as_a_real_process() -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WATCHSTANDER_")}
    done = subprocess.run(
        [sys.executable, "-m", "daemon", "config", "check", "--config", "/nowhere/x.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "Error: The configuration has 1 problem:\n"
        "  /nowhere/x.yaml:1: there is no such file (`watchstander init` writes one)\n"
    )


ROWS = [
    {"name": "a", "count": 1, "tags": {"k": "v"}, "seen": datetime(2024, 5, 1, tzinfo=UTC)},
    {"name": "evil\x1b[31m\nname", "count": 22, "tags": None, "seen": None, "extra": 2**70},
]
COLUMNS = (Column(key="name"), Column(key="count", right=True), Column(key="tags"), Column(key="seen"))


def written(format: Format, rows: list[dict[str, object]]) -> str:
    stdout = io.StringIO()
    out = Output(format=format, stdout=stdout, stderr=io.StringIO())
    assert out.items(iter(rows), COLUMNS) == len(rows)
    return stdout.getvalue()


def test_a_list_in_every_format() -> None:
    assert written(Format.HUMAN, ROWS).splitlines() == [
        "NAME               COUNT  TAGS       SEEN",
        'a                      1  {"k":"v"}  2024-05-01T00:00:00Z',
        "evil\\x1b[31m name     22",
    ]
    assert json.loads(written(Format.JSON, ROWS))[1]["extra"] == 2**70
    assert json.loads(written(Format.JSON, ROWS))[0]["seen"] == "2024-05-01T00:00:00Z"
    assert [json.loads(line)["count"] for line in written(Format.NDJSON, ROWS).splitlines()] == [1, 22]
    assert written(Format.CSV, ROWS).splitlines()[:2] == [
        "name,count,tags,seen",
        'a,1,"{""k"":""v""}",2024-05-01T00:00:00Z',
    ]


def test_an_empty_list_in_every_format() -> None:
    assert [written(format, []) for format in Format] == ["", "[]\n", "", "name,count,tags,seen\n"]


def test_a_list_is_written_while_it_is_read() -> None:
    stdout = io.StringIO()
    out = Output(format=Format.NDJSON, stdout=stdout)

    def rows() -> object:
        for n in range(3):
            assert len(stdout.getvalue().splitlines()) == n
            yield {"name": n}

    assert out.items(rows(), COLUMNS) == 3  # type: ignore[arg-type]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_table_and_a_progress_bar() -> None:
    stdout, stderr = _Terminal(), _Terminal()
    out = Output(stdout=stdout, stderr=stderr, no_color=True)
    with out.progress("Reading", 2) as step:
        step("one")
        step("two")
    out.items(ROWS, COLUMNS)
    assert step.done == 2
    assert "Reading two" in stderr.getvalue()
    assert "─" in stdout.getvalue()
    assert "\x1b[31m" not in stdout.getvalue()


def test_notes_and_plain_progress_go_to_standard_error_unless_quiet() -> None:
    for quiet, said in (
        (False, "Reading …\nReading: 1 of 2 done.\nby the way\nWarning: mind\n"),
        (True, "Warning: mind\n"),
    ):
        stdout, stderr = io.StringIO(), io.StringIO()
        out = Output(stdout=stdout, stderr=stderr, quiet=quiet)
        with out.progress("Reading", 2) as step:
            step()
        out.note("by the way")
        out.warn("mind")
        assert (stdout.getvalue(), stderr.getvalue()) == ("", said)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("watchstander conf", {"config"}),
        ("watchstander config ", {"check", "show", "reference"}),
        ("watchstander config check --for", {"--format"}),
    ],
)
def test_the_shell_completes_words_verbs_and_options(typed: str, offered: set[str]) -> None:
    environment = {
        **os.environ,
        "_WATCHSTANDER_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) if typed.endswith(" ") else len(typed.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "daemon"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert offered <= set(done.stdout.split())
    assert done.stderr == ""
