"""Recorded answers of the real Azure, replayed through our clients and readers: no error is unmapped, no form unknown."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import vcr
import yaml
from azure.core.rest import HttpRequest

from config.clouds import AzureSettings
from providers.azure.detail_reader import DetailReader
from providers.azure.details import DETAILS
from providers.azure.document import document_of, resource_of
from providers.azure.errors import answers
from providers.azure.names import parse
from providers.azure.progress import Progress
from providers.azure.provider import AzureProvider
from providers.azure.reader import inherited
from providers.azure.session import Session, page_of
from providers.budget import CallBudgets
from providers.errors import ProviderError
from providers.provider import Selection
from providers.resource import ANY, Scope

pytestmark = pytest.mark.shared
SHARED = Path(os.environ.get("WATCHSTANDER_SHARED", Path(__file__).parents[3].parent / "shared"))
AZURE = SHARED / "fixtures" / "azure"
CASSETTES = sorted(AZURE.glob("cassettes/*.json"))
RECORDINGS = sorted(AZURE.glob("sdk_recordings/*.yaml"))
if not AZURE.is_dir():
    pytest.skip("no recorded answers here", allow_module_level=True)
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
SETTINGS = AzureSettings(credential="static")


class CustodianSerializer:
    """VCR JSON with the body under ``data``."""

    @staticmethod
    def deserialize(text: str) -> dict[str, Any]:
        cassette: dict[str, Any] = json.loads(text)
        for interaction in cassette["interactions"]:
            interaction["response"] = dict(interaction["response"])
            body = interaction["response"]["body"]
            if "data" in body:
                interaction["response"]["body"] = {"string": json.dumps(body["data"])}
            headers = interaction["response"]["headers"]
            interaction["response"]["headers"] = {
                k: v for k, v in headers.items() if k.lower() != "content-length"
            }
        return cassette

    @staticmethod
    def serialize(cassette: dict[str, Any]) -> str:
        return json.dumps(cassette)


def _path(request: Any) -> str:
    return unquote(urlsplit(request.uri).path).lower().replace("//", "/")


def _same_place(left: Any, right: Any) -> None:
    assert (left.method, _path(left)) == (right.method, _path(right))


@contextmanager
def played(path: Path) -> Iterator[None]:
    player = vcr.VCR(record_mode="none")
    player.register_serializer("custodian", CustodianSerializer())
    player.register_matcher("place", _same_place)
    serializer = "custodian" if path.suffix == ".json" else "yaml"
    with player.use_cassette(
        str(path), serializer=serializer, match_on=["place"], allow_playback_repeats=True
    ):
        yield


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session(
        SETTINGS, budgets=CallBudgets(SETTINGS.budget), clock=lambda: datetime.now(UTC), sleep=lambda _s: None
    )
    yield made
    made.close()


def interactions(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    recorded = CustodianSerializer.deserialize(text) if path.suffix == ".json" else yaml.safe_load(text)
    found: list[dict[str, Any]] = recorded["interactions"]
    return found


def test_there_is_something_to_replay() -> None:
    assert len(CASSETTES) >= 14
    assert len(RECORDINGS) >= 6


@pytest.mark.parametrize("path", [*CASSETTES, *RECORDINGS], ids=lambda path: path.stem)
def test_every_recorded_answer_passes_or_is_mapped(session: Session, path: Path) -> None:
    """Through our pipeline: what is a resource becomes one, what is an error becomes one of ours."""
    documents = 0
    with played(path):
        for interaction in interactions(path):
            request = interaction["request"]
            subscription = next(iter(_subscriptions(request["uri"])), SUBSCRIPTION)
            try:
                with answers(request["method"], lambda: datetime.now(UTC)):
                    answer = session.resources(subscription).send_request(
                        HttpRequest(request["method"], request["uri"])
                    )
                    answer.raise_for_status()
                    body = answer.json() if answer.content else None
            except ProviderError as error:
                assert interaction["response"]["status"]["code"] >= 400
                assert error.message
                continue
            for item in _resources(body):
                if inherited(item):
                    continue
                resource = resource_of(item)
                assert (
                    resource_of(resource.document).document == resource.document
                )  # canonical once is canonical
                documents += 1
    assert documents or path.stem.split(".")[1] in NO_RESOURCES


NO_RESOURCES = {
    "test_tag_operations",
    "test_resources_basic_query",
    "test_resources_basic_query_object_array",
}


def _subscriptions(uri: str) -> list[str]:
    parts = urlsplit(uri).path.split("/")
    return parts[2:3] if parts[1:2] == ["subscriptions"] else []


def _resources(body: Any) -> Iterator[dict[str, Any]]:
    items = body.get("value", [body]) if isinstance(body, dict) else []
    for item in items if isinstance(items, list) else []:
        identity = item.get("id") if isinstance(item, dict) else None
        if isinstance(identity, str) and "/providers/" in identity and "/tagnames/" not in identity.lower():
            if len(identity.split("/")) > 5:
                yield item
        elif (
            isinstance(identity, str)
            and identity.count("/") in (2, 4)
            and "/locations/" not in identity
            and "/tagnames/" not in identity.lower()
        ):
            yield item


@pytest.mark.parametrize("name", ["basic_query", "basic_query_object_array"])
def test_resource_graph_answers_in_both_formats(session: Session, name: str) -> None:
    with played(AZURE / "sdk_recordings" / f"test_mgmt_resourcegraph.test_resources_{name}.yaml"):
        page = session.query(SUBSCRIPTION, "project id, tags, properties | limit 2")
    assert (len(page.rows), page.total, page.truncated, page.skip_token) == (2, 2, False, None)
    assert all(resource_of(row).ref.account == SUBSCRIPTION for row in page.rows)


def test_subscriptions_are_discovered() -> None:
    provider = AzureProvider(SETTINGS, clock=lambda: datetime.now(UTC), sleep=lambda _s: None)
    with played(AZURE / "sdk_recordings" / "test_mgmt_resource_subscriptions.test_subscriptions.yaml"):
        found = provider.discover(Selection(types=frozenset({"microsoft.storage/*"})))
    provider.close()
    assert SUBSCRIPTION in found.accounts
    assert found.unread == ()


def test_a_resource_is_reread_by_id(session: Session) -> None:
    recording = AZURE / "sdk_recordings" / "test_mgmt_resource.test_resources.yaml"
    uri = next(i["request"]["uri"] for i in interactions(recording) if i["request"]["method"] == "GET")
    resource_id = urlsplit(uri).path
    with played(recording):
        answer = session.resources(SUBSCRIPTION).resources.get_by_id(
            resource_id.lstrip("/"),
            api_version="2019-07-01",
            cls=lambda pipeline, _model, _headers: pipeline.http_response.json(),
        )
    assert resource_of(answer).uid == resource_id.lower()


def test_both_sources_tell_the_same_storage_account(session: Session) -> None:
    """Recorded in one minute from both: what differs is only what the api-version of one does not know."""
    path = (
        AZURE
        / "cassettes"
        / "ResourceGraphSource.test_resource_graph_and_arm_sources_storage_are_equivalent.json"
    )
    listed = interactions(path)[0]["request"]["uri"]
    with played(path):
        subscription = _subscriptions(listed)[0]
        row = _first_row(session, subscription)
        arm = next(session.items(subscription, urlsplit(listed).path, "2019-04-01"))
    ours, theirs = (document_of(raw, parse(raw["id"])) for raw in (arm, row))
    assert theirs["properties"].pop("privateEndpointConnections") == []
    assert ours == theirs


def _first_row(session: Session, subscription: str) -> dict[str, Any]:
    return dict(session.query(subscription, "resources").rows[0])


@pytest.mark.parametrize("path", sorted(AZURE.glob("arg_spec_examples/*.json")), ids=lambda path: path.stem)
def test_the_services_own_examples_are_understood(path: Path) -> None:
    page = page_of(json.loads(path.read_text(encoding="utf-8"))["responses"]["200"]["body"])
    assert (len(page.rows), page.total, page.truncated) == (3, 386, False)
    assert page.skip_token
    assert all(resource_of(row).name == row["name"] for row in page.rows)


def test_details_are_read_from_what_azure_told(session: Session) -> None:
    """Firewall rules and locks as the real services list them, and their parents as Resource Manager does."""
    read: dict[str, list[str]] = {}
    for name, of_type in (
        ("SqlServerTest.firewall", "microsoft.sql/servers/firewallrules"),
        ("LockActionTest.test_lock_action_resource_group", "microsoft.authorization/locks"),
    ):
        path = AZURE / "cassettes" / f"{name}.json"
        detail = DETAILS[of_type]
        uris = (
            urlsplit(i["request"]["uri"]).path for i in interactions(path) if i["request"]["method"] == "GET"
        )
        listed = next(uri for uri in uris if uri.lower().endswith(detail.spelled.rpartition("/")[2].lower()))
        scope = Scope("azure", _subscriptions(listed)[0], ANY, of_type)
        progress = Progress(scope, lambda: datetime.now(UTC), timedelta(minutes=1))
        with played(path):
            found = list(DetailReader(session)._below(scope, detail, listed, progress))
        assert all(r.ref.type == of_type and scope.covers(r.ref) for r in found)
        read[of_type] = [r.name for r in found]
    assert "AllowAllWindowsAzureIps" in read["microsoft.sql/servers/firewallrules"]
    assert "rglock" in read["microsoft.authorization/locks"]


def test_parents_are_told_from_the_rest_of_a_real_list(session: Session) -> None:
    path = AZURE / "cassettes" / "SessionTest.test_api_version.json"
    subscription = _subscriptions(interactions(path)[0]["request"]["uri"])[0]
    detail = DETAILS["microsoft.storage/storageaccounts/blobservices"]
    with played(path):
        parents = list(DetailReader(session)._parents(subscription, detail))
    assert parents
    assert all("/storageaccounts/" in parent.lower() for parent, _ in parents)
    assert all(listed == f"{parent}/blobServices" for parent, listed in parents)
