"""``sentinel.hcl``: what it says, what is wrong with it and where, and what a set of policies comes to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.errors import PackError, PolicyError, PolicySyntaxError
from policies.files import DISK
from policies.sentinel import EnforcementLevel, Override, load_policy_set
from policies.sentinel.hcl import parse_hcl
from policies.sentinel.policyset import read_config

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FULL = """
sentinel {
  features = { terraform = true, apply-all = true }
}
# comments of all three kinds
policy "limits" {
  source            = "./limits.sentinel" // here
  enforcement_level = "soft-mandatory"    /* and here */
  params = {
    limit = 3
    "why" = "a \\"quoted\\" word\\n\\u00e9"
  }
}
policy "names" { source = "names.sentinel" }
policy "hard" {
  source = "hard.sentinel"
  enforcement_level = "hard-mandatory"
}
import "module" "m" { source = "modules/m.sentinel" }
module "old" { source = "modules/m.sentinel" }
import "static" "people" {
  source = "people.json"
  format = "json"
}
import "plugin" "time" { config = { timezone = "Australia/Brisbane" } }
mock "tfrun" { data = { workspace = { name = "w", tags = ["a", -1, 2.5, true, null] } } }
mock "tfplan/v2" {
  module { source = "modules/mock.sentinel" }
}
global "g" { value = -3 }
param "shared" { value = <<EOT
two
lines
EOT
}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "modules").mkdir()
    (tmp_path / "sentinel.hcl").write_text(FULL)
    (tmp_path / "limits.sentinel").write_text("param limit\nparam why\nmain = rule { limit > 5 }")
    (tmp_path / "names.sentinel").write_text(
        'import "people"\nimport "m"\nimport "old"\nparam shared\n'
        'main = rule { people.ann is 1 and m.two is 2 and old.two is 2 and shared is "two\\nlines\\n" and g is -3 }'
    )
    (tmp_path / "hard.sentinel").write_text(
        'import "time"\nimport "tfplan/v2" as p\nimport "tfrun"\n'
        "main = rule { time.now.hour is 13 and p.variables.x is 5 and tfrun.workspace.tags[1] is -1 }"
    )
    (tmp_path / "modules/m.sentinel").write_text("two = 2")
    (tmp_path / "modules/mock.sentinel").write_text('variables = {"x": 5}')
    (tmp_path / "people.json").write_text('{"ann": 1}')
    return tmp_path


def test_a_whole_configuration(directory: Path) -> None:
    config = read_config(directory)
    assert [(p.name, p.level) for p in config.policies] == [
        ("limits", EnforcementLevel.SOFT_MANDATORY),
        ("names", EnforcementLevel.ADVISORY),
        ("hard", EnforcementLevel.HARD_MANDATORY),
    ]
    assert config.policies[0].params == {"limit": 3, "why": 'a "quoted" word\né'}
    assert str(config.policies[0].where) == f"{directory}/sentinel.hcl:6:1"
    assert set(config.modules) == {"m", "old"}
    assert config.mocks["tfrun"] == {"workspace": {"name": "w", "tags": ["a", -1, 2.5, True, None]}}
    assert config.globals == {"g": -3}
    assert config.params == {"shared": "two\nlines\n"}
    assert config.features == {"terraform": True, "apply-all": True}
    assert config.timezone.key == "Australia/Brisbane"  # type: ignore[attr-defined]


def test_levels_and_overrides(directory: Path) -> None:
    loaded = load_policy_set(directory)
    result = loaded.evaluate(now=NOW)
    passed = {d.policy: (d.passed, d.allowed) for d in result.decisions}
    assert passed == {"limits": (False, False), "names": (True, True), "hard": (True, True)}
    assert not result.allowed
    override = Override(actor="ann", reason="agreed with the owner", at=NOW)
    result = loaded.evaluate(now=NOW, overrides={"limits": override, "hard": override})
    assert result.allowed
    assert {d.policy: d.override for d in result.decisions} == {
        "limits": override,
        "names": None,
        "hard": None,
    }
    assert result.decisions[0].sentence == "limits failed, and was overridden by ann: agreed with the owner."
    shown = result.to_json()
    assert shown["policies"][0]["override"] == {
        "actor": "ann",
        "reason": "agreed with the owner",
        "at": "2026-01-02T03:04:05+00:00",
    }


def test_what_cannot_be_overridden(tmp_path: Path) -> None:
    (tmp_path / "no.sentinel").write_text("main = false")
    (tmp_path / "broken.sentinel").write_text("main = 1 / 0 is 0")
    (tmp_path / "lost.sentinel").write_text("main = undefined")
    (tmp_path / "sentinel.hcl").write_text(
        'policy "no" {\n source = "no.sentinel"\n enforcement_level = "hard-mandatory"\n}\n'
        'policy "advice" { source = "no.sentinel" }\n'
        'policy "broken" {\n source = "broken.sentinel"\n enforcement_level = "soft-mandatory"\n}\n'
        'policy "lost" {\n source = "lost.sentinel"\n enforcement_level = "hard-mandatory"\n}\n'
    )
    override = Override(actor="ann", reason="please", at=NOW)
    result = load_policy_set(tmp_path).evaluate(
        now=NOW, overrides=dict.fromkeys(("no", "advice", "lost"), override)
    )
    assert [(d.policy, d.passed, d.allowed) for d in result.decisions] == [
        ("no", False, False),
        ("advice", False, True),
        ("broken", False, False),
        ("lost", False, False),
    ]
    sentences = [d.sentence for d in result.decisions]
    assert sentences[0] == "no failed; it is hard-mandatory."
    assert "could not be evaluated" in sentences[2]
    assert "is undefined (main is undefined:" in sentences[3]


def test_an_override_says_who_and_why() -> None:
    with pytest.raises(ValueError, match="who and why"):
        Override(actor="ann", reason=" ", at=NOW)
    with pytest.raises(ValueError, match="aware"):
        Override(actor="ann", reason="x", at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_same_in_json(directory: Path) -> None:
    (directory / "sentinel.hcl").unlink()
    document = {
        "policy": {"limits": {"source": "limits.sentinel", "params": {"limit": 9, "why": "x"}}},
        "import": {
            "module": {"m": {"source": "modules/m.sentinel"}},
            "static": {"s": {"source": "people.json"}},
        },
        "mock": {"tfrun": {"data": {"a": 1}}, "tfplan/v2": {"module": {"source": "modules/mock.sentinel"}}},
        "global": {"g": {"value": 1}},
        "param": {"p": {"value": [1]}},
    }
    (directory / "sentinel.json").write_text(json.dumps(document, indent=1))
    config = read_config(directory)
    assert config.policies[0].params == {"limit": 9, "why": "x"}
    assert config.mocks["tfrun"] == {"a": 1}
    assert str(config.policies[0].where).endswith("sentinel.json:3:11")
    assert load_policy_set(directory).evaluate(now=NOW).allowed


def test_an_overriding_file_wins(directory: Path) -> None:
    (directory / "override.hcl").write_text(
        'policy "limits" {\n enforcement_level = "advisory"\n params = { limit = 7 }\n}'
    )
    config = read_config(directory)
    assert config.policies[0].level is EnforcementLevel.ADVISORY
    assert config.policies[0].params["limit"] == 7
    assert config.policies[0].source.name == "limits.sentinel"


def test_a_plan_as_a_plugin(directory: Path) -> None:
    (directory / "plan.json").write_text('{"planned_values": {}, "variables": {"x": {"value": 4}}}')
    (directory / "sentinel.hcl").write_text(
        'import "plugin" "tfplan/v2" { config = { plan_path = "plan.json" } }\npolicy "p" { source = "p.sentinel" }'
    )
    (directory / "p.sentinel").write_text('import "tfplan/v2" as t\nmain = rule { t.variables.x.value is 4 }')
    assert load_policy_set(directory).evaluate(now=NOW).decisions[0].passed


WRONG = [
    ('policy "p" {\n  source = \n}', "2:12: is not HCL"),
    ("policy {", "is not HCL"),
    ('policy "p" {\n  enforcement_level = "advisory"\n}', '1:1: "policy" needs "source"'),
    ('policy "p" {\n  source = "none.sentinel"\n}', '2:3: the source "none.sentinel" does not exist'),
    (
        'policy "p" {\n  source = "p.sentinel"\n  enforcement_level = "mandatory"\n}',
        '3:3: "mandatory" is no enforcement',
    ),
    ('policy "p" {\n  source = "p.sentinel"\n  level = 1\n}', '3:3: unknown attribute "level"'),
    (
        'policy "p" { source = "p.sentinel" }\npolicy "p" { source = "p.sentinel" }',
        '2:1: policy "p" was declared before',
    ),
    ('policy "p" {\n source = "a"\n source = "b"\n}', '3:2: "source" is set twice'),
    ('policy { source = "p.sentinel" }', '1:1: "policy" has 1 names'),
    ('policy "p" { source = 5 }', '"source" must be text'),
    ('policy "p" { source = "${x}" }', "a string cannot hold ${…}"),
    ('policy "p" { source = name }', "a name cannot stand here"),
    ('policy "p" { source = 1 + 1 }', "an expression cannot stand here"),
    ('policy "p" {\n source = "p.sentinel"\n params = 5\n}', '"params" must be a map'),
    ('policy "p" {\n source = "p.sentinel"\n params = { nope = 1 }\n}', 'has no parameter "nope"'),
    ('policy "p" { source = "git::https://x.org/y.git//p.sentinel" }', "is remote; fetch it first"),
    ('policy "p" { source = "https://x.org/p.sentinel" }', "is remote"),
    ('policy "p" { source = "github.com/x/y" }', "is remote"),
    ("nothing {}", '1:1: unknown block "nothing"'),
    ("a = 1", '1:1: unknown attribute "a"'),
    ('import "strange" "x" {}', 'is "module", "static" or "plugin"'),
    ('import "plugin" "own" {\n source = "./own"\n}', "a program to run, which is refused"),
    ('import "plugin" "own" { config = {} }', "cannot be configured"),
    ('import "plugin" "time" { config = { timezone = "Mars/Base" } }', "is no time zone"),
    (
        'import "static" "s" {\n source = "p.sentinel"\n format = "yaml"\n}',
        'the format of a static import is "json"',
    ),
    ('import "static" "s" { source = "p.sentinel" }', "p.sentinel:1:1: is not JSON"),
    ('mock "m" {}', 'needs either a "module" or "data"'),
    ('mock "m" {\n module { source = "x" }\n data = {}\n}', 'needs either a "module" or "data"'),
    ('global "g" {}', 'needs a "value"'),
    ('x = "a\\q"', "unknown escape"),
]


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "sentinel.hcl").write_text(text)
    (tmp_path / "p.sentinel").write_text("main = true")
    with pytest.raises(PackError) as raised:
        load_policy_set(tmp_path)
    assert expected in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_what_is_wrong_in_json_too(tmp_path: Path) -> None:
    path = tmp_path / "sentinel.json"
    for text, expected in [
        ("{", "sentinel.json:1:2: is not JSON"),
        ("[]", "must hold an object"),
        (
            '{\n "policy": {\n  "p": {\n   "source": 5\n  }\n }\n}',
            'sentinel.json:4:12: "source" must be text',
        ),
        ('{"policy": 5}', 'unknown attribute "policy"'),
        ('{"policy": {"p": 5}}', '"policy" must be an object'),
    ]:
        path.write_text(text)
        with pytest.raises(PackError) as raised:
            load_policy_set(tmp_path)
        assert expected in str(raised.value)


def test_a_policy_that_is_none_is_said_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "sentinel.hcl").write_text('policy "p" { source = "p.sentinel" }')
    (tmp_path / "p.sentinel").write_text("main = (")
    with pytest.raises(PolicySyntaxError, match=r"p\.sentinel:1:8"):
        load_policy_set(tmp_path)


def test_a_directory_without_one(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"holds no sentinel\.hcl"):
        load_policy_set(tmp_path)
    with pytest.raises(PackError, match="cannot be read"):
        load_policy_set(tmp_path / "none.hcl")
    (tmp_path / "x.hcl").write_bytes(b"a = \xff")
    with pytest.raises(PackError, match="is not UTF-8"):
        load_policy_set(tmp_path / "x.hcl")
    (tmp_path / "x.hcl").write_text("a = " + "[" * 5000 + "]" * 5000)
    with pytest.raises(PackError):
        load_policy_set(tmp_path / "x.hcl")


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='policy "{}[]=\n,abc$%#/*<>-1.5\\trueé', max_size=60))
def test_any_text_is_hcl_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.hcl"
    path.write_text(text)
    try:
        parse_hcl(path, DISK)
    except PolicyError as error:
        assert "any.hcl" in str(error)
