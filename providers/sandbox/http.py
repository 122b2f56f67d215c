"""The HTTP face that the emulated clouds have in common: a server that can be ended at once, and answers that say they were
given at the time of the emulated cloud."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final

from providers.sandbox.faults import FaultKind

SKEW: Final = timedelta(hours=3)
"""How far a caller whose clock is off is behind the emulated cloud."""


class LocalServer(ThreadingHTTPServer):
    """A server on a free port of 127.0.0.1, with a thread for each connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler], name: str) -> None:
        """``name`` is that of the thread that listens."""
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, name=name, daemon=True
        )
        super().__init__(("127.0.0.1", 0), handler)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        """Listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and close what clients keep alive, so that its threads end."""
        self.shutdown()
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster
        self.server_close()
        self._thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; standard error stays quiet."""


class LocalHandler(BaseHTTPRequestHandler, ABC):
    """A handler that gives every method it knows to :meth:`serve`, and whose ``Date`` header is by the emulator's clock."""

    protocol_version = "HTTP/1.1"
    server_version = "watchstander-sandbox"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    METHODS: ClassVar[tuple[str, ...]]
    _ahead = timedelta()

    @abstractmethod
    def now(self) -> datetime:
        """The time in the emulated cloud."""

    @abstractmethod
    def serve(self) -> None:
        """Answer one call."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_") and name[3:] in self.METHODS:
            return self.serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Silent: a sandbox does not write an access log."""

    def strikes(self, kind: FaultKind) -> None:
        """Date the answer that follows as ``kind`` says: to *skewed* callers it is hours later than they think."""
        self._ahead = SKEW if kind is FaultKind.SKEWED else timedelta()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """A time as HTTP writes it; by default that of the answer."""
        if timestamp is None:
            timestamp = (self.now() + self._ahead).timestamp()
            self._ahead = timedelta()
        return super().date_time_string(timestamp)
