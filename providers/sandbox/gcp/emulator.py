"""The emulated Google Cloud: one store behind a gRPC server and an HTTP server, on free ports of 127.0.0.1."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Self

from config.clouds import GcpSettings
from providers.sandbox.faults import Faults
from providers.sandbox.gcp import estate
from providers.sandbox.gcp.grpc_server import AssetGrpc
from providers.sandbox.gcp.http_server import RestServer
from providers.sandbox.gcp.logging import AuditLog
from providers.sandbox.gcp.pubsub import PubSub
from providers.sandbox.gcp.routes import Api
from providers.sandbox.gcp.store import AssetStore

SUBSCRIPTION: Final = f"projects/{estate.PROD}/subscriptions/watchstander"
"""The Pub/Sub subscription that an asset feed of the whole estate fills."""


class GcpEmulator:
    """Cloud Asset and the services behind it, on this machine.

    ``clock`` says what time versions bear; ``seed`` fills it with the estate of :mod:`.estate`. Start it, use
    :meth:`settings`, close it; or use it as a context manager.
    """

    def __init__(
        self, *, faults: Faults | None = None, seed: bool = True, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.faults = faults if faults is not None else Faults()
        self.store = AssetStore(clock or (lambda: datetime.now(UTC)))
        self._closing = threading.Event()
        self.audit_log = AuditLog()
        self.pubsub = PubSub(self.store.clock, self._closing)
        self._grpc: AssetGrpc | None = None
        self._http: RestServer | None = None
        if seed:
            estate.seed(self.store)
        self.store.written = self.pubsub.feed(SUBSCRIPTION)

    def start(self) -> Self:
        """Listen on two free ports."""
        self._grpc = AssetGrpc(self.store, self.faults, self._closing)
        self._grpc.start()
        self._http = RestServer(Api(self.store, self.pubsub, self.audit_log), self.faults, self._closing)
        self._http.start()
        return self

    def close(self) -> None:
        """Stop listening and drop every connection."""
        self._closing.set()
        self.pubsub.wake()
        if self._grpc is not None:
            self._grpc.close()
            self._grpc = None
        if self._http is not None:
            self._http.close()
            self._http = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def endpoint(self) -> str:
        """Cloud Asset over gRPC: ``127.0.0.1:port``."""
        if self._grpc is None:
            raise RuntimeError("the emulator has not been started")
        return f"127.0.0.1:{self._grpc.port}"

    @property
    def rest_endpoint(self) -> str:
        """Every service over REST, Cloud Asset too: ``http://127.0.0.1:port``."""
        if self._http is None:
            raise RuntimeError("the emulator has not been started")
        return self._http.url

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Every REST call answered, as (method, path with query)."""
        return self._http.calls if self._http is not None else []

    def settings(self, **overrides: Any) -> GcpSettings:
        """Settings that point a provider here, at both projects; ``transport="rest"`` uses the HTTP server alone.

        Add ``subscriptions=(SUBSCRIPTION,)`` to hear of every write as it is made.
        """
        rest = overrides.get("transport") == "rest"
        return GcpSettings.model_validate(
            {
                "endpoint": self.rest_endpoint if rest else self.endpoint,
                "rest_endpoint": self.rest_endpoint,
                "credential": "anonymous",
                "parents": tuple(f"projects/{project}" for project in estate.PROJECTS),
                **overrides,
            }
        )
