"""Plan and state files as Terraform's imports, of any size: what a policy asks for is read when it asks.

A file is read once to see that it is well formed and which sections it has; then each section that a policy asks for
(``planned_values``, ``resource_changes``, the state, the configuration), with what its resources hold deferred
(:mod:`.deferred`). ``raw`` is the whole file by its nature, and bounded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from config.errors import UsageError
from policies.errors import PackError, Position
from policies.files import DISK, Files
from policies.planfile import structure
from policies.sentinel.deferred import Deferred
from policies.sentinel.terraform import from_document
from policies.sentinel.values import Fault
from providers.jsonstream import ELEMENT, Misread, Names, opening, reduced

MOST_WHOLE: Final = 64 << 20
"""Bytes of a file that is read as a whole."""
_SMALL: Final = frozenset({"format_version", "terraform_version", "variables", "output_changes", "outputs"})
"""Sections that are held from the beginning."""
_CHANGES: Final = frozenset({"resource_changes", "resource_drift"})
_HEAVY: Final = frozenset({"values", "expressions", "attributes"})
"""What a resource holds besides its own description."""


class TerraformFileError(PackError):
    """A file is no Terraform plan or state in JSON."""

    def __init__(self, what: str, position: Position, *, hint: str | None = None) -> None:
        super().__init__(what, position, hint=hint or "Make one with: terraform show -json PLAN > plan.json")


def read_terraform(path: Path, files: Files = DISK) -> Mapping[str, Mapping[str, Any]]:
    """Import name -> data, from a plan or state file. Raises TerraformFileError with line and column."""
    try:
        if files is DISK:
            return _TerraformFile(path).imports
        return from_document(json.loads(files.read(path)))
    except Misread as error:
        raise TerraformFileError(
            error.what, Position(path, error.line, error.column), hint=error.hint
        ) from None
    except PackError as error:
        raise TerraformFileError(error.what, Position(path)) from None
    except json.JSONDecodeError as error:
        raise TerraformFileError(
            f"not JSON: {error.msg}", Position(path, error.lineno, error.colno)
        ) from None
    except (ValueError, RecursionError) as error:
        raise TerraformFileError(str(error), Position(path)) from None


class _TerraformFile:
    def __init__(self, path: Path) -> None:
        """Raises Misread for what is no JSON, ValueError for what is neither plan nor state."""
        self._path = path
        if opening(path) != "{":
            raise ValueError("is neither a Terraform plan nor a state: it holds no object")
        self._outline = self._section("")
        self._read: dict[str, Mapping[str, Mapping[str, Any]]] = {}
        shape = from_document(self._outline)
        is_plan = not {"planned_values", "resource_changes"}.isdisjoint(self._outline)
        state = "resources" if isinstance(self._outline.get("resources"), list) else "values"

        def member(of: str, name: str) -> Any:
            if of == "tfrun" or (of == "tfplan/v2" and name in _SMALL):
                return shape[of][name]
            if not is_plan:
                section = state
            elif of == "tfplan/v2":
                section = name
            else:
                section = {"tfconfig/v2": "configuration", "tfstate/v2": "prior_state"}[of]
            return self._imports(section)[of][name]

        self.imports: Mapping[str, Mapping[str, Any]] = {
            of: _Members(of, tuple(held), member) for of, held in shape.items()
        }

    def _imports(self, section: str) -> Mapping[str, Mapping[str, Any]]:
        """The imports of which only what comes from one section is filled. Raises Fault."""
        if section not in self._read:
            try:
                document = self._whole() if section == "raw" else self._section(section)
                self._read[section] = from_document(document)
            except UsageError as error:
                raise Fault(str(error), kind="import") from None
            except ValueError as error:
                raise Fault(f"{self._path} {error}", kind="import") from None
        return self._read[section]

    def _section(self, section: str) -> dict[str, Any]:
        """The file's object with the small sections and one more; the others lack whatever their resources are."""

        def keep(names: Names, value: Any) -> Any:
            if names[0] in _SMALL:
                return value
            return _with_deferred(names, value, self._path) if names[0] == section else None

        document: dict[str, Any] = reduced(self._path, structure, keep)
        return document

    def _whole(self) -> dict[str, Any]:
        size = self._path.stat().st_size
        if size > MOST_WHOLE:
            raise UsageError(
                f"{self._path} is {size:,} bytes, and `raw` of tfplan/v2 is the whole of it: up to {MOST_WHOLE:,} are read at once.",
                hint="Ask for `resource_changes` or `planned_values` instead: of these only what a policy looks into is held.",
            )
        document: dict[str, Any] = reduced(self._path, lambda _: False, lambda _, value: value)
        return document


class _Members(Mapping[str, Any]):
    """The data of one import, each member read when it is asked for."""

    def __init__(self, of: str, names: tuple[str, ...], member: Callable[[str, str], Any]) -> None:
        self._of = of
        self._names = names
        self._member = member

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._member(self._of, name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _with_deferred(names: Names, value: Any, path: Path) -> Any:
    """A resource or change, with what it holds deferred; anything else as it is."""
    if names[-1] != ELEMENT or not isinstance(value, Mapping):
        return value
    made = {key: Deferred.of(held, path) if key in _HEAVY else held for key, held in value.items()}
    change, instances = value.get("change"), value.get("instances")
    if names[0] in _CHANGES and isinstance(change, Mapping):
        made["change"] = {key: Deferred.of(held, path) for key, held in change.items()}
    elif names == ("resources", ELEMENT) and isinstance(instances, list):
        made["instances"] = [_with_deferred((*names, ELEMENT), one, path) for one in instances]
    return made
