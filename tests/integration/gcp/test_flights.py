"""Recorded answers of the real Google Cloud, replayed over HTTP: what is real must be understood.

The recordings are other people's and stay where they are; without them these tests are skipped.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from config.clouds import GcpSettings
from providers.errors import Gone
from providers.gcp.document import document, resource
from providers.gcp.provider import GcpProvider
from providers.provider import Action
from providers.resource import ResourceRef

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED") or Path(__file__).parents[3].parent / "shared")
FLIGHTS = SHARED / "fixtures" / "gcp" / "flights"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FLIGHTS.is_dir(), reason="the recorded answers are not here"),
]
PROJECT = "cloud-custodian"


class Replay(ThreadingHTTPServer):
    """Answers each call with its recording, by verb and path."""

    daemon_threads = True

    def __init__(self) -> None:
        self.case = Path()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        assert isinstance(self.server, Replay)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0].strip("/")
        key = f"{self.command.lower()}-{path.replace('/', '-').replace(':', '-')}_1.json"
        file = self.server.case / key
        if file.is_file():
            flight = json.loads(file.read_text())
            status, body = int(flight.get("headers", {}).get("status", 200)), flight["body"]
        else:
            status, body = (
                404,
                {"error": {"code": 404, "message": f"no recording {key}", "status": "NOT_FOUND"}},
            )
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    server = Replay()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def flight(replay: Replay, clock) -> Iterator[Callable[[str], GcpProvider]]:
    url = f"http://127.0.0.1:{replay.server_address[1]}"
    settings = GcpSettings(endpoint=url, rest_endpoint=url, credential="anonymous", transport="rest")
    provider = GcpProvider(settings, clock=clock, sleep=clock.sleep)

    def fly(case: str) -> GcpProvider:
        replay.case = FLIGHTS / case
        return provider

    yield fly
    provider.close()


def ref(type_: str, uid: str, account: str = PROJECT) -> ResourceRef:
    return ResourceRef(provider="gcp", account=account, region="global", type=type_, uid=uid)


def test_every_recording_is_had_through_our_session(flight) -> None:
    files = sorted(FLIGHTS.glob("*/*_1.json"))
    assert len(files) > 25
    for file in files:
        verb, _, path = file.name.removesuffix("_1.json").partition("-")
        session = flight(file.parent.name)._session
        answer = session.rest(verb.upper(), "compute", f"/{path}")
        assert answer == json.loads(file.read_text())["body"], file.name


def test_a_firewall_is_re_read(flight) -> None:
    provider = flight("firewall-get")
    uid = f"//compute.googleapis.com/projects/{PROJECT}/global/firewalls/allow-inbound-xyz"
    found = provider.reread(ref("compute.googleapis.com/Firewall", uid))
    assert found.uid == uid
    assert found.ref.region == "global"
    view = provider.terraform(found)
    assert view is not None
    assert view.attributes["source_ranges"] == ["0.0.0.0/0"]
    assert view.attributes["allow"] == [{"protocol": "all", "ports": []}]


def test_a_firewall_is_disabled_and_its_operation_followed(flight) -> None:
    """The recording ends with the running operation: where it is looked at again, nothing is recorded."""
    provider = flight("firewall-modify")
    uid = f"//compute.googleapis.com/projects/{PROJECT}/global/firewalls/test"
    action = Action(kind="gcp.disable_firewall", target=ref("compute.googleapis.com/Firewall", uid))
    assert provider.observe(action) == {"disabled": False}
    with pytest.raises(Gone, match="operations-operation-"):
        provider.act(action)


def test_a_disabled_service_account_needs_no_second_act(flight) -> None:
    provider = flight("iam-service-account-disable")
    email = f"test-sa-actions@{PROJECT}.iam.gserviceaccount.com"
    target = ref(
        "iam.googleapis.com/ServiceAccount",
        f"//iam.googleapis.com/projects/{PROJECT}/serviceAccounts/{email}",
    )
    receipt = provider.act(Action(kind="gcp.disable_service_account", target=target))
    assert not receipt.changed
    # Its policy was not recorded; a 404 there would be the account's own end.
    with pytest.raises(Gone):
        provider.reread(target)


def test_a_service_accounts_keys_are_told_apart(flight) -> None:
    session = flight("iam-service-account-key-query")._session
    email = f"test-cutodian-scc@{PROJECT}.iam.gserviceaccount.com"
    answer = session.rest("GET", "iam", f"/v1/projects/{PROJECT}/serviceAccounts/{email}/keys")
    keys = [
        resource(
            account=PROJECT,
            document=document(
                name=f"//iam.googleapis.com/{key['name']}",
                asset_type="iam.googleapis.com/ServiceAccountKey",
                data=key,
                location=None,
                policy=None,
            ),
        )
        for key in answer["keys"]
    ]
    kinds = {k.document["resource"]["data"]["keyType"]: k.document["resource"]["data"] for k in keys}
    assert set(kinds) == {"SYSTEM_MANAGED", "USER_MANAGED"}
    assert kinds["USER_MANAGED"]["disabled"] is False


def test_buckets_and_their_policies_make_documents(flight) -> None:
    session = flight("bucket-iam-policy")._session
    listed = session.rest("GET", "storage", "/storage/v1/b", query={"project": PROJECT})
    public = set()
    for data in listed["items"]:
        try:
            policy = session.rest("GET", "storage", f"/storage/v1/b/{data['name']}/iam")
        except Gone:
            continue
        made = document(
            name=f"//storage.googleapis.com/{data['name']}",
            asset_type="storage.googleapis.com/Bucket",
            data=data,
            location=None,
            policy=policy,
        )
        found = resource(account=PROJECT, document=made)
        assert found.ref.region == data["location"].lower()
        members = {m for b in made["iamPolicy"]["bindings"] for m in b["members"]}
        if members & {"allUsers", "allAuthenticatedUsers"}:
            public.add(found.name)
    assert public == {"cloud-custodian-test-1", "cloud-custodian-test-2"}


def test_a_recorded_history_is_a_past(flight, clock) -> None:
    provider = flight("instance-asset-query")
    uid = f"//compute.googleapis.com/projects/{PROJECT}/zones/us-central1-a/instances/instance-1"
    [told] = provider.past([ref("compute.googleapis.com/Instance", uid)], clock())
    versions = told.versions
    assert len(versions) == 1
    found = versions[0].resource
    assert found is not None
    assert found.ref.region == "us-central1-a"
    assert found.tags == {"quarantined": "testing"}
    assert "fingerprint" not in json.dumps(found.document).lower()
    view = provider.terraform(found)
    assert view is not None
    assert view.attributes["network_interface"][0]["access_config"] == [
        {"nat_ip": None, "network_tier": "PREMIUM", "public_ptr_domain_name": None}
    ]


def test_databases_and_keys_make_documents(flight) -> None:
    databases = flight("sqlinstance-query")._session.rest(
        "GET", "sqladmin", f"/sql/v1beta4/projects/{PROJECT}/instances"
    )["items"]
    for data in databases:
        made = document(
            name=f"//cloudsql.googleapis.com/projects/{PROJECT}/instances/{data['name']}",
            asset_type="sqladmin.googleapis.com/Instance",
            data=data,
            location=None,
            policy=None,
        )
        assert made["resource"]["location"] == data["region"]
        assert "settingsVersion" not in made["resource"]["data"]["settings"]
        assert "kind" not in made["resource"]["data"]["settings"]
