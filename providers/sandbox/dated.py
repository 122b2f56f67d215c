"""The time that an emulator's answers say they were given at."""

from __future__ import annotations

from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Final

from providers.sandbox.faults import FaultKind

SKEW: Final = timedelta(hours=3)
"""How far a caller whose clock is off is behind the emulated cloud."""


class DatedHandler(BaseHTTPRequestHandler):
    """A handler whose ``Date`` header is by the emulator's clock."""

    _ahead = timedelta()

    def now(self) -> datetime:
        """The time in the emulated cloud."""
        raise NotImplementedError

    def strikes(self, kind: FaultKind) -> None:
        """Date the answer that follows as ``kind`` says: to *skewed* callers it is hours later than they think."""
        self._ahead = SKEW if kind is FaultKind.SKEWED else timedelta()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """A time as HTTP writes it; by default that of the answer."""
        if timestamp is None:
            timestamp = (self.now() + self._ahead).timestamp()
            self._ahead = timedelta()
        return super().date_time_string(timestamp)
