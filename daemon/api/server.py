"""The HTTP server: a FastAPI application in a thread of its own, on a socket bound before anything else starts, so that
a port in use is told at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel

from config.settings import ApiSettings
from daemon.errors import PortInUse
from daemon.health import Check, Health
from daemon.metrics import Metrics


class CheckAnswer(BaseModel):
    """One thing looked at."""

    name: str
    ok: bool
    detail: str


class HealthAnswer(BaseModel):
    """Whether all is well, and what was looked at."""

    ok: bool
    checks: list[CheckAnswer]


def application(health: Health, metrics: Metrics, clock: Callable[[], datetime]) -> FastAPI:
    """The HTTP application."""
    from importlib.metadata import version

    app = FastAPI(title="Watchstander", version=version("watchstander"), docs_url=None, redoc_url=None)

    def answer(checks: tuple[Check, ...], response: Response) -> HealthAnswer:
        ok = all(check.ok for check in checks)
        response.status_code = 200 if ok else 503
        return HealthAnswer(
            ok=ok, checks=[CheckAnswer(name=c.name, ok=c.ok, detail=c.detail) for c in checks]
        )

    failing: dict[int | str, dict[str, Any]] = {
        503: {"model": HealthAnswer, "description": "Something is not well."}
    }

    @app.get("/healthz", responses=failing)
    def healthz(response: Response) -> HealthAnswer:
        """Alive: 200, or 503 where a restart would help."""
        return answer(health.alive(clock()), response)

    @app.get("/readyz", responses=failing)
    def readyz(response: Response) -> HealthAnswer:
        """Fit to be relied on: 200, or 503 with the reasons."""
        return answer(health.ready(clock()), response)

    @app.get("/metrics", response_class=Response)
    def prometheus() -> Response:
        """Metrics in the Prometheus text format."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


class Server:
    """Serves the application until closed. Use as a context manager."""

    def __init__(self, app: FastAPI, settings: ApiSettings) -> None:
        """Bind. Raises :class:`PortInUse`."""
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((settings.host, settings.port))
        except OSError as error:
            self._socket.close()
            raise PortInUse(
                f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}.",
                hint="Set `api.port` to a free port (0 lets the system choose), or end the program that holds it.",
            ) from error
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="http", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def __enter__(self) -> Self:
        self._socket.listen(128)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join(5)
        self._socket.close()
