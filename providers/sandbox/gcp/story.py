"""Stories for the demo and for drills: what happens in the emulated Google Cloud while somebody watches.

Each function takes the sandbox's REST endpoint, so it works from the sandbox's own process and from another.
"""

from __future__ import annotations

import httpx

from providers.sandbox.caller import HEADER

COMPUTE = "//compute.googleapis.com/"


class StoryFailed(RuntimeError):
    """The sandbox did not take part in the story."""


def open_firewall(rest_endpoint: str, uid: str, *, who: str) -> None:
    """``who`` opens a firewall rule to the whole internet. Raises StoryFailed where the sandbox refuses."""
    answer = httpx.patch(
        f"{rest_endpoint}/compute/v1/{uid.removeprefix(COMPUTE)}",
        json={"sourceRanges": ["0.0.0.0/0"]},
        headers={HEADER: who},
        timeout=10,
    )
    if not answer.is_success:
        raise StoryFailed(f"The firewall rule was not changed: {answer.status_code} {answer.text[:200]}")
