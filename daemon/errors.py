"""What can go wrong in the daemon itself.

DaemonError          the daemon could not do as told
├── PortInUse        the address to listen on is taken
├── AlreadyRunning   another daemon holds what only one may hold
├── Defect           something raised what nobody foresaw (daemon/defects.py)
├── NotRunning       the command asks a running daemon, and there is none
└── HookFailed       an action could not be done
    ├── NotForThisHook   the trigger does not name what the hook works on
    └── Transient        another try may help
"""

from __future__ import annotations

from config.errors import WatchstanderError


class DaemonError(WatchstanderError):
    """The daemon could not do as told."""


class PortInUse(DaemonError):
    """The address to listen on is taken by another program."""


class AlreadyRunning(DaemonError):
    """Another daemon with this name is running."""


class NotRunning(DaemonError):
    """No running daemon was found."""


class HookFailed(DaemonError):
    """An action could not be done."""


class NotForThisHook(HookFailed):
    """The trigger does not name what this hook works on."""


class Transient(HookFailed):
    """An action could not be done just now."""
