"""ListAssets, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from providers.gcp.session import PAGE_SIZE, Deadline, Session


def pages(
    session: Session,
    parent: str,
    content: str,
    types: Sequence[str],
    *,
    deadline: Deadline,
    read_time: Any = None,
) -> Iterator[Any]:
    """Every page of one content below a parent (no ``types`` for all), as raw protobuf messages; ``read_time`` pins them to a
    moment. Raises ProviderError at whatever page fails."""
    request: dict[str, Any] = {
        "parent": parent,
        "content_type": content,
        "page_size": PAGE_SIZE,
        "asset_types": list(types),
    }
    if read_time is not None:
        request["read_time"] = read_time
    what = f"listing {content} of {parent}"
    while True:
        page = session.list_page(request, deadline=deadline, what=what)
        yield page
        if not page.next_page_token:
            return
        request["page_token"] = page.next_page_token
