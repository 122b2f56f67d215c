"""Secrets: read through the references of the configuration when needed, never printed.

A reference is ``env:NAME``, ``file:/path`` (``file:%d/name`` is below systemd's ``$CREDENTIALS_DIRECTORY``, where
``LoadCredential=`` puts it), ``aws-secretsmanager:ID`` or ``aws-ssm:NAME``. The cloud's ones need its SDK, so whoever
may import it hands a resolver in.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from config.errors import SecretUnavailable, WatchstanderError
from config.fields import SecretReference

Resolver = Callable[[str], str]
"""Location -> value. Raises a WatchstanderError where there is none."""

HIDDEN = "[hidden]"
_MAX_BYTES = 64 * 1024
_SHORTEST = 6
"""Shorter values are not searched for in logs: replacing every "admin" would leave nothing to read."""

_CARRIERS = (
    (re.compile(r"(?<=://)([^\s:/@]*):[^\s@/]+(?=@)"), rf"\1:{HIDDEN}"),
    (re.compile(r"(?i)\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(r"(?i)((?:password|passwd|secret|token|api_?key)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&}]{3,}"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s\"']+"), rf"\1{HIDDEN}"),
)
"""What carries a secret by its form: the password of a URL, an Authorization header, ``password=…``, a presigned URL."""


class SecretValue:
    """A secret in memory. Only ``reveal`` gives it; printing, formatting, logging and pickling do not."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, to hand to whoever asks for it and to nobody else."""
        return self._value

    def __repr__(self) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretValue):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((SecretValue, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


class Secrets:
    """Reads secrets and remembers which text must not appear in a log."""

    def __init__(
        self, environment: Mapping[str, str], resolvers: Mapping[str, Resolver] | None = None
    ) -> None:
        self._environment = environment
        self._resolvers = dict(resolvers or {})
        self._known: set[str] = set()

    def read(self, reference: SecretReference) -> SecretValue:
        """The secret as it is now (it may have been rotated). Raises SecretUnavailable."""
        if reference.scheme == "env":
            value = self._environment.get(reference.location, "")
            if not value:
                raise SecretUnavailable(
                    f"The secret {reference} cannot be read: the environment has no {reference.location}.",
                    hint="Set the variable, or refer to a file with file:/path.",
                )
        elif reference.scheme == "file":
            value = self._file(reference)
        elif (resolver := self._resolvers.get(reference.scheme)) is not None:
            try:
                value = resolver(reference.location)
            except WatchstanderError as error:
                raise SecretUnavailable(
                    f"The secret {reference} cannot be read: {error.message}", hint=error.hint
                ) from error
        else:
            raise SecretUnavailable(
                f"The secret {reference} cannot be read: nothing here reads {reference.scheme}.",
                hint="Configure providers.aws, or refer to env:NAME or file:/path.",
            )
        if len(value) >= _SHORTEST:
            self._known.add(value)
        return SecretValue(value)

    def _file(self, reference: SecretReference) -> str:
        location = reference.location
        if location.startswith("%d"):
            directory = self._environment.get("CREDENTIALS_DIRECTORY")
            if not directory:
                raise SecretUnavailable(
                    f"The secret {reference} cannot be read: systemd gave no credentials directory.",
                    hint="Add LoadCredential=NAME:/path to the unit, or write the path out.",
                )
            location = directory + location.removeprefix("%d")
        try:
            with Path(location).open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
            if len(content) > _MAX_BYTES:
                raise SecretUnavailable(
                    f"The secret {reference} cannot be read: the file is larger than 64 KiB."
                )
            value = content.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            # Its message would repeat the bytes, so it is not even the cause.
            raise SecretUnavailable(
                f"The secret {reference} cannot be read: the file is not UTF-8 text."
            ) from None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "that is not a path"
            raise SecretUnavailable(f"The secret {reference} cannot be read: {why}.") from error
        if not value:
            raise SecretUnavailable(f"The secret {reference} cannot be read: the file is empty.")
        return value

    def redact(self, text: str) -> str:
        """``text`` without any secret that was read, nor anything that by its form carries one."""
        # Longest first: one secret may begin with another.
        for value in sorted(self._known, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return redact(text)


def redact(text: str) -> str:
    """``text`` without what by its form carries a secret: URL passwords, Authorization headers, ``password=…``."""
    for pattern, instead in _CARRIERS:
        text = pattern.sub(instead, text)
    return text
