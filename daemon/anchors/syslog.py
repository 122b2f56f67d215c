"""Notes as syslog lines (RFC 5424), over UDP, TCP with counted frames (RFC 6587), or a socket of this machine.

A line has at most 2,048 bytes, which every receiver takes (RFC 5424, 6.1). UDP tells nobody when a line is lost; the next
note's hash covers the entries of the lost one all the same.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator

from config.ledger import SyslogAnchor
from daemon.anchors.anchor import AnchorFailed
from storage.notes import Note

_FACILITY = {"user": 1, "daemon": 3, "auth": 4, "authpriv": 10} | {f"local{n}": 16 + n for n in range(8)}
_NOTICE = 5
_TIMEOUT = 10.0


class Syslog:
    """Notes as syslog lines."""

    most = 64
    remembers = False

    def __init__(self, settings: SyslogAnchor) -> None:
        self._settings = settings
        self._priority = _FACILITY[settings.facility] * 8 + _NOTICE

    @property
    def place(self) -> str:
        """The receiver's address."""
        return self._settings.address

    @property
    def readable(self) -> bool:
        """Whether the received lines stand in a file that can be read from here."""
        return self._settings.read is not None

    def append(self, note: Note) -> None:
        """Send one line."""
        stamp = note.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        host = socket.gethostname()[:255] or "-"
        line = f"<{self._priority}>1 {stamp} {host} watchstander {os.getpid()} LEDGER - {note.line()}"
        try:
            self._send(line.encode("ascii", "replace"))
        except OSError as error:
            raise AnchorFailed(
                f"The syslog receiver {self.place} does not take the note: {error.strerror or error}.",
                hint="Check that it runs and can be reached from here.",
            ) from error

    def newest(self, ledger: str) -> Note | None:  # noqa: ARG002 - a receiver may lag; what was sent is remembered instead
        """Never known: lines may arrive late, or not at all."""
        return None

    def lines(self) -> Iterator[str]:
        """The lines of the file of received lines."""
        path = self._settings.read
        if path is None:
            return
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                yield from file
        except OSError as error:
            raise AnchorFailed(
                f"{path}, where the lines sent to {self.place} should stand, cannot be read: {error.strerror}.",
                hint="Give the right to read it, or compare with a copy: `audit verify --notes FILE`.",
            ) from error

    def _send(self, line: bytes) -> None:
        kind, _, rest = self._settings.address.partition(":")
        if kind == "unix":
            self._send_here(rest, line)
            return
        host, _, port = rest.removeprefix("//").rpartition(":")
        address = host.strip("[]"), int(port)
        if kind == "tcp":
            with socket.create_connection(address, timeout=_TIMEOUT) as stream:
                stream.sendall(f"{len(line)} ".encode() + line)
                # Closed by the other side unread is a failure that only shows when both have said all.
                stream.shutdown(socket.SHUT_WR)
            return
        family, _, _, _, target = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(_TIMEOUT)
            datagrams.connect(target)
            datagrams.send(line)

    def _send_here(self, path: str, line: bytes) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
                datagrams.settimeout(_TIMEOUT)
                datagrams.connect(path)
                datagrams.send(line)
        except OSError as error:
            if error.errno != _WRONG_KIND:
                raise
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
                stream.settimeout(_TIMEOUT)
                stream.connect(path)
                stream.sendall(line + b"\n")


_WRONG_KIND = errno.EPROTOTYPE
"""The socket is a stream."""
