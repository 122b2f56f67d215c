"""The hooks there are: an explicit list, a file each."""

from __future__ import annotations

from daemon.hooks.command import Command
from daemon.hooks.deactivate_access_key import DeactivateAccessKey
from daemon.hooks.hook import Hook
from daemon.hooks.webhook import Webhook

HOOKS: dict[str, type[Hook]] = {hook.name: hook for hook in (DeactivateAccessKey, Webhook, Command)}
