"""Who calls the sandbox: its credentials are nobody's, so a story says by a header in whose name a call is made.

What each emulated cloud keeps of its calls (activity log, audit log, event history) bears that name.
"""

from __future__ import annotations

from typing import Final

HEADER: Final = "X-Sandbox-Caller"
