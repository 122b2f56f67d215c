"""The main job on emulated clouds, told as it happens: ``watchstander demo``.

Nothing here is staged: the clouds are a process of their own that speaks the real protocols, the daemon is the real one
(database, policies, durable workflows, queue), and what is said is read back from it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
from ruamel.yaml import YAML

from config.load import load
from daemon.attributing import Attributing
from daemon.errors import DaemonError
from daemon.secrets import make_secrets
from daemon.watch import Watch
from providers.provider import Selection
from providers.resource import holds_accounts
from storage.actions import ActionStatus
from storage.findings import FindingFilter, FindingStatus
from storage.history import History, TimelineEntry
from storage.query import Filter
from storage.values import MISSING, StoredResource

START_LIMIT = timedelta(seconds=120)
"""How long the emulated clouds may take to start."""
CONTAIN_LIMIT = timedelta(seconds=30)
"""How long a leaked key may stay active before the demo says that it failed."""

RECORDS_LAG = timedelta(minutes=20)
"""What the real clouds' records of who did what may be behind. The emulated ones are not, so nobody waits for them here."""

CONFIGURATION = {
    "policies": {"packs": ["preparation", "detection", "containment"]},
    "containment": {
        "hooks": {
            "leaked-key": {
                "use": "deactivate_access_key",
                "mode": "auto",
                "when": ["event:CredentialAccess:IAMUser/AnomalousBehavior"],
                "policy": "containment.aws.allow_credential_revocation",
                "exceptions": ["break-glass-admin"],
            }
        }
    },
    "api": {"port": 0},
    "log": {"level": "error"},
}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clouds:
    """The running sandbox, as it told of itself."""

    process: subprocess.Popen[str]
    endpoints: Mapping[str, Mapping[str, str]]
    environment: Mapping[str, str]
    configuration: Path


@contextlib.contextmanager
def sandbox(folder: Path) -> Iterator[Clouds]:
    """The emulated clouds in a process of their own, ended at the end. Raises DaemonError when they do not start."""
    file = folder / "watchstander.yaml"
    command = [
        sys.executable,
        "-m",
        "daemon",
        "sandbox",
        "--format",
        "ndjson",
        "--quiet",
        "--write-config",
        str(file),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603
    try:
        yield _started(process, file)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _started(process: subprocess.Popen[str], file: Path) -> Clouds:
    told: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: told.append(process.stdout.readline()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    reader.join(START_LIMIT.total_seconds())
    if not told or not told[0]:
        raise DaemonError(
            "The emulated clouds did not start.",
            hint="Run `watchstander sandbox` to see why; it needs the `sandbox` extra (moto).",
        )
    facts = orjson.loads(told[0])
    yaml = YAML()
    content = yaml.load(file.read_text(encoding="utf-8"))
    content.update(CONFIGURATION)
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(content, out)
    return Clouds(
        process=process, endpoints=facts["endpoints"], environment=facts["environment"], configuration=file
    )


class Demo:
    """One performance."""

    def __init__(self, clouds: Clouds, say: Say, clock: Callable[[], datetime]) -> None:
        self._clouds = clouds
        self._say = say
        self._clock = clock
        self._started = time.monotonic()
        os.environ.update(clouds.environment)
        settings = load(clouds.configuration, dict(os.environ)).settings
        self._watch = Watch.open(settings, clock=clock, secrets=make_secrets(settings, os.environ))

    def __enter__(self) -> Demo:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.close()

    def play(self) -> bool:
        """Everything, in order; whether everything went as it should."""
        self._inventory()
        self._unchanged()
        drifted = self._drift()
        contained = self._leak()
        honest = self._fault()
        self._ledger()
        return drifted and contained and honest

    def stand(self, stop: threading.Event) -> None:
        """Go on watching until told to stop."""
        sources = self._watch.event_sources()
        threads = [
            threading.Thread(target=self._watch.take_events, args=(s, stop), daemon=True) for s in sources
        ]
        for thread in threads:
            thread.start()
        while not stop.wait(15):
            report = self._watch.cycle(Selection(), kind="demo")
            self._watch.tick()
            self._say(report.sentence)

    # --- the acts -----------------------------------------------------------------------------------------------------

    def _inventory(self) -> None:
        self._title("Read three clouds, judge every resource")
        report = self._watch.cycle(Selection(), kind="demo")
        self._say(f"  {report.sentence}")
        by_cloud: Counter[str] = Counter()
        for batch in self._watch.inventory.find():
            by_cloud.update(resource.ref.provider for resource in batch)
        accounts = {(s.scope.provider, s.scope.account) for s in self._watch.inventory.coverage()}
        for cloud, count in sorted(by_cloud.items()):
            there = sum(provider == cloud and not holds_accounts(account) for provider, account in accounts)
            self._say(f"    {cloud:6} {count:4} resources in {there} accounts")
        self._say("  The policies that fail most:")
        failing: Counter[tuple[str, str, str]] = Counter()
        for found in self._watch.findings.find(FindingFilter()):
            failing.update((f.policy, f.severity.value, f.title) for f in found)
        for (policy, severity, title), count in failing.most_common(8):
            self._say(f"    {count:4}  {severity:8}  {policy:36} {title}")
        if report.unknown:
            first = next(batch[0] for batch in self._watch.findings.unknown())
            self._say(
                f"  {report.unknown} could not be decided, which is not a pass. The first, {first.policy}: {first.cause}."
            )
        self._say(
            f"  In all {sum(failing.values())} findings of {len(failing)} policies. This first look is a baseline: nobody is alerted."
        )

    def _unchanged(self) -> None:
        self._title("Look again: cost follows change")
        self._say(f"  {self._watch.cycle(Selection(), kind='demo').sentence}")

    def _drift(self) -> bool:
        from providers.sandbox.aws.story import switch_logging_off
        from providers.sandbox.azure.story import allow_public_blobs
        from providers.sandbox.gcp.story import open_firewall

        self._title("Three people change three things")
        bucket = self._first("aws.s3_bucket", "document.Logging && ends_with(name, 'orders')")
        storage = self._first(
            "microsoft.storage/storageaccounts", "document.properties.allowBlobPublicAccess == `false`"
        )
        firewall = self._first("compute.googleapis.com/Firewall", "name == 'allow-ssh-iap'")
        ends = self._clouds.endpoints
        before = self._clock()
        switch_logging_off(ends["aws"]["endpoint"], bucket.ref.account, bucket.name, who="kim")
        self._say(f"    aws    somebody switches off the access log of the bucket {bucket.name}")
        allow_public_blobs(ends["azure"]["endpoint"], storage.uid, who="sasha@contoso.example")
        self._say(f"    azure  somebody lets everyone read the storage account {storage.name}")
        open_firewall(ends["gcp"]["rest_endpoint"], firewall.uid, who="robin@example.org")
        self._say(f"    gcp    somebody opens SSH to the internet with the firewall rule {firewall.name}")
        report = self._watch.cycle(Selection(), kind="demo")
        self._say(f"  {report.sentence}")
        self._say("    who it was, as the clouds' own records tell (the real ones up to 20 minutes later):")
        told = Attributing(
            self._watch.database, self._watch.crew, lambda: self._clock() + RECORDS_LAG, threading.Event()
        )
        for name in ("aws", "azure", "gcp"):
            self._say(f"    {told.ask(name)}")
        history = History(self._watch.database)
        for uid in (bucket.uid, storage.uid, firewall.uid):
            entry = history.timeline(uid)[-1]
            self._say(f"    {_short(uid)}: {_who(entry)}")
            for change in entry.fields[:2]:
                self._say(
                    f"    {_short(uid)}: {change.path}: {_value(change.before)} -> {_value(change.after)}"
                )
        found = [
            finding
            for batch in self._watch.findings.find(FindingFilter())
            for finding in batch
            if finding.opened_at >= before and finding.ref.uid in (bucket.uid, storage.uid, firewall.uid)
        ]
        for finding in found:
            self._say(f"    new finding ({finding.severity}): {_short(finding.ref.uid)}: {finding.message}")
        return len({finding.ref.uid for finding in found}) == 3

    def _leak(self) -> bool:
        from providers.sandbox.aws.estate import LEAKY_USER, LeakyKey
        from providers.sandbox.aws.story import key_status, leak_access_key_event

        self._title("An access key leaks")
        stored = self._first(
            "aws.iam_access_key", f"document.Status == 'Active' && document.UserName == '{LEAKY_USER}'"
        )
        key = LeakyKey(
            account=stored.ref.account,
            user_name=stored.document["UserName"],
            access_key_id=stored.document["AccessKeyId"],
        )
        endpoint = self._clouds.endpoints["aws"]["endpoint"]
        self._say(
            f"    key {key.access_key_id} of user {key.user_name} in {key.account} is {key_status(endpoint, key)}"
        )
        acted = False
        at = self._clock()
        began = time.monotonic()
        leak_access_key_event(endpoint, key, at=at)
        for _ in range(4):
            leak_access_key_event(endpoint, key, at=at)
        self._say(
            "    GuardDuty finds it used strangely, and tells so five times (queues deliver at least once)"
        )
        intake = self._watch.intake()
        while not acted and time.monotonic() - began < CONTAIN_LIMIT.total_seconds():
            for source in self._watch.event_sources():
                intake.poll(source, 0.2)
            acted = any(record.status is ActionStatus.DONE for record in self._watch.actions.last(5))
        took = time.monotonic() - began
        for source in self._watch.event_sources():
            while intake.poll(source, 0.2):
                pass
        state = key_status(endpoint, key)
        acts = sum(entry.kind == "act" for entry in self._watch.ledger.entries(subject=stored.uid))
        if not acted or state != "Inactive" or acts != 1:
            self._say(f"    the key is {state} after {acts} acts: it was NOT contained as it should be")
            return False
        (record,) = self._watch.actions.last(5, target_uid=stored.uid)
        self._say(f"    {took:.1f} s later the key is {state}: read afresh, deactivated, verified")
        self._say(f"    all five messages have been taken by now, and {acts} act is in the ledger")
        self._say(f"    what was done can be undone: watchstander undo {record.id} (while a demo is kept)")
        return True

    def _fault(self) -> bool:
        self._title("A cloud stops answering: unread is never absent")
        faults = self._clouds.endpoints["aws"]["faults"]
        before, held = self._watch.inventory.count(), self._bucket_findings()
        httpx.post(faults, json={"kind": "denied", "service": "s3"}, timeout=10).raise_for_status()
        try:
            report = self._watch.cycle(Selection(providers=frozenset({"aws"})), kind="demo")
        finally:
            httpx.delete(faults, timeout=10).raise_for_status()
        self._say(f"  {report.sentence}")
        after, still = self._watch.inventory.count(), self._bucket_findings()
        self._say(f"    {before} resources were known before, {after} are known now")
        self._say(
            f"    {len(held)} findings on buckets were open before, {len(held & still)} of them are open now"
        )
        return before == after and report.deleted == 0 and not report.complete and held == still

    def _bucket_findings(self) -> set[str]:
        """Ids of the open findings on buckets."""
        wanted = FindingFilter(status=FindingStatus.OPEN, types=frozenset({"aws.s3_bucket"}))
        return {finding.id for batch in self._watch.findings.find(wanted) for finding in batch}

    def _ledger(self) -> None:
        self._title("What was done is written down")
        for entry in self._watch.ledger.entries():
            if entry.kind in ("intent", "act"):
                how = f": {entry.detail['status']}, {entry.detail['reason']}" if entry.kind == "act" else ""
                self._say(
                    f"    {entry.seq:3}  {entry.at:%H:%M:%S}  {entry.kind:6}  {entry.detail['summary']}{how}"
                )
        checked = self._watch.ledger.verify()
        self._say(f"    {checked.why} The chain ends in {checked.head.hex()[:16]}…")

    # --- small things -------------------------------------------------------------------------------------------------

    def _title(self, text: str) -> None:
        self._say(f"\n[{time.monotonic() - self._started:5.1f} s] {text}")

    def _first(self, type_: str, where: str) -> StoredResource:
        for batch in self._watch.inventory.find(Filter(types=frozenset({type_}), where=where)):
            for stored in batch:
                return stored
        raise DaemonError(f"The emulated estate has no {type_} with {where}.")


def _short(uid: str) -> str:
    return uid.rpartition("/")[2] or uid


def _who(entry: TimelineEntry) -> str:
    """Who made a change, by which call and request, as far as it is known."""
    deeds = entry.who.deeds if entry.who is not None else ()
    return (
        "; ".join(f"by {d.actor}, {d.operation}, request {d.request_id}" for d in deeds) or "by nobody known"
    )


def _value(value: Any) -> str:
    if value is MISSING:
        return "(none)"
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else text[:57] + "…"
