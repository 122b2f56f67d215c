"""Writes the reference pages anew from what they describe: ``python -m tools.reference`` (``make docs``).

``PAGES`` is the whole list; a page is a function that gives its text. ``--check`` writes nothing and exits with 1 where a
page differs from what is committed (the tests do the same).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import cleandoc, getdoc
from pathlib import Path
from textwrap import wrap
from typing import Any

from config.document import Location
from tools.options import Option, cell, options

ROOT = Path(__file__).parents[1]
_MADE = "<!-- Made by `make docs` from {}; edit that instead. -->\n"


@dataclass(frozen=True, slots=True)
class Page:
    """A generated file."""

    path: str
    render: Callable[[], str]


def reference_yaml() -> str:
    """``config/reference.yaml``: a configuration that loads, holding every option at its default."""
    lines = [
        "# Every option of Watchstander, at its default. Made by `make docs` from the settings in config/; edit that instead.",
        "# Copy what you change. A cloud that is named is read: leave out the ones you do not have.",
        "# Durations: 30s, 15m, 2h, 7d. Secrets are references: env:NAME, file:/path, aws-secretsmanager:ID, aws-ssm:NAME.",
    ]
    named: Location = ()
    for option in options():
        parent = option.at[:-1]
        if len(option.at) == 1:
            lines.append("")
        # What stands below a name of the user's own is an example, so it is commented out.
        base = option.at.index("*") - 1 if "*" in option.at else 0
        prefix = "  " * base + "# " if base else ""
        indent = prefix + "  " * (len(parent) - base)
        if parent[-1:] == ("*",) and parent != named:
            named = parent
            lines.append(f"{indent[:-2]}NAME:")
        lines += [f"{indent}# {line}" for line in wrap(option.meaning, 108 - len(indent))]
        value = (
            "" if option.model else " " + ("CHANGE-ME" if option.default is ... else _yaml(option.default))
        )
        lines.append(f"{indent}{option.at[-1]}:{value}")
    return "\n".join(lines) + "\n"


def _yaml(value: Any) -> str:
    if (
        isinstance(value, str)
        and value
        and value.replace("-", "").replace("_", "").isalnum()
        and not value.isdigit()
    ):
        return value
    return json.dumps(value, ensure_ascii=False)


def settings_page() -> str:
    """``docs/reference/settings.md``."""
    out = [
        "# Settings",
        "",
        "One YAML file, found as [the command line](cli.md) says, and the environment over it. Unknown options are refused,",
        "and every problem is told at once with its file and line. `watchstander config check` tells them without starting,",
        "`watchstander config show` prints what is in force and where each value came from, and",
        "`watchstander config reference` prints all of this as a file that loads. See [configuration](../configuration.md).",
    ]
    for section, members in _sections():
        out += ["", f"## `{section}`" if section else "## Top level", ""]
        out += ["| option | type | default | meaning |", "|---|---|---|---|"]
        for option in members:
            default = (
                "required" if option.default is ... else f"`{json.dumps(option.default, ensure_ascii=False)}`"
            )
            if option.model is not None:
                default = "not configured" if option.default is None else "see below"
            meaning = option.meaning + (
                " *Needs a restart.*" if option.restart and option.model is None else ""
            )
            out.append(f"| `{option.at[-1]}` | {cell(option.kind)} | {cell(default)} | {cell(meaning)} |")
    return "\n".join(out) + "\n"


def _sections() -> Iterator[tuple[str, list[Option]]]:
    sections: dict[str, list[Option]] = {}
    for option in options():
        sections.setdefault(".".join(map(str, option.at[:-1])).replace("*", "NAME"), []).append(option)
    yield from sections.items()


def cli_page() -> str:
    """``docs/reference/cli.md``."""
    from typer.core import TyperGroup

    from daemon.cli.app import WORDS, build
    from daemon.cli.exits import MEANING

    out = [
        "# The command line",
        "",
        "The configuration is `--config FILE`, else `WATCHSTANDER_CONFIG`, else `./watchstander.yaml`, else",
        "`/etc/watchstander/watchstander.yaml`; without any, defaults and environment. Times are RFC 3339, a date, `2h`, `3d`,",
        "`now`, `today` or `yesterday`, in UTC. `watchstander --install-completion` teaches your shell the words.",
        "",
        "| exit status | meaning |",
        "|---|---|",
        *(f"| {int(status)} | {meaning} |" for status, meaning in MEANING.items()),
        "",
        "Several at once: failed before incomplete before refused.",
        "",
        "Every verb takes these, before it or after it:",
        "",
        *_parameters([p for p in build().params if p.rich_help_panel]),  # type: ignore[attr-defined]
    ]
    for word in WORDS:
        command = word.load()
        if isinstance(command, TyperGroup):
            out += ["", f"## {word.name}", "", _literal(word.help)]
            for name, verb in command.commands.items():
                out += _verb(f"{word.name} {name}", verb, "###")
        else:
            out += _verb(word.name, command, "##")
    return "\n".join(out) + "\n"


def _verb(name: str, command: Any, heading: str) -> list[str]:
    own = [p for p in command.params if getattr(p, "rich_help_panel", None) != "Everywhere"]
    arguments = [p for p in own if p.param_type_name == "argument"]
    usage = " ".join([f"watchstander {name}", *(_argument(p) for p in arguments)])
    examples = [
        line.strip() for line in _literal(command.epilog).splitlines() if line.strip().startswith("$")
    ]
    return [
        "",
        f"{heading} {name}",
        "",
        f"`{usage}{' [OPTIONS]' if len(own) > len(arguments) else ''}`",
        "",
        _literal(cleandoc(command.help)),
        "",
        *([*_parameters(own), ""] if own else []),
        "```console",
        *examples,
        "```",
    ]


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name).upper()
    name += "..." if parameter.nargs == -1 else ""
    return name if parameter.required else f"[{name}]"


def _parameters(parameters: list[Any]) -> list[str]:
    out = ["| option | meaning |", "|---|---|"]
    for p in parameters:
        names = [_argument(p)] if p.param_type_name == "argument" else [*p.opts, *p.secondary_opts]
        out.append(f"| {', '.join(f'`{name}`' for name in names)} | {cell(_literal(p.help or ''))} |")
    return out


def _literal(text: str) -> str:
    return text.replace("\\[", "[").replace("``", "`")


def hooks_page() -> str:
    """``docs/reference/hooks.md``."""
    from daemon.hooks import HOOKS

    out = [
        "# Hooks",
        "",
        "What may be done about a violation or a finding. A hook does nothing unless it is configured below",
        "`containment.hooks`, and only says what it would do (`dry-run`) unless `mode` says more.",
    ]
    for name, hook in HOOKS.items():
        out += ["", f"## {name}", "", _literal(cleandoc(getdoc(hook) or "")), ""]
        facts = {
            "Changes the cloud": "yes" if hook.changes_cloud else "no",
            "Can be undone": "yes" if hook.undoable else "no",
            "Permissions": ", ".join(f"`{p}`" for p in hook.permissions) or "none",
            "Decided by": f"`{hook.policy}`"
            if hook.policy
            else "the policy named in its configuration, if any",
        }
        out += [f"- {what}: {value}." for what, value in facts.items()]
        members = list(options(hook.Options))
        if members:
            out += ["", "| option | type | default | meaning |", "|---|---|---|---|"]
        for option in members:
            default = (
                "required" if option.default is ... else f"`{json.dumps(option.default, ensure_ascii=False)}`"
            )
            out.append(
                f"| `{option.at[-1]}` | {cell(option.kind)} | {cell(default)} | {cell(option.meaning)} |"
            )
        out += ["", "```yaml", hook.example.strip(), "```"]
    return "\n".join(out) + "\n"


def aws_page() -> str:
    """``docs/reference/aws-types.md``."""
    from providers.aws.catalog import catalog
    from providers.aws.config_forms import FORMS

    recorded = {form.type: "whole" if form.fields is None else "in part" for form in FORMS.values()}
    out = [
        "# AWS resource types",
        "",
        f"The {len(catalog())} types that are read in each account, and the permissions that needs. Azure and Google Cloud have",
        "no such list: everything that Resource Graph and Cloud Asset know is read.",
        "",
        "*AWS Config*: whether the type is read from Config's items too (exports, an aggregator, the past): *whole* as the describe call",
        "lists it, or *in part*, in CloudFormation's schema. What Config does not hold is unread.",
        "",
        "| type | what | where | AWS Config | permissions |",
        "|---|---|---|---|---|",
    ]
    for name, declared in sorted(catalog().items()):
        permissions = ", ".join(f"`{p}`" for p in sorted(declared.permissions()))
        out.append(
            f"| `{name}` | {cell(declared.title)} | {declared.placement} | {recorded.get(name, '')} | {permissions} |"
        )
    return "\n".join(out) + "\n"


def terraform_page() -> str:
    """``docs/reference/terraform-views.md``."""
    from providers.aws.terraform import types as aws
    from providers.azure.terraform import types as azure
    from providers.gcp.terraform import terraform_types as gcp
    from tools.terraform_schema import LISTING, types_of_views

    attributes = types_of_views()
    providers = json.loads(LISTING.read_text(encoding="utf-8"))["providers"]
    versions = ", ".join(f"{name} {version}" for name, version in map(str.split, sorted(providers)))
    out = [
        "# Terraform views",
        "",
        f"The {len(attributes)} Terraform types that a policy may read of live resources (`input.resource.TYPE.main`), and their attributes.",
        f"Names, nesting and types are checked against the schemas of the providers {versions}.",
        "",
        "| Terraform type | resource type | attributes |",
        "|---|---|---|",
    ]
    for name, ours in sorted({**aws(), **azure(), **gcp()}.items()):
        out.append(
            f"| `{name}` | {', '.join(f'`{one}`' for one in sorted(ours))} | {' '.join(f'`{a}`' for a in sorted(attributes[name]))} |"
        )
    return "\n".join(out) + "\n"


def permissions_page() -> str:
    """``docs/reference/permissions.md``."""
    from config.clouds import Providers
    from providers.registry import role_of

    out = [
        "# Permissions",
        "",
        "The least roles for everything Watchstander can read and do. `watchstander permissions aws|azure|gcp` prints the one",
        "your configuration needs (`types` makes it smaller), ready to apply; `--terraform` prints it for Terraform.",
        "See [permissions](../permissions.md).",
    ]
    for cloud, title in (("aws", "AWS"), ("azure", "Azure"), ("gcp", "Google Cloud")):
        for contain in (False, True):
            role = role_of(cloud, Providers(), contain=contain)
            out += ["", f"## {title}: {'containment' if contain else 'reading'}", ""]
            out += [f"- `{permission}`" for permission in role.permissions]
    return "\n".join(out) + "\n"


def metrics_page() -> str:
    """``docs/reference/metrics.md``."""
    from daemon.metrics import Metrics

    out = [
        "# Metrics",
        "",
        "At `/metrics`, in Prometheus's text format.",
        "",
        "| metric | meaning |",
        "|---|---|",
    ]
    out += [f"| `{name}` | {cell(meaning)} |" for name, meaning in sorted(Metrics().declared().items())]
    return "\n".join(out) + "\n"


def policies_page() -> str:
    """``docs/reference/policies.md``."""
    from config.settings import PolicySettings
    from policies.engines import Engines
    from policies.files import BUILT_IN, PACK_FILE
    from policies.loader import load

    engine = Engines()
    try:
        packs = tuple(sorted(path.parent.name for path in BUILT_IN.glob(f"*/{PACK_FILE}")))
        found = load(PolicySettings(packs=packs), engine)
    finally:
        engine.close()
    out = [
        "# Built-in policies",
        "",
        "Choose packs with `policies.packs`, switch single policies off with `policies.disabled`, and change severities and",
        "parameters in [the settings](settings.md#policies). `watchstander policy show ID` prints one with its source.",
    ]
    for pack in packs:
        out += [
            "",
            f"## {pack}",
            "",
            "| policy | severity | what | judges | frameworks |",
            "|---|---|---|---|---|",
        ]
        for policy in sorted((p for p in found.policies if p.pack == pack), key=lambda p: p.id):
            judged = ", ".join(
                f"`{t}`" for t in [*sorted(policy.types), *sorted(policy.terraform_types)]
            ) or (
                f"{policy.scope}: {', '.join(f'`{t}`' for t in sorted(policy.joins))}"
                if policy.gathers
                else "findings"
            )
            frameworks = "; ".join(
                f"{name} {', '.join(ids)}" for name, ids in sorted(policy.frameworks.items())
            )
            out.append(
                f"| `{policy.id}` | {policy.severity} | {cell(policy.title)} | {judged} | {cell(frameworks)} |"
            )
    return "\n".join(out) + "\n"


PAGES = (
    Page("config/reference.yaml", reference_yaml),
    Page("docs/reference/settings.md", lambda: _MADE.format("the settings in config/") + settings_page()),
    Page("docs/reference/cli.md", lambda: _MADE.format("daemon/cli") + cli_page()),
    Page("docs/reference/hooks.md", lambda: _MADE.format("daemon/hooks") + hooks_page()),
    Page("docs/reference/aws-types.md", lambda: _MADE.format("providers/aws/catalog") + aws_page()),
    Page(
        "docs/reference/terraform-views.md",
        lambda: _MADE.format("the views below providers/") + terraform_page(),
    ),
    Page(
        "docs/reference/permissions.md",
        lambda: _MADE.format("the catalogues below providers/") + permissions_page(),
    ),
    Page("docs/reference/policies.md", lambda: _MADE.format("policies/packs") + policies_page()),
    Page("docs/reference/metrics.md", lambda: _MADE.format("daemon/metrics.py") + metrics_page()),
)


def main(arguments: list[str]) -> int:
    """Write the pages, or check them. Gives the exit status."""
    different = []
    for page in PAGES:
        path, content = ROOT / page.path, page.render()
        if path.exists() and path.read_text(encoding="utf-8") == content:
            continue
        different.append(page.path)
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    said = "differs from its source; run `make docs`" if "--check" in arguments else "written"
    for name in different:
        print(f"{name} {said}")
    return 1 if different and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
