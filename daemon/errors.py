"""What the daemon could not do."""

from __future__ import annotations

from config.errors import WatchstanderError


class DaemonError(WatchstanderError):
    """The daemon could not do as told."""
