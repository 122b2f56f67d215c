"""The emulated Azure by itself: it answers as Azure does, and says no as Azure does."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from providers.sandbox.azure import AzureEmulator
from providers.sandbox.azure.estate import DEVELOPMENT, PRODUCTION

GROUP = f"/subscriptions/{PRODUCTION}/resourceGroups/rg-prod-data"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stprodgood"
VERSION = "api-version=2024-01-01"


@pytest.fixture
def http(emulator: AzureEmulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=emulator.endpoint, headers={"Authorization": "Bearer t"}) as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def graph(http: httpx.Client, query: str, **request: Any) -> httpx.Response:
    body = {"query": query, **request}
    return http.post("/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01", json=body)


def test_it_listens_on_this_machine_only(emulator: AzureEmulator) -> None:
    assert emulator.endpoint.startswith("http://127.0.0.1:")


def test_the_estate_has_good_and_bad_twins(emulator: AzureEmulator) -> None:
    names = {d["name"] for d in emulator.store.items()}
    for subscription in ("prod", "dev"):
        assert {f"st{subscription}good", f"st{subscription}public", f"nsg-{subscription}-open"} <= names
        assert {f"kv-{subscription}-good", f"kv-{subscription}-open", f"web-{subscription}-http"} <= names
    assert len(names) >= 70


@pytest.mark.parametrize(
    ("method", "path", "want"),
    [
        ("GET", ACCOUNT, (400, "MissingApiVersionParameter")),
        ("GET", f"{ACCOUNT}?api-version=1999-01-01", (400, "NoRegisteredProviderFound")),
        ("GET", f"{ACCOUNT}x?{VERSION}", (404, "ResourceNotFound")),
        ("GET", f"{ACCOUNT.replace('rg-prod-data', 'rg-none')}?{VERSION}", (404, "ResourceGroupNotFound")),
        ("GET", f"/subscriptions/none/resourcegroups?{VERSION}", (404, "SubscriptionNotFound")),
        ("GET", f"{GROUP}/providers/Microsoft.Nothing/things/x?{VERSION}", (404, "InvalidResourceNamespace")),
        ("PUT", f"{ACCOUNT}?{VERSION}", (400, "InvalidRequestContent")),
        ("PATCH", f"{ACCOUNT}x?{VERSION}", (404, "ResourceNotFound")),
        ("GET", f"/nowhere?{VERSION}", (404, "InvalidResourceType")),
    ],
)
def test_it_says_no_in_arms_form(http: httpx.Client, method: str, path: str, want: tuple[int, str]) -> None:
    body = {"json": {}} if method == "PATCH" else {}
    assert code(http.request(method, path, **body)) == want


def test_a_token_is_asked_for(emulator: AzureEmulator) -> None:
    assert code(httpx.get(f"{emulator.endpoint}{ACCOUNT}?{VERSION}")) == (401, "AuthenticationFailed")


def test_what_is_not_json_is_refused(http: httpx.Client) -> None:
    assert code(http.put(f"{ACCOUNT}?{VERSION}", content=b"{half")) == (400, "InvalidRequestContent")


def test_a_resource_lives_and_dies(http: httpx.Client) -> None:
    path = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/New?{VERSION}"
    assert (
        http.put(path, json={"location": "westeurope", "properties": {"a": {"b": 1, "c": 2}}}).status_code
        == 201
    )
    assert (
        http.put(path, json={"location": "westeurope", "properties": {"a": {"b": 1, "c": 2}}}).status_code
        == 200
    )
    patched = http.patch(path, json={"properties": {"a": {"b": 5}}, "tags": {"x": "y"}}).json()
    assert patched["properties"]["a"] == {"b": 5, "c": 2}
    assert http.get(path.replace("New", "NEW")).json()["name"] == "New"  # ids compare without case
    assert http.head(path).status_code == 204
    assert http.delete(path).status_code == 200
    assert http.delete(path).status_code == 204
    assert http.get(path).status_code == 404


def test_lists_are_paged_by_next_link(http: httpx.Client, emulator: AzureEmulator) -> None:
    emulator.api.page_size = 4
    path: str | None = f"/subscriptions/{PRODUCTION}/providers/Microsoft.Storage/storageAccounts?{VERSION}"
    names = []
    pages = 0
    while path:
        body = http.get(path).json()
        names += [v["name"] for v in body["value"]]
        path = body.get("nextLink")
        pages += 1
    assert (pages, len(names), len(set(names))) == (2, 6, 6)


def test_the_generic_list_has_no_properties(http: httpx.Client) -> None:
    items = http.get(f"{GROUP}/resources?api-version=2021-04-01").json()["value"]
    assert len(items) >= 12
    assert not any("properties" in item for item in items)


def test_a_nested_collection_lists_its_own(http: httpx.Client) -> None:
    base = f"{GROUP}/providers/Microsoft.Sql/servers/sql-prod-public/databases?api-version=2023-08-01"
    assert [v["type"] for v in http.get(base).json()["value"]] == ["Microsoft.Sql/servers/databases"]


def test_graph_pages_by_skip_token(http: httpx.Client) -> None:
    request: dict[str, Any] = {"subscriptions": [PRODUCTION]}
    options: dict[str, Any] = {"$top": 3}
    names = []
    while True:
        body = graph(
            http,
            "resources | where type has 'microsoft.storage' | order by id asc",
            options=options,
            **request,
        ).json()
        assert body["totalRecords"] == 6
        assert body["count"] == len(body["data"]) == 3
        names += [row["name"] for row in body["data"]]
        if "$skipToken" not in body:
            break
        options = {"$top": 3, "$skipToken": body["$skipToken"]}
    assert names == sorted(names)
    assert len(names) == 6


def test_graph_answers_as_a_table_when_asked(http: httpx.Client) -> None:
    body = graph(http, "resources | project id, tags | limit 2", options={"resultFormat": "table"}).json()
    assert [c["name"] for c in body["data"]["columns"]] == ["id", "tags"]
    assert len(body["data"]["rows"]) == 2


def test_graph_says_when_it_could_not_page(http: httpx.Client) -> None:
    body = graph(http, "resources | project name", options={"$top": 5}).json()
    assert (body["count"], body["resultTruncated"], body.get("$skipToken")) == (5, "true", None)


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("resources | whre x", {}),
        ("nosuchtable", {}),
        ("resources", {"$top": 0}),
        ("resources", {"$top": 5000}),
        ("resources", {"$skip": -1}),
        ("resources", {"$skipToken": "not-a-token"}),
        (5, {}),
    ],
)
def test_graph_refuses_in_its_own_form(http: httpx.Client, query: Any, options: dict[str, Any]) -> None:
    answer = graph(http, query, options=options)
    assert code(answer) == (400, "BadRequest")
    assert len(answer.json()["error"]["details"]) == 2


def test_graph_over_all_subscriptions_by_default(http: httpx.Client) -> None:
    body = graph(http, "resources | distinct subscriptionId").json()
    assert {row["subscriptionId"] for row in body["data"]} == {PRODUCTION, DEVELOPMENT}
    assert code(graph(http, "resources", subscriptions=["none"])) == (403, "AuthorizationFailed")


def test_graph_tells_the_quota(http: httpx.Client, emulator: AzureEmulator) -> None:
    first, second = (graph(http, "resources | count").headers["x-ms-user-quota-remaining"] for _ in range(2))
    assert (first, second) == ("14", "13")
    emulator.api.graph.quota.enforced = True
    emulator.api.graph.quota.limit = 2
    throttled = graph(http, "resources | count")
    assert throttled.status_code == 429
    assert int(throttled.headers["Retry-After"]) >= 1


def test_changes_say_what_and_who(http: httpx.Client) -> None:
    http.patch(f"{ACCOUNT}?{VERSION}", json={"properties": {"minimumTlsVersion": "TLS1_0"}})
    row = graph(http, "resourcechanges").json()["data"][0]["properties"]
    assert row["changeType"] == "Update"
    assert row["changes"]["properties.minimumTlsVersion"]["previousValue"] == "TLS1_2"
    assert row["changes"]["properties.minimumTlsVersion"]["newValue"] == "TLS1_0"
    assert row["changeAttributes"]["changedBy"] == "watchstander"
    assert row["changeAttributes"]["operation"] == "Microsoft.Storage/storageAccounts/write"


def test_faults_are_planned_over_http(http: httpx.Client) -> None:
    plan = {"kind": "denied", "service": "microsoft.storage"}
    assert http.post("/_sandbox/faults", json=plan).status_code == 200
    assert code(http.get(f"{ACCOUNT}?{VERSION}")) == (403, "AuthorizationFailed")
    assert http.get("/_sandbox/faults").json()["faults"][0]["service"] == "microsoft.storage"
    assert http.delete("/_sandbox/faults").json() == {"faults": []}
    assert http.get(f"{ACCOUNT}?{VERSION}").status_code == 200


@pytest.mark.parametrize(
    "plan", ["{half", '{"kind": "unheard-of"}', '{"kind": "denied", "colour": 1}', "[]", "5"]
)
def test_a_plan_that_is_none_is_refused(http: httpx.Client, plan: str) -> None:
    answer = http.post("/_sandbox/faults", content=plan)
    assert answer.status_code == 400
    assert "not a fault" in answer.json()["error"]


def test_rubbish_on_the_wire_harms_nobody(emulator: AzureEmulator, http: httpx.Client) -> None:
    where = urlsplit(emulator.endpoint)
    for rubbish in (b"\x00\x01\x02\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"GET"):
        with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=5) as connection:
            connection.sendall(rubbish)
    assert http.get(f"{ACCOUNT}?{VERSION}").status_code == 200


def test_a_body_that_is_too_large_is_refused(emulator: AzureEmulator) -> None:
    where = urlsplit(emulator.endpoint)
    with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"RequestContentTooLarge" in answer


def test_everything_it_says_is_json(http: httpx.Client) -> None:
    answer = http.get(f"/subscriptions/{PRODUCTION}/providers?{VERSION}")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert {p["namespace"] for p in json.loads(answer.content)["value"]} >= {
        "Microsoft.Storage",
        "Microsoft.Compute",
    }
