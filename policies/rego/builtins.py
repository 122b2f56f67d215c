"""Built-in functions that regorus lacks, and those that are closed: the doors to the outside and to chance.

A verdict is a pure function of policy and input, so nothing a policy calls may reach the network, the environment or a
random source. ``time.now_ns`` gives the moment of the judgement, not the clock's.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Iterator
from typing import Any, Final

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CLOSED: Final = {
    "http.send": "policies cannot reach the network; join what you need from data.inventory",
    "net.lookup_ip_addr": "policies cannot reach the network",
    "opa.runtime": "policies cannot read the environment; use data.parameters",
    "rand.intn": "a verdict must not hang on chance",
    "uuid.rfc4122": "a verdict must not hang on chance",
}
"""Refused when a policy is loaded, and again should a call be reached."""

CLOCK: Final = "time.now_ns"

REGORUS: Final = frozenset(
    """
    abs array.concat array.reverse array.slice base64.decode base64.encode base64.is_valid base64url.decode
    base64url.encode base64url.encode_no_pad bits.and bits.lsh bits.negate bits.or bits.rsh bits.xor ceil concat
    contains count endswith floor format_int glob.match glob.quote_meta graph.reachable graph.reachable_paths
    hex.decode hex.encode indexof indexof_n intersection is_array is_boolean is_null is_number is_object is_set
    is_string json.filter json.is_valid json.marshal json.marshal_with_options json.match_schema json.patch
    json.remove json.unmarshal json.verify_schema lower max min net.cidr_contains net.cidr_expand net.cidr_is_valid
    numbers.range numbers.range_step object.filter object.get object.keys object.remove object.subset object.union
    object.union_n print product regex.find_all_string_submatch_n regex.find_n regex.is_valid regex.match
    regex.replace regex.split regex.template_match replace round semver.compare semver.is_valid sort split sprintf
    startswith strings.any_prefix_match strings.any_suffix_match strings.count strings.replace_n strings.reverse
    substring sum time.add_date time.clock time.date time.diff time.format time.now_ns time.parse_duration_ns
    time.parse_ns time.parse_rfc3339_ns time.weekday to_number trace trim trim_left trim_prefix trim_right trim_space
    trim_suffix type_name union units.parse units.parse_bytes upper urlquery.decode urlquery.decode_object
    urlquery.encode urlquery.encode_object uuid.parse walk yaml.is_valid yaml.marshal yaml.unmarshal
    """.split()  # noqa: SIM905 - a list this long is read more easily so
)
"""What this regorus knows; a test compares it with what the library says of itself."""


def _text(name: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError(f"{name}: operand must be string but got {type(value).__name__}")
    return value.encode("utf-8", "surrogatepass")


def _hash(name: str, algorithm: str) -> Callable[[Any], str]:
    def call(value: Any) -> str:
        return hashlib.new(algorithm, _text(name, value), usedforsecurity=False).hexdigest()

    return call


def _hmac(name: str, algorithm: str) -> Callable[[Any, Any], str]:
    def call(value: Any, key: Any) -> str:
        return hmac.new(_text(name, key), _text(name, value), algorithm).hexdigest()

    return call


def _hmac_equal(left: Any, right: Any) -> bool:
    return hmac.compare_digest(_text("crypto.hmac.equal", left), _text("crypto.hmac.equal", right))


def _network(name: str, value: Any) -> _Network:
    try:
        return ipaddress.ip_network(_text(name, value).decode(), strict=False)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _intersects(left: Any, right: Any) -> bool:
    a, b = (_network("net.cidr_intersects", value) for value in (left, right))
    return a.version == b.version and a.overlaps(b)


def _merge(values: Any) -> set[str]:
    """Overlapping and adjacent networks joined; addresses without a length are single hosts, as in OPA."""
    if not isinstance(values, list | set | tuple):
        raise ValueError("net.cidr_merge: operand must be one of {array, set}")
    networks = [_network("net.cidr_merge", value) for value in values]
    four = [n for n in networks if isinstance(n, ipaddress.IPv4Network)]
    six = [n for n in networks if isinstance(n, ipaddress.IPv6Network)]
    return {str(n) for n in (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))}


def _keyed(name: str, values: Any) -> Iterator[tuple[Any, _Network]]:
    if isinstance(values, str):
        yield values, _network(name, values)
    elif isinstance(values, dict):
        for key, value in values.items():
            yield key, _network(name, value[0] if isinstance(value, list | tuple) and value else value)
    elif isinstance(values, list | tuple):
        for index, value in enumerate(values):
            yield index, _network(name, value[0] if isinstance(value, list | tuple) and value else value)
    elif isinstance(values, set | frozenset):
        for value in values:
            yield value, _network(name, value[0] if isinstance(value, list | tuple) and value else value)
    else:
        raise ValueError(f"{name}: operand must be one of {{string, array, set, object}}")


def _contains_matches(cidrs: Any, candidates: Any) -> list[list[Any]]:
    """The pairs (key of a network, key of what lies within it). OPA gives a set of arrays, which to a policy that
    iterates is the same."""
    name = "net.cidr_contains_matches"
    inner = list(_keyed(name, candidates))
    pairs = [
        [outer_key, key]
        for outer_key, outer in _keyed(name, cidrs)
        for key, network in inner
        if network.version == outer.version and network.subnet_of(outer)  # type: ignore[arg-type]
    ]
    return sorted(pairs, key=repr)


ADDED: Final[dict[str, tuple[int, Callable[..., Any]]]] = {
    "crypto.md5": (1, _hash("crypto.md5", "md5")),
    "crypto.sha1": (1, _hash("crypto.sha1", "sha1")),
    "crypto.sha256": (1, _hash("crypto.sha256", "sha256")),
    "crypto.hmac.md5": (2, _hmac("crypto.hmac.md5", "md5")),
    "crypto.hmac.sha1": (2, _hmac("crypto.hmac.sha1", "sha1")),
    "crypto.hmac.sha256": (2, _hmac("crypto.hmac.sha256", "sha256")),
    "crypto.hmac.sha512": (2, _hmac("crypto.hmac.sha512", "sha512")),
    "crypto.hmac.equal": (2, _hmac_equal),
    "net.cidr_intersects": (2, _intersects),
    "net.cidr_merge": (1, _merge),
    "net.cidr_contains_matches": (2, _contains_matches),
}
"""Name -> (arity, function). A ValueError becomes the policy's evaluation error."""

KNOWN: Final = REGORUS | ADDED.keys()

REVISION: Final = 1
"""Raised when the meaning of an added function changes: part of every policy digest."""


def closed(name: str) -> Callable[..., Any]:
    """A function that refuses to be called."""

    def call(*_: Any) -> Any:
        raise ValueError(f"{name} is closed: {CLOSED[name]}")

    return call


ARITY: Final = {"http.send": 1, "net.lookup_ip_addr": 1, "opa.runtime": 0, "rand.intn": 2, "uuid.rfc4122": 1}
