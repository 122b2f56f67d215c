"""Generated pages are what they would be generated as, and nothing is undocumented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.clouds import AwsSettings, AzureSettings, GcpSettings, Providers
from config.load import load, reference_text
from config.settings import BundleKey, Settings
from config.shape import dotted, every_option

ROOT = Path(__file__).parents[2]


def _tools() -> object:
    import importlib.util
    import sys

    sys.path.insert(0, str(ROOT))
    try:
        return importlib.import_module("tools.reference")
    finally:
        sys.path.remove(str(ROOT))


REFERENCE = _tools()


@pytest.mark.parametrize("page", REFERENCE.PAGES, ids=lambda page: page.path)  # type: ignore[attr-defined]
def test_each_generated_page_is_up_to_date(page: object) -> None:
    path = ROOT / page.path  # type: ignore[attr-defined]
    assert path.read_text(encoding="utf-8") == page.render(), f"{path.name} differs: run `make docs`"  # type: ignore[attr-defined]


def test_the_reference_configuration_loads_and_is_the_defaults() -> None:
    everything = Providers(aws=AwsSettings(), azure=AzureSettings(), gcp=GcpSettings())
    assert load(ROOT / "config" / "reference.yaml", {}).settings == Settings(providers=everything)


def test_what_is_commented_out_in_the_reference_loads_too(tmp_path: Path) -> None:
    text = re.sub(r"^  # (?=  )", "  ", reference_text(), flags=re.MULTILINE)
    text = re.sub(r"^  (hooks|bundle_keys|checkouts): \{\}$", r"  \1:", text, flags=re.MULTILINE)
    path = tmp_path / "w.yaml"
    path.write_text(re.sub(r"(?s)\nledger:.*?\n\n", "\n\n", text))
    settings = load(path, {}).settings
    assert settings.policies.bundle_keys["NAME"] == BundleKey(key=tmp_path / "CHANGE-ME")
    assert settings.policies.checkouts["NAME"].path == tmp_path / "CHANGE-ME"
    hook = settings.containment.hooks["NAME"]
    assert hook.use == "CHANGE-ME"
    assert hook.model_copy(update={"use": "x"}) == type(hook)(use="x")


@pytest.mark.parametrize("kind", ["file", "s3", "syslog", "git"])
def test_each_anchor_of_the_reference_loads(tmp_path: Path, kind: str) -> None:
    text = re.sub(r"^  # (?=  )", "  ", reference_text(), flags=re.MULTILINE)
    section = re.search(r"(?s)\nledger:.*?\n\n", text)
    assert section is not None
    head, *kinds = re.split(
        r"(?m)^      (?=(?:file|s3|syslog|git):)", section[0].replace("anchors: {}", "anchors:")
    )
    (chosen,) = (part for part in kinds if part.startswith(f"{kind}:"))
    path = tmp_path / "w.yaml"
    path.write_text(
        f"{head}      {chosen}".partition("  # A head")[0].replace("address: CHANGE-ME", "address: unix:/x")
    )
    anchor = load(path, {}).settings.ledger.anchors["NAME"]
    assert [name for name in type(anchor).model_fields if getattr(anchor, name) is not None] == [kind]


@pytest.mark.parametrize("path", sorted((ROOT / "config" / "examples").glob("*.yaml")), ids=lambda p: p.name)
def test_each_example_configuration_loads(path: Path) -> None:
    assert load(path, {}).settings != Settings()


def test_every_option_says_what_it_means() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    for at, shape in every_option():
        assert f"| `{at[-1]}` |" in page, dotted(at)
        assert shape is not None
    undocumented = [
        row for row in page.splitlines() if row.startswith("| `") and row.rstrip(" |").endswith("|")
    ]
    assert not undocumented


def test_every_verb_has_help_and_an_example_that_names_it() -> None:
    from typer.core import TyperGroup

    from daemon.cli.app import WORDS

    for word in WORDS:
        command = word.load()
        verbs = command.commands.items() if isinstance(command, TyperGroup) else [("", command)]
        for name, verb in verbs:
            words = f"watchstander {word.name} {name}".strip()
            assert verb.help, words
            assert words in (verb.epilog or ""), f"the help of `{words}` needs an example that uses it"
            for parameter in verb.params:
                assert getattr(parameter, "help", None), f"{words}: {parameter.name} says not what it is"
