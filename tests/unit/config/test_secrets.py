"""Secrets are read through references and shown nowhere."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import SecretUnavailable, WatchstanderError
from config.fields import SecretReference
from config.secrets import HIDDEN, Secrets, SecretValue, redact


def reference(text: str) -> SecretReference:
    return SecretReference.model_validate(SecretReference.parse(text))


def test_a_secret_is_read_from_where_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("from-file\n")
    environment = {"DB": "from-env", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    secrets = Secrets(environment, {"aws-ssm": lambda location: f"from-ssm {location}"})
    assert secrets.read(reference("env:DB")).reveal() == "from-env"
    assert secrets.read(reference(f"file:{tmp_path}/db")).reveal() == "from-file"
    assert secrets.read(reference("file:%d/db")).reveal() == "from-file"
    assert secrets.read(reference("aws-ssm:/w/db")).reveal() == "from-ssm /w/db"


def test_a_rotated_secret_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("first")
    secrets = Secrets({})
    assert secrets.read(reference(f"file:{tmp_path}/db")).reveal() == "first"
    (tmp_path / "db").write_text("second")
    assert secrets.read(reference(f"file:{tmp_path}/db")).reveal() == "second"


@pytest.mark.parametrize(
    ("text", "content", "said"),
    [
        ("env:NOTHING", None, "the environment has no NOTHING"),
        ("file:%d/db", None, "systemd gave no credentials directory"),
        ("file:{}/none", None, "No such file or directory"),
        ("file:{}", None, "Is a directory"),
        ("file:{}/db", b"", "the file is empty"),
        ("file:{}/db", b"\n", "the file is empty"),
        ("file:{}/db", b"hunter2\xff", "not UTF-8"),
        ("file:{}/db", b"x" * 70_000, "larger than 64 KiB"),
        ("file:\x00", None, "that is not a path"),
        ("aws-secretsmanager:db", None, "nothing here reads aws-secretsmanager"),
    ],
)
def test_what_cannot_be_read_is_named_and_no_value_is_told(
    tmp_path: Path, text: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "db").write_bytes(content)
    with pytest.raises(SecretUnavailable) as caught:
        Secrets({}).read(reference(text.format(tmp_path)))
    assert said in str(caught.value)
    assert "hunter2" not in repr(caught.value) + repr(caught.value.__cause__)
    assert caught.value.exit_status == 2


def test_what_the_resolver_says_is_passed_on() -> None:
    def resolver(location: str) -> str:
        raise WatchstanderError(f"AccessDenied for {location}", hint="Grant secretsmanager:GetSecretValue.")

    with pytest.raises(SecretUnavailable, match="AccessDenied for db") as caught:
        Secrets({}, {"aws-secretsmanager": resolver}).read(reference("aws-secretsmanager:db"))
    assert caught.value.hint == "Grant secretsmanager:GetSecretValue."


SHOWN: tuple[Callable[[SecretValue], str], ...] = (
    str,
    repr,
    lambda s: f"{s}",
    lambda s: f"{s!r:>20}",
    lambda s: f"{[s]}",
)


@pytest.mark.parametrize("show", SHOWN)
def test_no_way_of_printing_shows_it(show: Callable[[SecretValue], str]) -> None:
    assert "hunter2" not in show(SecretValue("hunter2"))
    assert HIDDEN in show(SecretValue("hunter2"))


def test_it_compares_and_is_never_pickled() -> None:
    assert SecretValue("a") == SecretValue("a")
    assert SecretValue("a") != SecretValue("b")
    assert SecretValue("a") != "a"
    assert len({SecretValue("a"), SecretValue("a")}) == 1
    assert not SecretValue("")
    with pytest.raises(TypeError, match="not written anywhere"):
        pickle.dumps(SecretValue("a"))


@given(
    st.lists(st.text(min_size=6, max_size=20).filter(lambda t: t not in HIDDEN), min_size=1, max_size=4),
    st.text(max_size=20),
)
def test_no_secret_that_was_read_survives_redaction(values: list[str], around: str) -> None:
    environment = {str(n): value for n, value in enumerate(values)}
    secrets = Secrets(environment)
    for name in environment:
        secrets.read(reference(f"env:{name}"))
    longest = max(values, key=len)
    assert longest not in secrets.redact(around + longest + around).replace(HIDDEN, "")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://watch:hunter2@db/w", f"postgresql://watch:{HIDDEN}@db/w"),
        ("Authorization: Bearer abcdef.ghijkl", f"Authorization: Bearer {HIDDEN}"),
        ('{"password": "hunter2", "user": "w"}', f'{{"password": "{HIDDEN}", "user": "w"}}'),
        ("token=abc123&x=1", f"token={HIDDEN}&x=1"),
        ("https://s3/x?X-Amz-Signature=deadbeef&y=1", f"https://s3/x?X-Amz-Signature={HIDDEN}&y=1"),
        ("https://host:8443/path@v2", "https://host:8443/path@v2"),
        ("Read 312 of 320 scopes in 41 s.", "Read 312 of 320 scopes in 41 s."),
    ],
)
def test_what_carries_a_secret_by_its_form_is_cut(text: str, clean: str) -> None:
    assert redact(text) == clean
