"""Whose word a bundle is: OPA's ``.signatures.json``, one JWT that holds a digest of every file, checked with configured keys.

The algorithm is the configured one, never the one a token claims. Of ``data.json``, ``data.yaml`` and ``.manifest`` the digest is
over the value, with sorted keys and no blanks; of anything else, over the bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import jwt

from config.settings import BundleKey
from policies.errors import PackError, Position
from policies.yaml import load_yaml

SIGNATURES: Final = ".signatures.json"
MANIFEST: Final = ".manifest"
DIGESTS: Final = {
    "SHA-224": "sha224",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
    "SHA-512-224": "sha512_224",
    "SHA-512-256": "sha512_256",
}
"""OPA's names -> hashlib's. MD5 and SHA-1 are not among them: two files can be made that share one."""
VALUES: Final = frozenset({"data.json", "data.yaml", "data.yml", MANIFEST})
"""Files whose value is signed and not their bytes."""
_SHORTEST: Final = 32
"""Bytes of a secret for HMAC."""


class Number(float):
    """A number of a JSON text as it is written there, which is how it was signed."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> Number:
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str


def verify(
    root: Path,
    signed: Mapping[str, Any] | None,
    files: Mapping[PurePosixPath, bytes],
    keys: Mapping[str, BundleKey],
) -> list[PackError]:
    """What is wrong with the signature of a bundle; nothing where it has none and no key is configured.

    ``signed`` is the content of ``.signatures.json``, None where there is none; ``files`` are all the others.
    """
    where = Position(root / SIGNATURES)
    tokens = (signed or {}).get("signatures")
    if not tokens:
        if not keys:
            return []
        hint = "Sign it with `opa sign`, or take policies.bundle_keys away."
        return [
            PackError(
                "the bundle is not signed, and keys to check bundles with are configured", where, hint=hint
            )
        ]
    if not isinstance(tokens, list) or len(tokens) != 1 or not isinstance(tokens[0], str):
        return [PackError("`signatures` must be a list of exactly one JWT", where)]
    try:
        listed = _files(_payload(tokens[0], keys, where), where)
        wrong = list(_differences(root, listed, files))
    except PackError as error:
        return [error]
    return wrong


def _payload(token: str, keys: Mapping[str, BundleKey], where: Position) -> Mapping[str, Any]:
    """What a token says, once its signature is known to be that of a configured key. Raises PackError."""
    try:
        claimed = jwt.decode_complete(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise PackError(f"the signature is no JWT: {error}", where) from None
    named = claimed["payload"].get("keyid") or claimed["header"].get("kid")
    name = named or (next(iter(keys)) if len(keys) == 1 else None)
    if name is None or name not in keys:
        what = f"signed with the key `{name}`" if name else "signed, and does not say with which key"
        raise PackError(
            f"the bundle is {what}, and policies.bundle_keys has {', '.join(sorted(keys)) or 'none'}",
            where,
            hint="Configure the signer's public key: `bundle_keys: {NAME: {algorithm: RS256, key: signer.pem}}`.",
        )
    key = keys[name]
    try:
        secret = key.key.read_bytes()
    except OSError as error:
        what = f"the key `{name}` cannot be read: {error.strerror}"
        raise PackError(what, Position(key.key)) from None
    if key.algorithm.startswith("HS"):
        secret = secret.strip()
        if len(secret) < _SHORTEST:
            raise PackError(f"the secret `{name}` has less than {_SHORTEST} bytes", Position(key.key))
    options: Any = {"verify_aud": False, "verify_iat": False}
    try:
        payload: Mapping[str, Any] = jwt.decode(token, secret, algorithms=[key.algorithm], options=options)
    except jwt.InvalidSignatureError:
        what = f"the signature is not that of the key `{name}`: the bundle was changed, or somebody else signed it"
        raise PackError(what, where) from None
    except jwt.InvalidKeyError as error:
        raise PackError(f"the key `{name}` is none for {key.algorithm}: {error}", Position(key.key)) from None
    except (jwt.InvalidTokenError, ValueError) as error:
        what = f"the signature does not hold with the key `{name}` ({key.algorithm}): {error}"
        raise PackError(what, where) from None
    if payload.get("scope", "") != key.scope:
        what = (
            f"the signature is for the scope {payload.get('scope', '')!r}, the key `{name}` for {key.scope!r}"
        )
        raise PackError(what, where)
    return payload


def _files(payload: Mapping[str, Any], where: Position) -> dict[PurePosixPath, tuple[str, str]]:
    """File -> (algorithm, digest), as signed. Raises PackError."""
    listed: dict[PurePosixPath, tuple[str, str]] = {}
    entries = payload.get("files")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, Mapping) or not all(
            isinstance(entry.get(part), str) for part in ("name", "hash", "algorithm")
        ):
            raise PackError("each of the signed `files` needs `name`, `hash` and `algorithm`", where)
        if entry["algorithm"] not in DIGESTS:
            known = ", ".join(DIGESTS)
            what = f"{entry['name']} is signed by its {entry['algorithm']}, which proves nothing; known are {known}"
            raise PackError(what, where)
        listed[PurePosixPath(entry["name"].lstrip("/"))] = (entry["algorithm"], entry["hash"].lower())
    if not listed:
        raise PackError("no file is signed", where)
    return listed


def _differences(
    root: Path,
    listed: Mapping[PurePosixPath, tuple[str, str]],
    files: Mapping[PurePosixPath, bytes],
) -> Iterator[PackError]:
    for name, content in sorted(files.items()):
        if name not in listed:
            yield PackError("the file is not signed", Position(root / name))
            continue
        algorithm, wanted = listed[name]
        found = hashlib.new(DIGESTS[algorithm], _signed(root / name, content)).hexdigest()
        if not hmac.compare_digest(found.encode(), wanted.encode()):
            yield PackError("the file is not what was signed", Position(root / name))
    for name in sorted(listed.keys() - files.keys()):
        yield PackError("the file was signed and is not there", Position(root / name))


def _signed(path: Path, content: bytes) -> bytes:
    """The bytes of a file that its digest is over. Raises PackError."""
    if path.name not in VALUES:
        return content
    try:
        if path.suffix in (".yaml", ".yml"):
            value: Any = load_yaml(content.decode(), path)[0]
        else:
            value = json.loads(content, parse_float=Number, parse_int=Number)
        return canonical(value).encode()
    except (ValueError, RecursionError):
        raise PackError("it is no JSON, so it cannot be what was signed", Position(path)) from None


def canonical(value: Any) -> str:
    """A JSON value as OPA digests it: sorted keys, no blanks, numbers as written, text escaped as Go's encoder does."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{canonical(str(k))}:{canonical(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, Number):
        return value.text
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029") if isinstance(value, str) else text
