"""When each cloud is read: APScheduler, from memory.

A provider's cycle never overlaps itself; ticks missed while one runs (or while the machine slept) are one tick; the first
cycle starts at once. Nothing is persisted: that a fire is unique over several daemons is the workflows' business.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from config.clouds import Providers, Schedule
from config.errors import Problem, UsageError
from providers.registry import configured

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def cron_trigger(expression: str) -> CronTrigger:
    """A five-field cron expression in UTC. Raises UsageError.

    APScheduler 3 counts weekdays from Monday, cron from Sunday (and 7 is Sunday too), so numbers become names.
    """
    fields = expression.split()
    if len(fields) != 5:
        raise UsageError(
            f"The cron expression {expression!r} has {len(fields)} fields instead of five.",
            hint="Write minute, hour, day, month and weekday: `0 */6 * * *`.",
        )
    minute, hour, day, month, weekday = fields
    try:
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=_weekdays(weekday), timezone=UTC
        )
    except ValueError as error:
        raise UsageError(f"The cron expression {expression!r} cannot be used: {error}.") from error


def _weekdays(field: str) -> str:
    """Cron's weekdays as APScheduler names."""
    if field == "*":
        return field
    names: list[str] = []
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        low, high = (0, 6) if first == "*" else (_weekday(first), _weekday(last) if dash else _weekday(first))
        if step and not dash and first != "*":
            high = 6
        if high < low:
            raise ValueError(f"the weekdays {part!r} run backwards")
        if step and (not step.isdigit() or step == "0"):
            raise ValueError(f"the step of {part!r} is not a number")
        names += [WEEKDAYS[n % 7] for n in range(low, high + 1, int(step or 1))]
    return ",".join(dict.fromkeys(names))


def _weekday(text: str) -> int:
    if text in WEEKDAYS:
        return WEEKDAYS.index(text)
    if text.isdigit() and int(text) <= 7:
        return int(text)
    raise ValueError(f"{text!r} is not a weekday")


def schedule_problems(providers: Providers) -> Iterator[Problem]:
    """What is wrong with the schedules of a configuration, each where it stands."""
    for name, provider in configured(providers).items():
        if provider.schedule.cron is not None:
            try:
                cron_trigger(provider.schedule.cron)
            except UsageError as error:
                yield Problem(f"providers.{name}.schedule.cron", error.message, error.hint)


def interval(schedule: Schedule, now: datetime) -> timedelta:
    """How long may pass between two fires: the interval, or for cron the longest gap of its next ten fires."""
    if schedule.every is not None:
        return schedule.every
    assert schedule.cron is not None
    trigger, fires = cron_trigger(schedule.cron), []
    at: datetime | None = now
    for _ in range(10):
        at = trigger.get_next_fire_time(at, at)
        if at is None:
            break
        fires.append(at)
        at += timedelta(seconds=1)
    gaps = [b - a for a, b in pairwise(fires)]
    return max(gaps, default=timedelta(days=366))


class Scheduler:
    """Runs ``cycle(provider)`` when it is due."""

    def __init__(self, cycle: Callable[[str], None], workers: int = 4) -> None:
        # APScheduler tells of every skipped tick as a warning; coalescing is what we want, so it is not news.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._cycle = cycle
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(workers)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._applied: dict[str, Schedule] = {}

    def start(self) -> None:
        """Begin to fire."""
        self._scheduler.start()

    def apply(self, schedules: Mapping[str, Schedule], now: datetime) -> None:
        """Make these the schedules. A new or changed one fires at once; an unchanged one keeps its beat."""
        for gone in self._applied.keys() - schedules.keys():
            self._scheduler.remove_job(gone)
            del self._applied[gone]
        for provider, schedule in schedules.items():
            if self._applied.get(provider) == schedule:
                continue
            trigger = (
                IntervalTrigger(seconds=schedule.every.total_seconds(), timezone=UTC)
                if schedule.every is not None
                else cron_trigger(schedule.cron or "")
            )
            self._scheduler.add_job(
                self._cycle,
                trigger,
                args=[provider],
                id=provider,
                name=f"cycle of {provider}",
                replace_existing=True,
                next_run_time=now,
            )
            self._applied[provider] = schedule

    def fire_now(self, provider: str, now: datetime) -> None:
        """Let one cycle start now."""
        self._scheduler.modify_job(provider, next_run_time=now)

    def next_fire(self, provider: str) -> datetime | None:
        """When the next cycle is due."""
        job = self._scheduler.get_job(provider)
        at: datetime | None = getattr(job, "next_run_time", None)
        return at

    def stop(self, *, wait: bool) -> None:
        """Fire no more; ``wait`` until the cycles under way have ended."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=wait)
