"""What Terraform's providers call the attributes of the types we map: names, nesting and types, from their own schemas.

    npm pack @cdktf/provider-aws @cdktf/provider-azurerm @cdktf/provider-google     # ~100 MB, thrown away afterwards
    python -m tools.terraform_schema cdktf-provider-*.tgz

CDK for Terraform generates a class for each block of a provider's schema, and each states its attributes. Only those facts
are kept, in ``tests/unit/providers/terraform-schema.json``, of the types in our views: the tests compare the two. A scalar
is its type's name; a list of scalars is ``list``; a map is ``map``; a block is ``[nesting, {name: ...}]``, where ``list``
and ``set`` are JSON lists in a plan and ``single`` is an object. Blocks are kept where a view has them: a web ACL's rules
alone nest to megabytes.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
LISTING: Final = ROOT / "tests" / "unit" / "providers" / "terraform-schema.json"
PREFIXES: Final = {"aws": "aws_", "azurerm": "azurerm_", "google": "google_"}

_CLASS = re.compile(r"^class (\w+) extends cdktf\.(\w+) \{$", re.MULTILINE)
_SCALAR = re.compile(r"this\.(get(\w+)Attribute|interpolationForAttribute)\('(\w+)'\)")
_MADE = re.compile(r"new (?:(cdktf)\.|index_structs_\d+\.)?(\w+)\(this, \"(\w+)\"")
_ITEM = re.compile(r"new (?:\w+\.)?(\w+)\(this\.terraformResource")
_NESTED = re.compile(r"^ +(\w+): \{\n +value: .*\n +isBlock: true,\n +type: \"(\w+)\",", re.MULTILINE)
_VERSION = re.compile(r"providerVersion: '([^']+)'")
_KINDS: Final = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": "list",
    "NumberList": "list",
    "BooleanList": "list",
}

Schema = dict[str, Any]


class SchemaError(Exception):
    """A package is not what this tool reads, or lacks a type of ours."""


def types_of_views() -> dict[str, frozenset[str]]:
    """Terraform type -> the attributes of its view, over the three clouds."""
    found: dict[str, frozenset[str]] = {}
    for cloud in ("aws", "azure", "gcp"):
        for declared in importlib.import_module(f"providers.{cloud}.terraform").declared():
            found[declared.name] = frozenset(declared.attributes)
    return found


def parse(source: str, terraform_type: str) -> tuple[Schema, str]:
    """The attributes of the type that a module of CDK for Terraform defines, and the provider's version."""
    classes = dict(_classes(source))
    resource = next((body for kind, body in classes.values() if kind == "TerraformResource"), None)
    version = _VERSION.search(source)
    if resource is None or version is None or f"'{terraform_type}'" not in resource:
        raise SchemaError(f"The module of {terraform_type} defines something else.")
    nesting: dict[str, set[str]] = {}
    for name, kind in _NESTED.findall(source):
        nesting.setdefault(name, set()).add(kind)
    return _attributes(resource, classes, nesting), version.group(1)


def _classes(source: str) -> Iterator[tuple[str, tuple[str, str]]]:
    found = list(_CLASS.finditer(source))
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(source)
        yield match.group(1), (match.group(2), source[match.start() : end])


def _attributes(body: str, classes: Mapping[str, tuple[str, str]], nesting: Mapping[str, set[str]]) -> Schema:
    schema: Schema = {}
    for _, kind, name in _SCALAR.findall(body):
        schema[name] = _KINDS.get(kind, "map" if kind.endswith("Map") else "any")
    for own, class_name, name in _MADE.findall(body):
        if name == "timeouts":
            continue
        if own:  # cdktf.StringMap and its like; a list of maps
            schema[name] = "list" if class_name.endswith("List") else "map"
        elif class_name in classes:
            schema[name] = _block(class_name, name, classes, nesting)
    return dict(sorted(schema.items()))


def _block(
    class_name: str, name: str, classes: Mapping[str, tuple[str, str]], nesting: Mapping[str, set[str]]
) -> list[Any]:
    kind, body = classes[class_name]
    if kind == "ComplexObject":
        # One block at most: a list of one in a plan, unless the attribute itself is an object.
        single = nesting.get(name) == {"struct"}
        return ["single" if single else "list", _attributes(body, classes, nesting)]
    item = _ITEM.search(body)
    if item is None:
        raise SchemaError(f"{class_name} holds nothing.")
    inner = _attributes(classes[item.group(1)][1], classes, nesting)
    if kind == "ComplexMap":
        return ["map", inner]
    return ["set" if "set" in nesting.get(name, ()) else "list", inner]


def read_package(path: Path, wanted: Mapping[str, frozenset[str]]) -> tuple[str, str, dict[str, Schema]]:
    """Of a package: its name and version, the provider's version, and the wanted types it has."""
    with tarfile.open(path) as package:
        manifest = json.load(package.extractfile("package/package.json"))  # type: ignore[arg-type]
        provider = str(manifest["name"]).rpartition("provider-")[2]
        prefix = PREFIXES.get(provider)
        if prefix is None:
            raise SchemaError(f"{path}: {manifest['name']} is none of the three providers' packages.")
        folders = {
            f"package/lib/{name.removeprefix(prefix).replace('_', '-')}": name
            for name in wanted
            if name.startswith(prefix)
        }
        sources: dict[str, list[str]] = {}
        for member in package:
            folder = member.name.removesuffix("/index.js").partition("/index-structs/")[0]
            if (name := folders.get(folder)) is not None and member.name.endswith(".js"):
                content = package.extractfile(member)
                assert content is not None
                sources.setdefault(name, []).append(content.read().decode())
    found: dict[str, Schema] = {}
    version = ""
    for name, files in sorted(sources.items()):
        whole, version = parse("\n".join(files), name)
        found[name] = {k: v if isinstance(v, str) or k in wanted[name] else v[0] for k, v in whole.items()}
    if missing := sorted(set(folders.values()) - found.keys()):
        raise SchemaError(f"{path}: the package has no module of {', '.join(missing)}.")
    return f"{manifest['name']} {manifest['version']}", f"{provider} {version}", found


def main(paths: list[str]) -> int:
    """Write the listing anew; 1 where a package does not hold what it should."""
    if not paths:
        print(__doc__)
        return 2
    wanted = types_of_views()
    sources: dict[str, str] = {}
    types: dict[str, Schema] = {}
    for path in paths:
        try:
            package, provider, found = read_package(Path(path), wanted)
        except (OSError, tarfile.TarError, KeyError, SchemaError) as error:
            print(f"{error}", file=sys.stderr)
            return 1
        sources[provider] = package
        types |= found
    lines = [f"    {json.dumps(name)}: {json.dumps(types[name])}" for name in sorted(types)]
    LISTING.write_text(
        f'{{\n  "providers": {json.dumps(sources)},\n  "types": {{\n' + ",\n".join(lines) + "\n  }\n}\n"
    )
    print(f"{len(types)} of {len(wanted)} types written to {LISTING.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
