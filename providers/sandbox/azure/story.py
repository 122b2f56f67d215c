"""Stories for the demo and for drills: what happens in the emulated Azure while somebody watches.

Each function takes the sandbox's endpoint, so it works from the sandbox's own process and from another.
"""

from __future__ import annotations

import httpx

from providers.sandbox.caller import HEADER

API_VERSION = "2023-05-01"


class StoryFailed(RuntimeError):
    """The sandbox did not take part in the story."""


def allow_public_blobs(endpoint: str, uid: str, *, who: str) -> None:
    """``who`` lets a storage account be read by everyone. Raises StoryFailed where the sandbox refuses."""
    answer = httpx.patch(
        f"{endpoint}{uid}",
        params={"api-version": API_VERSION},
        headers={"Authorization": "Bearer sandbox", HEADER: who},
        json={"properties": {"allowBlobPublicAccess": True}},
        timeout=10,
    )
    if not answer.is_success:
        raise StoryFailed(f"The storage account was not changed: {answer.status_code} {answer.text[:200]}")
