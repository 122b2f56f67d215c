"""What systemd is told (sd_notify(3)): READY, RELOADING, STOPPING, STATUS, and the watchdog's heartbeat.

A datagram to the socket that NOTIFY_SOCKET names; nothing where it is not set. The library for this leaks its socket
where systemd is absent, and the protocol is one line, so it is here.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from datetime import timedelta


class Notifier:
    """Tells systemd. Safe to use without it."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        environment = os.environ if environment is None else environment
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        usec = environment.get("WATCHDOG_USEC", "")
        pid = environment.get("WATCHDOG_PID", "")
        ours = not pid or pid == str(os.getpid())
        self.watchdog = timedelta(microseconds=int(usec)) if usec.isdigit() and ours else None
        """How long systemd lets us be silent; None: no watchdog."""

    def ready(self, status: str) -> None:
        """Start-up or reload is done."""
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def reloading(self) -> None:
        """A reload begins (``Type=notify-reload`` wants the monotonic time with it)."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The end begins."""
        self._send("STOPPING=1\nSTATUS=Finishing what is under way.")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``: the last cycle's sentence."""
        self._send(f"STATUS={_line(text)}")

    def alive(self) -> None:
        """The watchdog's heartbeat."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            try:
                channel.connect(self._address)
                channel.sendall(message.encode())
            except OSError:
                # systemd gone or its socket full: the daemon's work does not depend on being heard.
                return


def _line(text: str) -> str:
    return text.replace("\n", " ")[:500]
