"""Findings for other tools: a module a format, each a pure function from findings to text, piece by piece.

    write(findings, context) -> Iterator[str]

A format that can stream does: a million findings never stand in memory at once. Where a total comes before what is
counted (HTML, JUnit), the counted part waits in a temporary file. Whatever a cloud called a resource, the result is
well-formed: text is cleaned and escaped here, once, in :mod:`daemon.export.text`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daemon.export.context import Context
    from storage.findings import Finding


class ExportFormat(StrEnum):
    """The formats, by the names the command line takes."""

    OCSF = "ocsf"
    """OCSF 1.5 Compliance Findings, one a line."""
    ASFF = "asff"
    """AWS Security Finding Format, one array."""
    SARIF = "sarif"
    """SARIF 2.1.0."""
    CSV = "csv"
    HTML = "html"
    """A report for people, in one file."""
    JUNIT = "junit"
    """JUnit's XML, as build servers read it."""


def writer(format_: ExportFormat) -> Callable[[Iterable[Finding], Context], Iterator[str]]:
    """The function that writes a format. Imports its module."""
    module = "csv_table" if format_ is ExportFormat.CSV else format_.value
    write: Callable[[Iterable[Finding], Context], Iterator[str]] = import_module(
        f"daemon.export.{module}"
    ).write
    return write
