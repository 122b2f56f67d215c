"""An AWS of our own on this machine: moto's server with real paging and failures on demand, and an estate in it."""

from providers.sandbox.aws.emulator import AwsEmulator, SandboxBusy
from providers.sandbox.aws.estate import Estate, LeakyKey
from providers.sandbox.aws.story import introduce_drift, key_status, leak_access_key_event, put_event

__all__ = [
    "AwsEmulator",
    "Estate",
    "LeakyKey",
    "SandboxBusy",
    "introduce_drift",
    "key_status",
    "leak_access_key_event",
    "put_event",
]
