"""Signatures as botocore makes them, without doing a thing twice.

botocore walks a request's headers once to sign them and once more to name them, and prepares the whole request to get at its body.
Here botocore's own classes do all of the rest. Every other way of signing is left as it is (docs/decisions/0330).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.auth import (
    SIGNED_HEADERS_BLACKLIST,
    S3SigV4Auth,
    SigV4Auth,
    _host_from_url,
)

_UNSIGNED: Final = frozenset(SIGNED_HEADERS_BLACKLIST)


class _Headers(dict[str, list[str]]):
    """The headers to sign, as far as botocore asks for them."""

    get_all = dict[str, list[str]].__getitem__


@lru_cache(maxsize=1024)
def _host(scheme: str, netloc: str) -> str:
    host: str = _host_from_url(f"{scheme}://{netloc}")
    return host


class _Once(SigV4Auth):  # type: ignore[misc]
    """The signature of one request: botocore makes one of these for each."""

    _found: _Headers | None = None

    def headers_to_sign(self, request: Any) -> _Headers:
        """The headers by their names in lower case. The same whenever asked: nothing changes between reading them for the signature
        and naming them beside it."""
        if self._found is None:
            found = _Headers()
            for name, value in request.headers.items():
                lower = name.lower()
                if lower not in _UNSIGNED:
                    found.setdefault(lower, []).append(value)
            if "host" not in found:
                parts = urlsplit(request.url)
                found["host"] = [_host(parts.scheme, parts.netloc)]
            self._found = found
        return self._found

    def payload(self, request: Any) -> str:
        """What stands for the body in the signature: mostly its digest."""
        body = request.data or b""
        if (
            isinstance(body, bytes)
            and not self._is_streaming_checksum_payload(request)
            and self._should_sha256_sign_payload(request)
        ):
            return sha256(body).hexdigest()
        other: str = super().payload(request)
        return other


class _OnceForS3(_Once, S3SigV4Auth):  # type: ignore[misc]
    """The same with what S3 does differently."""


_ONCE: Final = {SigV4Auth: _Once, S3SigV4Auth: _OnceForS3}


def sign_once(client: Any) -> None:
    """Have a client's requests signed by ours in the place of botocore's two makers that we know."""
    signer = client._request_signer  # noqa: SLF001 - botocore gives it to its hooks, but only when it signs
    get_auth_instance = signer.get_auth_instance

    def ours(signing_name: str, region_name: str, **more: Any) -> Any:
        auth = get_auth_instance(signing_name, region_name, **more)
        # Exactly these: what is derived from them (an address that is signed, say) has steps of its own.
        quick = _ONCE.get(type(auth))
        return auth if quick is None else quick(auth.credentials, signing_name, region_name)

    signer.get_auth_instance = ours
