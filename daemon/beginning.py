"""A first configuration from what the credentials at hand can see."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import yaml

from config.clouds import Providers
from config.errors import WatchstanderError
from providers.probe import Probe
from providers.registry import NAMES, configured

Ask = Callable[[str], Probe]
"""Cloud -> its probe. May raise WatchstanderError, and may never return."""

TITLES = {"aws": "Amazon Web Services", "azure": "Microsoft Azure", "gcp": "Google Cloud"}
_EXAMPLES = {
    "aws": ("regions: [eu-west-1]   # empty: every region that is enabled",),
    "azure": ("subscriptions: []   # empty: all that the credentials see",),
    "gcp": ("parents: [projects/NAME]   # or folders/NUMBER, organizations/NUMBER",),
}
_AWS_ACCOUNTS = (
    "# accounts:                 # the other accounts of the organisation, by a role in each of them",
    "#   discover: organizations",
    "#   role: WatchstanderRead",
)


def probe_all(ask: Ask, limit: timedelta, clouds: Sequence[str] = NAMES) -> dict[str, Probe]:
    """Every cloud's probe, all at once. One that has not answered within ``limit`` is left to itself and says so.

    The threads are daemons: an SDK that hangs (a metadata service that is not there) keeps nobody from ending.
    """
    answers: queue.SimpleQueue[tuple[str, Probe | BaseException]] = queue.SimpleQueue()

    def work(cloud: str) -> None:
        try:
            answers.put((cloud, ask(cloud)))
        except WatchstanderError as error:
            answers.put((cloud, Probe(cloud=cloud, cause=error.message, hint=error.hint)))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            answers.put((cloud, error))

    for cloud in clouds:
        threading.Thread(target=work, args=(cloud,), name=f"probe-{cloud}", daemon=True).start()
    found: dict[str, Probe] = {}
    end = time.monotonic() + limit.total_seconds()
    while len(found) < len(clouds) and (left := end - time.monotonic()) > 0:
        try:
            cloud, answer = answers.get(timeout=left)
        except queue.Empty:
            break
        if isinstance(answer, BaseException):
            raise answer
        found[cloud] = answer
    late = Probe(
        cloud="",
        cause=f"no answer within {limit.total_seconds():g} s",
        hint="Give it more time with --timeout, or check the network and the credentials.",
    )
    return {
        cloud: found.get(cloud) or Probe(cloud=cloud, cause=late.cause, hint=late.hint) for cloud in clouds
    }


class _Dumper(yaml.SafeDumper):
    """Quotes what begins like a number: PyYAML writes for YAML 1.1, where ``098765432109`` is text."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if value[:1].isdigit() or value[:1] in "+-.~" else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def configuration(probes: Mapping[str, Probe], given: Providers) -> str:
    """A configuration file, commented: the clouds that accepted us are watched, the others stand there to be filled in."""
    return "\n".join(_lines(probes, given)) + "\n"


def _lines(probes: Mapping[str, Probe], given: Providers) -> Iterator[str]:
    yield "# Watchstander's configuration, written by `watchstander init`."
    yield "# Every option: `watchstander config reference`. After a change: `watchstander config check`."
    yield ""
    found = [p for p in probes.values() if p.found]
    yield "providers:" if found else "providers: {}   # no cloud accepted the credentials at hand; see below"
    settings = configured(given)
    for cloud, probe in probes.items():
        yield ""
        if not probe.found:
            yield f"  # {TITLES[cloud]} is not watched: {_comment(probe.cause or 'no credentials')}"
            if probe.hint:
                yield f"  # {_comment(probe.hint)}"
            yield f"  # {cloud}:"
            yield from (f"  #   {line}" for line in _EXAMPLES[cloud])
            continue
        yield f"  # {TITLES[cloud]}: {_comment(probe.identity or '')}, from {_comment(probe.source or '')}."
        for one in probe.looks:
            if not one.seen and not one.optional:
                missing = f" (missing: {one.permission})" if one.permission else ""
                yield f"  # Not seen: {_comment(one.what + missing)}"
        for advice in probe.advice:
            yield f"  # {_comment(advice)}"
        yield f"  {cloud}:"
        said: dict[str, Any] = (
            settings[cloud].model_dump(mode="json", exclude_defaults=True, exclude_none=True)
            if cloud in settings
            else {}
        ) | dict(probe.settings)
        said = {name: value for name, value in said.items() if value is not None}
        said.setdefault("schedule", {"every": "15m"})
        dumped = yaml.dump(
            said, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
        )
        yield from (f"    {line}" for line in dumped.splitlines())
        if cloud == "aws" and "accounts" not in said:
            yield from (f"    {line}" for line in _AWS_ACCOUNTS)
    yield from _REST


_REST = """
storage:
  url: sqlite:///watchstander.db   # beside this file; or postgresql://user@host/name

state_dir: .watchstander           # what is neither configuration nor database

policies:
  packs: [preparation, detection, containment]

# Containment does nothing until a hook is written here, and then only says what it would do, until `mode` says more.
# See docs/reference/hooks.md, and `watchstander permissions aws --contain` for the role it needs.
# containment:
#   hooks:
#     leaked-key:
#       use: deactivate_access_key
#       mode: dry-run              # off, dry-run, approve, auto
#       when: ["event:CredentialAccess:IAMUser/AnomalousBehavior"]
""".splitlines()


def _comment(text: str) -> str:
    """Text that stays within its comment, whatever a cloud answered."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
