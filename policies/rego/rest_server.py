"""What is on an OPA server, as far as we know, and how it is talked to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import orjson

from policies.errors import EngineError
from policies.rego.rest_plan import PREFIX, Plan, Refused

RETRIES: Final = 3
"""How often a server that cannot be reached is asked before it is given up."""
BACKOFF: Final = 0.2
"""Seconds before the first of these; twice as long before each further one."""
_UNAVAILABLE: Final = frozenset({429, 502, 503, 504})


def timeout(seconds: float) -> httpx.Timeout:
    """So many seconds for an answer, and a few to get through at all."""
    return httpx.Timeout(seconds, connect=5, pool=None)


class Server:
    """The server. Safe from several threads.

    Two programs may need different modules of one package (policies of one package do not see each other). Such programs
    take turns: whoever is at work with one of them holds the lock.
    """

    def __init__(self, http: httpx.Client, url: str) -> None:
        self._http = http
        self._url = url
        self._lock = threading.RLock()
        self._modules: dict[str, str] = {}
        """Id -> package."""
        self._wrappers: dict[str, frozenset[str]] = {}
        """Plan -> the modules it asks."""
        self._contested: set[str] = set()
        self._surveyed = False
        self._wait = threading.Event()

    @contextmanager
    def at_work(self, plan: Plan) -> Iterator[None]:
        """Work with a plan; alone, where another needs other modules of its packages."""
        if self._contested.isdisjoint(plan.contested):
            yield
            return
        with self._lock:
            yield

    def version(self) -> str:
        """The server's version. Raises EngineError where there is no OPA."""
        try:
            response = self.send("GET", "/v1/data/system/version")
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if response.status_code != httpx.codes.OK:
            raise EngineError(
                f"The OPA server at {self._url} refuses (status {response.status_code}).",
                hint="Watchstander needs PUT and GET on /v1/policies and POST on /v1/data; see docs/rego-engines.md.",
            )
        try:
            found = orjson.loads(response.content)
            return str(found["result"]["version"]) if "result" in found else "unknown"
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise EngineError(
                f"What answers at {self._url} is no OPA server.", hint="Correct policies.opa_url."
            ) from None

    def send(
        self, method: str, path: str, body: bytes | None = None, *, text: bool = False, seconds: float = 30
    ) -> httpx.Response:
        """One request; again where nobody was there. Raises EngineError for that, httpx.TransportError otherwise."""
        kind = "text/plain" if text else "application/json"
        delay = BACKOFF
        for attempt in range(RETRIES + 1):
            last: Exception | str
            try:
                response = self._http.request(
                    method, path, content=body, headers={"Content-Type": kind}, timeout=timeout(seconds)
                )
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                last = error
            else:
                if response.status_code not in _UNAVAILABLE:
                    return response
                last = f"status {response.status_code}"
            if attempt < RETRIES:
                self._wait.wait(delay)
                delay *= 2
        raise self._unreachable(last)

    def _unreachable(self, why: Exception | str) -> EngineError:
        return EngineError(
            f"The OPA server at {self._url} cannot be reached: {why}.",
            hint="Start it with `opa run --server`, or correct policies.opa_url.",
        )

    def load(self, plan: Plan, *, again: bool) -> None:
        """See that the server has what a plan needs; with ``again``, whatever we believe. Raises Refused, EngineError."""
        if not again and plan.name in self._wrappers:
            return
        with self._lock:
            if again:
                self._modules.clear()
                self._wrappers.clear()
                self._surveyed = False
            self._survey()
            wanted = {module.id for module in plan.modules}
            rivals = [i for i, p in self._modules.items() if p in plan.contested and i not in wanted]
            if rivals:
                self._contested |= plan.contested
                for name in [n for n, needed in self._wrappers.items() if not needed.isdisjoint(rivals)]:
                    del self._wrappers[name]
                    self._delete(f"{PREFIX}-{name}")
                for rival in rivals:
                    self._delete(rival)
            for module in plan.modules:
                if module.id not in self._modules:
                    self._put(plan, module.id, module.text)
                    self._modules[module.id] = module.package
            if plan.wrapper:
                self._put(plan, f"{PREFIX}-{plan.name}", plan.wrapper)
                self._wrappers[plan.name] = frozenset(wanted)

    def _survey(self) -> None:
        """Take away what an earlier process of ours left."""
        if self._surveyed:
            return
        response = self.send("GET", "/v1/policies")
        try:
            listed = [str(policy["id"]) for policy in orjson.loads(response.content).get("result") or ()]
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise EngineError(
                f"The OPA server at {self._url} does not list its policies (status {response.status_code}).",
                hint="Watchstander needs GET on /v1/policies.",
            ) from None
        # Wrappers first: they refer to the modules.
        ours = sorted(i for i in listed if i.startswith(f"{PREFIX}-"))
        for one in sorted(ours, key=lambda i: not i.startswith(f"{PREFIX}-p")):
            self._delete(one)
        self._surveyed = True

    def _delete(self, id_: str) -> None:
        self.send("DELETE", f"/v1/policies/{id_}")
        self._modules.pop(id_, None)

    def _put(self, plan: Plan, id_: str, text: str) -> None:
        response = self.send("PUT", f"/v1/policies/{id_}", text.encode(), text=True)
        if response.status_code != httpx.codes.OK:
            raise Refused(plan.errors_of(response))
