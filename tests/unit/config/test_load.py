"""The configuration from file and environment: what it becomes, and every error at once with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.document import MAX_BYTES, parse_document
from config.errors import ConfigurationError
from config.fields import format_duration, parse_duration
from config.load import Loaded, load
from config.settings import Mode, Settings

Load = Callable[..., Loaded]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(content: str | bytes, name: str = "w.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def problems(path: Path | None, environment: dict[str, str] | None = None) -> list[str]:
    """What is wrong, without the folder."""
    with pytest.raises(ConfigurationError) as caught:
        load(path, environment or {})
    return [str(p).replace(f"{path.parent}/" if path else "", "") for p in caught.value.problems]


def test_nothing_at_all_is_the_defaults() -> None:
    loaded = load(None, {})
    assert loaded.settings == Settings()
    assert {origin for _, _, origin in loaded.effective()} == {"default"}


def test_a_file_and_the_environment_over_it(write: Callable[..., Path]) -> None:
    path = write(
        "instance: night\n"
        "providers:\n"
        "  aws:\n"
        "    regions: [eu-west-1]\n"
        "    schedule: {cron: '0 * * * *'}\n"
        "    accounts:\n"
        '      include: ["012345678901"]\n'
        "containment:\n"
        "  hooks:\n"
        "    Revoke-keys: {use: deactivate_access_key, mode: approve}\n"
    )
    environment = {
        "WATCHSTANDER_PROVIDERS__AWS__REGIONS": "us-east-1, us-west-2",
        "WATCHSTANDER_CONTAINMENT__HOOKS__REVOKE_KEYS__MODE": "auto",
        "WATCHSTANDER_CONTAINMENT__HOOKS__REVOKE_KEYS__OPTIONS__DEPTH": "3",
        "WATCHSTANDER_POLICIES__SEVERITIES": "aws.a=high,aws.b=low",
        "WATCHSTANDER_POLICIES__PARAMETERS": '{"aws.a": {"days": 90}}',
        "WATCHSTANDER_STORAGE__LOCK_TIMEOUT": "1m",
        "WATCHSTANDER_STORAGE__PASSWORD": "",
        "WATCHSTANDER_CONFIG": "somewhere",
        "WATCHSTANDER_PORT": "tcp://10.0.0.1:9464",
        "WATCHSTANDER_SERVICE_HOST": "10.0.0.1",
        "PATH": "/bin",
    }
    loaded = load(path, environment)
    s = loaded.settings
    assert s.instance == "night"
    assert s.providers.aws is not None
    assert s.providers.aws.regions == ("us-east-1", "us-west-2")
    assert s.providers.aws.accounts.include == ("012345678901",)
    assert s.containment.hooks["Revoke-keys"].mode is Mode.AUTO
    assert s.containment.hooks["Revoke-keys"].options == {"depth": 3}
    assert s.policies.severities == {"aws.a": "high", "aws.b": "low"}
    assert s.policies.parameters == {"aws.a": {"days": 90}}
    assert s.storage.lock_timeout == timedelta(minutes=1)
    assert loaded.origin(("instance",)) == f"{path}:1"
    assert (
        loaded.origin(("providers", "aws", "regions")) == "environment WATCHSTANDER_PROVIDERS__AWS__REGIONS"
    )
    assert loaded.origin(("containment", "hooks", "Revoke-keys", "use")) == f"{path}:10"
    assert loaded.origin(("providers", "aws", "profile")) == "default"
    assert loaded.origin(("api", "port")) == "default"


def test_every_problem_is_told_at_once_with_its_line(write: Callable[..., Path]) -> None:
    path = write(
        "providers:\n"
        "  aws:\n"
        "    regions: eu-west-1\n"
        "    accounts: {include: [012345678901]}\n"
        "  gpc: {}\n"
        "storage:\n"
        "  urll: sqlite:///x.db\n"
        "  lock_timeout: 5 parsecs\n"
        "  password: hunter2secret\n"
        "containment:\n"
        "  hooks:\n"
        "    revoke: {mode: yes}\n"
        "port: 1\n"
        "api: {port: 99999, enabled: maybe}\n"
        "storage: 3\n"
    )
    found = problems(
        path, {"WATCHSTANDER_LOG__LEVEL": "loud", "WATCHSTANDER_API__PROT": "1", "WATCHSTANDER_INSTANZE": "x"}
    )
    assert found == [
        "w.yaml:3: `providers.aws.regions`: expected a list, got 'eu-west-1' (write [eu-west-1])",
        """w.yaml:4: `providers.aws.accounts.include[0]`: expected text, got 012345678901 (quote it: "012345678901")""",
        "w.yaml:5: unknown option `providers.gpc` (did you mean `gcp`?)",
        "w.yaml:7: unknown option `storage.urll` (did you mean `url`?)",
        "w.yaml:8: `storage.lock_timeout`: '5 parsecs' is not a duration; write 30s, 15m, 2h or 7d",
        "w.yaml:9: `storage.password`: write a secret as a reference: env:NAME, file:/path, aws-secretsmanager:ID or aws-ssm:NAME",
        "w.yaml:12: `containment.hooks.revoke.mode`: expected 'off', 'dry-run', 'approve' or 'auto', got 'yes'",
        "w.yaml:12: `containment.hooks.revoke.use` is required",
        "w.yaml:13: unknown option `port` (there is `api.port`)",
        "w.yaml:14: `api.enabled`: expected true or false, got 'maybe'",
        "w.yaml:14: `api.port`: expected less than or equal to 65535, got '99999'",
        "w.yaml:15: `storage` is given twice (the first is on line 6)",
        "environment WATCHSTANDER_API__PROT: unknown option `api.prot` (did you mean `port`?)",
        "environment WATCHSTANDER_INSTANZE: unknown option `instanze` (did you mean `instance`?)",
        "environment WATCHSTANDER_LOG__LEVEL: `log.level`: expected 'debug', 'info', 'warning' or 'error', got 'loud'",
    ]


_BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(8)
)


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("a: [1, 2\n", 2, "not YAML: expected ',' or ']'"),
        ("log:\n\tlevel: info\n", 2, "a tab cannot indent in YAML (use spaces)"),
        ("log: {level: info}\n---\nlog: {}\n", 2, "not YAML"),
        ("- a\n- b\n", 1, "the file must hold options"),
        ("just text\n", 1, "the file must hold options"),
        ("log: !!python/object:os.system {}\n", 1, "the tag"),
        ("log: !secret x\n", 1, "the tag !secret is not supported"),
        ("base: &b {level: info}\nlog:\n  <<: *b\n", 3, "merge keys"),
        ("log: *nowhere\n", 1, "undefined alias"),
        ("? [a, b]\n: 3\n", 1, "a key must be text"),
        ("instance: a\n\x00\n", 2, "is not allowed in YAML"),
        (b"instance: a\nlog: \xff\n", 2, "byte 0xff is not UTF-8 (save the file as UTF-8)"),
        ("a: " + "[" * 200 + "]" * 200, 1, "nested deeper than"),
        ("a: " + "{a: " * 5000 + "}" * 5000, 1, "nested deeper than"),
        (_BOMB, 1, "expand without end"),
        ("a: &a [*a]\n", 1, "expand without end"),
        ("log: {level: info, level: debug}\n", 1, "`level` is given twice"),
        ("storage: {lock_timeout: .inf}\n", 1, "storage.lock_timeout"),
        ("storage: {lock_timeout: 1e400}\n", 1, "storage.lock_timeout"),
        ("storage: {lock_timeout: -5}\n", 1, "a duration cannot be negative"),
        ("storage: {lock_timeout: 99999999999w}\n", 1, "too long"),
        ("providers: {aws: {schedule: {every: 5m, cron: x}}}\n", 1, "give either `every` or `cron`"),
        ("x: " + "1" * 5000 + "\n", 1, "unknown option `x`"),
        ("api: {port: " + "1" * 5000 + "}\n", 1, "expected a whole number"),
        ("storage:\n  url: 3\n", 2, '`storage.url`: expected text, got 3 (quote it: "3")'),
        (
            "history:\n  ignored_fields:\n    aws.*: [A, B..C]\n",
            3,
            "`history.ignored_fields.aws.*[1]`: 'B..C' is not the path",
        ),
        (
            "history:\n  ignored_fields:\n    aws.*: [A, 'Tags[Team']\n",
            3,
            "'Tags[Team' is not the path of a field",
        ),
        ("history:\n  ignored_fields:\n    aws.*: ['']\n", 3, "'' is not the path of a field"),
        ("history:\n  ignored_fields:\n    aws.*: A\n", 3, "expected a list, got 'A' (write [A])"),
        (
            "history:\n  ignored_fields:\n    a: [A]\n    '*.b': [A]\n",
            4,
            "`history.ignored_fields.*.b`: '*.b' is no type",
        ),
        ("storage: [1]\n", 1, "`storage`: expected options (`key: value`)"),
        ("policies: {packs: {a: 1}}\n", 1, "`policies.packs`: expected a list"),
        (b"x" * (MAX_BYTES + 1), 1, "larger than 1024 KiB"),
    ],
)
def test_bad_files(write: Callable[..., Path], content: str | bytes, line: int, said: str) -> None:
    found = problems(write(content))
    assert any(p.startswith(f"w.yaml:{line}: ") and said in p for p in found), found


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "there is no such file" in problems(tmp_path / "none.yaml")[0]
    assert "this is a directory" in problems(tmp_path)[0]


@pytest.mark.parametrize(
    "content", ["", "# nothing\n", "---\n", "{}\n", "\ufeffinstance: watchstander\n", "log:\nproviders:\n"]
)
def test_files_that_say_nothing_are_good(write: Callable[..., Path], content: str) -> None:
    assert load(write(content), {}).settings == Settings()


def test_a_cloud_that_is_named_is_read_even_with_nothing_below_it(write: Callable[..., Path]) -> None:
    providers = load(
        write("providers:\n  aws:\n  # everything by default\n  gcp: {}\n"), {}
    ).settings.providers
    assert providers.aws is not None
    assert providers.gcp is not None
    assert providers.azure is None


def test_paths_are_relative_to_the_file_and_those_of_the_environment_to_the_folder(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = write(
        "state_dir: state\n"
        "storage: {url: 'sqlite:///watch.db', durable_url: 'sqlite:////abs/d.db', password: 'file:secret/db'}\n"
        "policies: {paths: [mine, /abs]}\n"
        "providers: {azure: {client_secret: 'file:%d/azure'}}\n"
    )
    s = load(path, {}).settings
    assert s.state_dir == tmp_path / "state"
    assert s.storage.url == f"sqlite:///{tmp_path}/watch.db"
    assert s.storage.durable_url == "sqlite:////abs/d.db"
    assert str(s.storage.password) == f"file:{tmp_path}/secret/db"
    assert s.policies.paths == (tmp_path / "mine", Path("/abs"))
    assert s.providers.azure is not None
    assert str(s.providers.azure.client_secret) == "file:%d/azure"
    s = load(
        path, {"WATCHSTANDER_STORAGE__URL": "sqlite:///e.db", "WATCHSTANDER_POLICIES__PATHS": "p"}
    ).settings
    assert s.storage.url == f"sqlite:///{tmp_path}/here/e.db"
    assert s.policies.paths == (tmp_path / "here" / "p",)
    assert (
        load(path, {"WATCHSTANDER_STORAGE__URL": "sqlite:///:memory:"}).settings.storage.url
        == "sqlite:///:memory:"
    )


def test_a_secret_written_out_is_never_repeated(write: Callable[..., Path]) -> None:
    for content in (
        "storage: {password: hunter2-very}\n",
        "storage: {password: [hunter2-very]}\n",
        "storage: {password: {scheme: env, location: [hunter2-very]}}\n",
    ):
        assert "hunter2" not in "\n".join(problems(write(content)))
    assert "hunter2" not in "\n".join(problems(None, {"WATCHSTANDER_STORAGE__PASSWORD": "hunter2-very"}))


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("WATCHSTANDER_PROVIDERS__AWS", "eu-west-1", "expected a JSON object"),
        ("WATCHSTANDER_PROVIDERS__AWS", '{"regions": ', "not JSON"),
        ("WATCHSTANDER_PROVIDERS__AWS__REGIONS", '{"a": 1}', "expected a JSON array"),
        ("WATCHSTANDER_POLICIES__SEVERITIES", "high", "key=value"),
        ("WATCHSTANDER_POLICIES__SEVERITIES", "a=loud", "loud"),
        ("WATCHSTANDER_API__PORT", "http", "expected a whole number, got 'http'"),
        ("WATCHSTANDER_API__PORT__X", "1", "unknown option `api.port.x`"),
        ("WATCHSTANDER_", "1", "unknown option ``"),
        ("WATCHSTANDER_X__", "1", "unknown option `x.`"),
        ("WATCHSTANDER_POLICIES__PACKS", "[" * 100_000, "JSON"),
    ],
)
def test_bad_variables_are_named(variable: str, value: str, said: str) -> None:
    if variable == "WATCHSTANDER_":
        assert load(None, {variable: value}).settings == Settings()
        return
    (found,) = problems(None, {variable: value})
    assert found.startswith(f"environment {variable}: ")
    assert said in found


def test_settings_are_shown_with_secrets_as_references_only(write: Callable[..., Path]) -> None:
    path = write("storage: {password: 'env:DB_PASSWORD'}\nproviders:\n  aws:\n")
    shown = {
        name: (value, origin) for name, value, origin in load(path, {"DB_PASSWORD": "hunter2"}).effective()
    }
    assert shown["storage.password"] == ("env:DB_PASSWORD", f"{path}:1")
    assert shown["providers.aws.schedule.every"] == ("15m", "default")
    assert shown["providers.gcp"] == (None, "default")
    assert "hunter2" not in json.dumps({k: str(v) for k, v in shown.items()})


_WORDS = st.sampled_from(
    ["providers", "aws", "storage", "url", "log", "level", "a", "<<", "*a", "&a", "!!int", "!x", "|", ">", "- ", "? ", ": ", "\n", "\n  ", "\t",
     "[", "]", "{", "}", ",", "'", '"', "#", "---", "...", "%YAML 1.1\n", "012", "1e9", ".inf", "0x", "~", "null", "yes", "2020-01-01", "\x00", "\u2028", "\ud800", "💥", "=", "@", "`"]
)  # fmt: skip
_YAMLISH = st.one_of(
    st.text(max_size=200),
    st.lists(_WORDS, max_size=40).map("".join),
    st.lists(_WORDS, max_size=40).map(" ".join),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.one_of(_WORDS, st.text(max_size=8)), inner, max_size=4),
        ),
        max_leaves=20,
    ).map(json.dumps),
)


@given(_YAMLISH)
@example("%YAML 1.1\n--- {a: !!int b}\n")
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_text_is_a_traceback(write: Callable[..., Path], content: str) -> None:
    path = write(content.encode("utf-8", "surrogatepass"))
    try:
        loaded = load(path, {})
    except ConfigurationError as error:
        assert error.problems
        assert all(":" in problem.where for problem in error.problems)
        return
    assert isinstance(loaded.settings, Settings)


_TREES: dict[str, Any] = {name: getattr(Settings(), name) for name in Settings.model_fields}


@given(
    st.sampled_from(sorted(_TREES)),
    st.dictionaries(
        st.sampled_from(["aws", "url", "packs", "hooks", "level", "port", "paths", "x"]),
        st.recursive(
            st.one_of(st.none(), st.text(max_size=5), st.integers(), st.floats(), st.booleans()),
            lambda i: st.one_of(st.lists(i, max_size=3), st.dictionaries(st.text(max_size=5), i, max_size=3)),
            max_leaves=8,
        ),
        max_size=4,
    ),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_tree_of_wrong_types_is_a_traceback(
    write: Callable[..., Path], section: str, below: dict[str, Any]
) -> None:
    path = write(json.dumps({section: below}))
    try:
        load(path, {})
    except ConfigurationError as error:
        assert error.problems


@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ_", max_size=30), st.text(max_size=30))
@settings(deadline=None)
def test_no_variable_is_a_traceback(name: str, value: str) -> None:
    try:
        load(
            None,
            {
                f"WATCHSTANDER_{name}": value,
                "WATCHSTANDER_STORAGE__URL": value,
                "WATCHSTANDER_POLICIES__PATHS": value,
            },
        )
    except ConfigurationError as error:
        assert error.problems


@given(st.text(max_size=200))
def test_plain_json_reads_as_json_does(content: str) -> None:
    value = {"k": content, "n": [1, -2.5, None, True, {"x": content}]}
    document = parse_document(json.dumps(value), Path("x"))
    assert (document.data, document.problems) == (value, [])


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)))
def test_a_duration_reads_back_as_it_is_written(duration: timedelta) -> None:
    whole = timedelta(seconds=int(duration.total_seconds()))
    assert parse_duration(format_duration(whole)) == whole


@given(
    st.one_of(
        st.text(max_size=30), st.integers(), st.floats(), st.none(), st.booleans(), st.binary(max_size=5)
    )
)
def test_nothing_but_a_value_error_comes_of_a_bad_duration(value: object) -> None:
    try:
        duration = parse_duration(value)
    except ValueError:
        return
    assert duration >= timedelta(0)
