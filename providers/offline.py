"""A cloud that is files: an export as a provider, so that a scan records it as it records a cloud.

Files come in any order and may be larger than memory, a cycle reads scope by scope: the resources are put down once in a
temporary file, and each scope knows where in it its own lie. Every reading ends as *exported*: an export holds what its
maker chose to export, so nothing that is not in it is taken for gone.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final, Self

import orjson

from config.errors import UsageError
from providers.errors import Refused, Unavailable
from providers.exports import ExportFormat, exports
from providers.provider import (
    Action,
    ActionKind,
    Deed,
    Discovery,
    Event,
    EventSource,
    Ignored,
    Receipt,
    Remembered,
    Selection,
)
from providers.registry import terraform_types, terraform_view
from providers.resource import Coverage, CoverageStatus, Reading, Resource, ResourceRef, Scope
from providers.terraform import TerraformView

NOT_A_CLOUD: Final = "this is an export, not the cloud"


class Spool:
    """Resources put down in a temporary file, by scope. Memory grows by eight bytes a resource."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="watchstander-export-")  # noqa: SIM115 - closed with the spool
        self._where: dict[Scope, array[int]] = {}
        self._lock = Lock()
        self._end = 0

    def add(self, resource: Resource) -> None:
        """Put a resource down. Raises UsageError where the disk is full."""
        ref = resource.ref
        line = orjson.dumps(
            (
                (ref.account, ref.region, ref.uid),
                (resource.name, resource.document, resource.tags, resource.unread),
            )
        )
        try:
            self._file.write(len(line).to_bytes(8, "big") + line)
        except OSError as error:
            raise UsageError(
                f"{tempfile.gettempdir()}: the resources cannot be put down: {error.strerror}.",
                hint="An export needs room for its resources once more; TMPDIR says where.",
            ) from error
        scope = Scope(ref.provider, ref.account, ref.region, ref.type)
        self._where.setdefault(scope, array("Q")).append(self._end)
        self._end += 8 + len(line)

    @property
    def scopes(self) -> Mapping[Scope, int]:
        """Each scope, and how many resources it has."""
        return {scope: len(found) for scope, found in sorted(self._where.items())}

    def read(self, scope: Scope) -> Iterator[Resource]:
        """The resources of a scope, in the files' order."""
        for offset in self._where.get(scope, ()):
            with self._lock:
                self._file.seek(offset)
                line = self._file.read(int.from_bytes(self._file.read(8), "big"))
            (account, region, uid), (name, document, tags, unread) = orjson.loads(line)
            ref = ResourceRef(
                provider=scope.provider, account=account, region=region, type=scope.type, uid=uid
            )
            yield Resource(ref=ref, name=name, document=document, tags=tags, unread=unread)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


class ExportedCloud:
    """One cloud as the files know it. Fulfils :class:`providers.provider.Provider`; nothing can be asked or changed."""

    record_lag = timedelta(0)
    """A file has no record that could lag."""
    past_batch = 1

    def __init__(self, name: str, spool: Spool, source: str, wanted: Callable[[Scope], bool]) -> None:
        self.name = name
        self._spool = spool
        self._source = source
        self._wanted = wanted

    def discover(self, selection: Selection) -> Discovery:
        """The scopes that the files speak of, as far as they are wanted."""
        scopes = tuple(s for s in self._spool.scopes if s.provider == self.name and self._wanted(s))
        return Discovery(scopes=tuple(s for s in scopes if selection.takes(s)))

    def read(self, scope: Scope) -> Reading:
        """The resources of a scope; exported, never complete."""

        def source() -> Iterator[Resource | Coverage]:
            read = details = 0
            for resource in self._spool.read(scope):
                read += 1
                details += bool(resource.unread)
                yield resource
            yield Coverage(
                scope=scope,
                status=CoverageStatus.EXPORTED,
                read=read,
                details_unread=details,
                cause=f"from {self._source}, which says nothing of what is not in it",
            )

        return Reading(scope, source())

    def deletion_confirmations(self, scope: Scope) -> int:  # noqa: ARG002 - an exported reading deletes nothing anyway
        """One."""
        return 1

    def reread(self, ref: ResourceRef) -> Resource:
        """Raises Unavailable: a file cannot say how something is now."""
        raise Unavailable(f"{ref.uid} cannot be read again: {NOT_A_CLOUD}")

    def past(self, refs: Sequence[ResourceRef], since: datetime) -> Iterable[Remembered]:  # noqa: ARG002
        """None."""
        return (Remembered(ref=ref) for ref in refs)

    def deeds(self, ref: ResourceRef, since: datetime, until: datetime) -> Iterable[Deed]:  # noqa: ARG002
        """None: a file does not know who did it."""
        return ()

    def parse_event(self, body: Mapping[str, Any]) -> Event | Ignored | None:  # noqa: ARG002
        """None: no messages come."""
        return None

    def watched(self, event: Event) -> Event | None:  # noqa: ARG002
        """None: no messages come."""
        return None

    def event_sources(self) -> tuple[EventSource, ...]:
        """None."""
        return ()

    def action_kinds(self) -> Mapping[str, ActionKind]:
        """None."""
        return {}

    def observe(self, action: Action) -> Mapping[str, Any]:
        """Raises Unavailable."""
        raise Unavailable(f"{action.target.uid} cannot be looked at: {NOT_A_CLOUD}")

    def act(self, action: Action) -> Receipt:
        """Raises Refused."""
        raise Refused(f"{action.kind} cannot be done: {NOT_A_CLOUD}")

    def undo(self, receipt: Receipt) -> Receipt:
        """Raises Refused."""
        raise Refused(f"{receipt.action.kind} cannot be undone: {NOT_A_CLOUD}")

    def terraform(self, resource: Resource) -> TerraformView | None:
        """The resource in Terraform's words."""
        return terraform_view(resource)

    def terraform_types(self) -> Mapping[str, frozenset[str]]:
        """Terraform type -> resource types."""
        return terraform_types(self.name)

    def permissions(self, *, contain: bool) -> Mapping[str, Any]:  # noqa: ARG002 - a file needs none
        """None."""
        return {}

    def close(self) -> None:
        """Nothing: the estate closes its spool."""


class ExportedEstate:
    """What files hold of the clouds: one :class:`ExportedCloud` each, and what of the files is not among them. A context
    manager; its temporary file goes with it."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Read the files whole, once. Raises UsageError, with file and line."""
        self.gaps: list[str] = []
        self.passed: dict[Scope, str] = {}
        self._spool = Spool()
        names = ", ".join(path.name for path in paths)
        self.source = f"{'an export' if len(paths) == 1 else f'{len(paths)} exports'} ({names})"
        with ExitStack() as on_failure:
            on_failure.callback(self._spool.close)
            self._gather(paths)
            on_failure.pop_all()

    def _gather(self, paths: Sequence[Path]) -> None:
        for export in exports(paths):
            if export.format is ExportFormat.TERRAFORM:
                raise UsageError(
                    f"{export.paths[0]}: a Terraform plan or state is no inventory of a cloud.",
                    hint="`watchstander check` judges it; `scan --from` takes what a cloud exported.",
                )
            for resource in export:
                self._spool.add(resource)
            self.gaps += export.gaps

    @property
    def scopes(self) -> Mapping[Scope, int]:
        """Each scope in the files, and how many resources it has."""
        return self._spool.scopes

    def pass_over(self, scopes: Mapping[Scope, str]) -> None:
        """Leave these scopes alone, and say why."""
        self.passed |= scopes
        counts = self.scopes
        for scope, why in sorted(scopes.items()):
            number = counts[scope]
            self.gaps.append(f"{number:,} {'resource' if number == 1 else 'resources'} of {scope}: {why}")

    def clouds(self) -> Mapping[str, ExportedCloud]:
        """The clouds that the files speak of."""
        names = sorted({scope.provider for scope in self.scopes})
        return {
            name: ExportedCloud(name, self._spool, self.source, lambda scope: scope not in self.passed)
            for name in names
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()
