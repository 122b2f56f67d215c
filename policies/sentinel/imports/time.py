"""``import "time"``: one moment for a whole evaluation, and arithmetic on times to the nanosecond."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final

from policies.sentinel.functions import function, integer
from policies.sentinel.run import ImportMap, Run
from policies.sentinel.values import Fault, Value, a_kind, text_of, wrap

_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:([Zz])|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000_000
_UNITS: Final = {
    "nanosecond": 1,
    "microsecond": 1_000,
    "millisecond": 1_000_000,
    "second": _SECOND,
    "minute": 60 * _SECOND,
    "hour": 3600 * _SECOND,
}


def _nanoseconds(moment: datetime) -> int:
    gone = moment - _EPOCH
    return (gone.days * 86400 + gone.seconds) * _SECOND + gone.microseconds * 1000


def _parsed(written: str) -> tuple[int, tzinfo]:
    found = _RFC3339.fullmatch(written)
    if found is None:
        raise Fault(f'"{written[:80]}" is not a time of RFC 3339, as 2006-01-02T15:04:05Z is')
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    zone: tzinfo = UTC
    try:
        if found[9]:
            offset = timedelta(hours=int(found[10]), minutes=int(found[11]))
            zone = timezone(offset if found[9] == "+" else -offset)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        whole = _nanoseconds(moment.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise Fault(f'"{written[:80]}" is not a time: {error}') from None
    return whole + int((found[7] or "0").ljust(9, "0")), zone


def _timespace(moment: int, zone: tzinfo) -> ImportMap:
    """A time: nanoseconds since 1970, and the zone its clock is read in."""
    try:
        local = (_EPOCH + timedelta(seconds=moment // _SECOND)).astimezone(zone)
    except OverflowError:
        raise Fault("the time is beyond the years 1 to 9999") from None
    offset = local.utcoffset() or timedelta()
    seconds = int(offset.total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    weekday = (local.weekday() + 1) % 7
    data = {
        "hour": local.hour,
        "minute": local.minute,
        "second": local.second,
        "day": local.day,
        "month": local.month,
        "month_name": _MONTHS[local.month - 1].encode(),
        "weekday": weekday,
        "weekday_name": _DAYS[weekday].encode(),
        "year": local.year,
        "unix": moment // _SECOND,
        "unix_nano": wrap(moment),
        "zone": seconds,
        "zone_string": f"{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}".encode(),
    }

    def other(run: Run, value: Value) -> int:
        return _moment(run, value)[0]

    methods = {
        "before": function("before", lambda run, value: moment < other(run, value), 1),
        "after": function("after", lambda run, value: moment > other(run, value), 1),
        "equal": function("equal", lambda run, value: moment == other(run, value), 1),
        "add": function(
            "add", lambda _run, value: _timespace(moment + integer(value, "the duration"), zone), 1
        ),
        "sub": function("sub", lambda run, value: wrap(moment - other(run, value)), 1),
    }
    return ImportMap(data, methods)


def _moment(run: Run, value: Value) -> tuple[int, tzinfo]:
    """Nanoseconds and zone of seconds since 1970, RFC 3339 text, or a time."""
    zone = _zone(run)
    if isinstance(value, bytes):
        return _parsed(text_of(value))
    if type(value) is int:
        return value * _SECOND, zone
    if type(value) is float:
        try:
            return int(value * _SECOND), zone
        except (ValueError, OverflowError):
            raise Fault("not a time: seconds since 1970 must be finite") from None
    if isinstance(value, dict) and type(value.get(b"unix_nano")) is int:
        offset = value.get(b"zone")
        if type(offset) is int and abs(offset) < 86400:
            zone = timezone(timedelta(seconds=offset))
        return value[b"unix_nano"], zone
    raise Fault(f"a time is seconds since 1970, RFC 3339 text or a time, not {a_kind(value)}")


def _zone(run: Run) -> tzinfo:
    zone = run.services.get("timezone")
    return zone if isinstance(zone, tzinfo) else UTC


def members() -> Mapping[str, Any]:
    """The constants and functions of the import; ``now`` is the moment given to the evaluation."""
    return {
        "now": lambda run: _timespace(_nanoseconds(run.now.astimezone(UTC)), _zone(run)),
        "load": function("load", lambda run, value: _timespace(*_moment(run, value)), 1),
        **_UNITS,
    }
