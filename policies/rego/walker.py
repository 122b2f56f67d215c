"""Walks a module's syntax tree for what it declares, calls, refers to and reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from policies.engine import Module, Rule, RuleKind
from policies.errors import Position

_KINDS: Final = {
    "Compr": RuleKind.COMPLETE,
    "Set": RuleKind.PARTIAL_SET,
    "Func": RuleKind.FUNCTION,
}
_ASKED: Final = re.compile(r"(deny|violation|warn|allow|unknown|reasons?)(_\w+)*")
"""Rules that are asked for their value: what they are given is read."""
INVENTORY: Final = ("data", "inventory")


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference: its root variable and the constant parts up to the first that is not constant."""

    root: str
    parts: tuple[str, ...]
    closed: bool
    """Whether something not constant followed."""


@dataclass(slots=True)
class Facts:
    """Gathered while walking."""

    reads: set[tuple[str, ...]] = field(default_factory=set)
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)
    joins: set[str] = field(default_factory=set)
    asset_types: set[str] = field(default_factory=set)
    null_blocks: bool = False
    names: set[str] = field(default_factory=set)
    """Variables used as roots: what a rule may call or refer to in its own package."""


class Walker:
    """Walks one module's tree."""

    def __init__(self, module: Module, ast: Mapping[str, Any]) -> None:
        self._path = module.path
        self._source = module.text.encode()
        self._ast = ast
        reference = self.ref(ast["package"]["refr"])
        assert reference is not None
        self.package = ".".join((reference.root, *reference.parts))
        self.rules = tuple(self._rules())
        self.facts = Facts()
        self.aliases: dict[str, set[Ref]] = {}
        """Module-wide names for a path: imports and constant rules."""
        self.uses: dict[str, set[str]] = {}
        """Rule -> names it refers to, for finding recursion."""
        self._local: dict[str, set[Ref]] = {}

    # Declarations

    def _rules(self) -> Iterator[Rule]:
        for rule in self._ast["rules"]:
            head = rule["Spec"]["head"] if "Spec" in rule else None
            kind, body = next(iter(head.items())) if head else ("Compr", rule["Default"])
            reference = self.ref(body["refr"])
            if reference is None:
                continue
            shape = _KINDS.get(kind, RuleKind.COMPLETE)
            if kind == "Compr" and ("RefBrack" in body["refr"] or reference.parts):
                shape = RuleKind.PARTIAL_OBJECT
            if not head and body.get("args"):
                shape = RuleKind.FUNCTION
            name = (
                ".".join((reference.root, *reference.parts)) if shape is RuleKind.FUNCTION else reference.root
            )
            span = body["refr"]
            position = self._position(span)
            yield Rule(
                package=self.package,
                name=name,
                kind=shape,
                position=position,
                arity=len(body.get("args") or ()),
            )

    def _position(self, node: Mapping[str, Any]) -> Position:
        inner: Any = node
        while "span" not in inner or "refr" in inner:
            inner = inner["refr"] if "refr" in inner else next(iter(inner.values()))
        return Position(self._path, inner["span"]["line"], inner["span"]["col"])

    def _slice(self, span: Mapping[str, Any]) -> str:
        return self._source[span["start"] : span["end"]].decode("utf-8", "replace")

    # Walking

    def walk(self) -> Facts:
        """Everything below the package line."""
        for item in self._ast["imports"]:
            self._import(item)
        for rule in self._ast["rules"]:
            self._constant(rule)
        for rule in self._ast["rules"]:
            self._rule(rule)
        return self.facts

    def _import(self, item: Mapping[str, Any]) -> None:
        reference = self.ref(item["refr"])
        if reference is None or reference.root not in ("input", "data"):
            return
        name = self._slice(item["as"]) if item.get("as") else (reference.parts or (reference.root,))[-1]
        self.aliases.setdefault(name, set()).add(reference)
        if reference.root == "data":
            self.facts.packages.add(".".join(reference.parts))

    def _constant(self, rule: Mapping[str, Any]) -> None:
        """``bucket := input.resource.aws_s3_bucket.main`` at the top: a name for a path."""
        spec = rule.get("Spec")
        if not spec or spec["bodies"] or "Compr" not in spec["head"]:
            return
        head = spec["head"]["Compr"]
        name = head["refr"].get("Var", {}).get("value")
        reference = self.ref((head.get("assign") or {}).get("value") or {})
        if name and not _ASKED.fullmatch(name) and reference is not None and self._rooted(reference):
            self.aliases.setdefault(name, set()).update(self._resolve(reference))

    def _rule(self, rule: Mapping[str, Any]) -> None:
        body = rule.get("Spec") or rule["Default"]
        self._local = {}
        # Twice, so that a name given to a name is known whatever their order.
        for _ in range(2):
            self._name_paths(body)
        before = set(self.facts.names)
        self.facts.names = set()
        if "Spec" in rule:
            head = next(iter(body["head"].values()))
            is_alias = not body["bodies"] and head["refr"].get("Var", {}).get("value") in self.aliases
            if not is_alias:
                self._visit({k: v for k, v in head.items() if k != "refr"})
                self._visit(body["bodies"])
            owner = self.ref(head["refr"])
        else:
            self._visit(body.get("value"))
            owner = self.ref(body["refr"])
        if owner is not None:
            hidden = _declared(body)
            self.uses.setdefault(owner.root, set()).update(self.facts.names - hidden)
        self.facts.names |= before

    def _name_paths(self, node: Any) -> None:
        """Find ``x := input.a.b`` in a rule: from then on ``x.c`` is ``input.a.b.c``."""
        if isinstance(node, list):
            for item in node:
                self._name_paths(item)
        elif isinstance(node, dict):
            assign = node.get("AssignExpr")
            if assign and (name := assign["lhs"].get("Var", {}).get("value")):
                reference = self.ref(assign["rhs"])
                if reference is not None and self._rooted(reference):
                    self._local.setdefault(name, set()).update(self._resolve(reference))
            for key, item in node.items():
                if key != "span":
                    self._name_paths(item)

    def _rooted(self, reference: Ref) -> bool:
        return reference.root in ("input", "data") or reference.root in self._all_aliases(reference.root)

    def _all_aliases(self, name: str) -> Mapping[str, set[Ref]]:
        return self._local if name in self._local else self.aliases

    def _resolve(self, reference: Ref) -> set[Ref]:
        """The references with names replaced by the paths they stand for."""
        if reference.root in ("input", "data"):
            return {reference}
        found = set()
        for base in self._all_aliases(reference.root).get(reference.root, ()):
            if base.closed:
                found.add(base)
            else:
                found.add(Ref(base.root, base.parts + reference.parts, reference.closed))
        return found or {reference}

    def ref(self, node: Mapping[str, Any]) -> Ref | None:
        """A chain of selectors rooted at a variable; None for any other expression."""
        parts: list[str | None] = []
        while True:
            if "RefDot" in node:
                parts.append(node["RefDot"]["field"][1])
                node = node["RefDot"]["refr"]
            elif "RefBrack" in node:
                parts.append(_constant_text(node["RefBrack"]["index"]))
                node = node["RefBrack"]["refr"]
            elif "Var" in node:
                break
            else:
                return None
        parts.reverse()
        constant: list[str] = []
        for part in parts:
            if part is None:
                return Ref(node["Var"]["value"], tuple(constant), closed=True)
            constant.append(part)
        return Ref(node["Var"]["value"], tuple(constant), closed=False)

    def _visit(self, node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                self._visit(item)
            return
        if not isinstance(node, dict):
            return
        reference = self.ref(node)
        if reference is not None:
            self._note(reference)
            self._indices(node)
            return
        for key, item in node.items():
            if key == "span":
                continue
            if key == "Call":
                self._call(item)
            elif key == "AssignExpr" and self._is_name(item):
                continue
            elif key == "with_mods":
                self._visit([modifier["as"] for modifier in item])
            else:
                if key == "BoolExpr":
                    self._compare(item)
                self._visit(item)

    def _is_name(self, assign: Mapping[str, Any]) -> bool:
        """Whether an assignment only names a path: what is read is what its name is used for."""
        name = assign["lhs"].get("Var", {}).get("value")
        reference = self.ref(assign["rhs"])
        if name not in self._local or reference is None or not self._rooted(reference):
            return False
        self._indices(assign["rhs"])
        if reference.closed:
            self._note(reference)
        return True

    def _indices(self, node: Mapping[str, Any]) -> None:
        """Expressions inside brackets read too: ``a[input.x]``."""
        while True:
            if "RefDot" in node:
                node = node["RefDot"]["refr"]
            elif "RefBrack" in node:
                self._visit(node["RefBrack"]["index"])
                node = node["RefBrack"]["refr"]
            else:
                return

    def _note(self, reference: Ref) -> None:
        self.facts.names.add(reference.root)
        for found in self._resolve(reference):
            if found.root == "input":
                self.facts.reads.add(found.parts)
            elif found.root == "data":
                self._note_data(found)

    def _note_data(self, found: Ref) -> None:
        if (found.root, *found.parts[:1]) == INVENTORY:
            self.facts.joins.add(found.parts[1] if len(found.parts) > 1 else "*")
        elif not found.parts:
            self.facts.joins.add("*")
        else:
            self.facts.packages.add(".".join(found.parts))
            own = tuple(self.package.split("."))
            if found.parts[: len(own)] == own and len(found.parts) > len(own):
                name, rest = found.parts[len(own)], found.parts[len(own) + 1 :]
                self.facts.names.add(name)
                if name in self.aliases:
                    self._note(Ref(name, rest, found.closed))

    def _call(self, call: Mapping[str, Any]) -> None:
        reference = self.ref(call["fcn"])
        parameters = call["params"]
        if reference is None:
            self._visit(call["fcn"])
            self._visit(parameters)
            return
        aliases = self._resolve(reference)
        resolved = next(iter(aliases)) if aliases else reference
        name = ".".join((resolved.root, *resolved.parts))
        own = f"data.{self.package}."
        if name.startswith(own):
            name = name.removeprefix(own)
        elif resolved.root == "data":
            self.facts.packages.add(".".join(resolved.parts))
        self.facts.calls.append((name, call))
        self.facts.names.add(name.split(".")[0])
        if name == "object.get" and len(parameters) == 3 and self._object_get(parameters):
            return
        if name == "is_null" and parameters:
            self._null_block(parameters[0])
        self._visit(parameters)

    def _object_get(self, parameters: Sequence[Mapping[str, Any]]) -> bool:
        """``object.get(input.asset.document, "Logging", null)`` reads one field, not the document."""
        base = self.ref(parameters[0])
        keys = _constant_keys(parameters[1])
        if base is None or base.closed or keys is None or not self._rooted(base):
            return False
        self._note(Ref(base.root, base.parts + keys, closed=False))
        self._indices(parameters[0])
        self._visit(parameters[2])
        return True

    def _compare(self, comparison: Mapping[str, Any]) -> None:
        for one, other in ((comparison["lhs"], comparison["rhs"]), (comparison["rhs"], comparison["lhs"])):
            if "Null" in one:
                self._null_block(other)
            text = _constant_text(one)
            reference = self.ref(other)
            if text is not None and reference is not None and comparison["op"] == "Eq":
                for found in self._resolve(reference):
                    if found == Ref("input", ("asset", "type"), closed=False):
                        self.facts.asset_types.add(text)

    def _null_block(self, node: Mapping[str, Any]) -> None:
        """An item of a block compared with null: ``input.resource.aws_s3_bucket.main.logging[_] == null``."""
        if "RefBrack" not in node or _constant_text(node["RefBrack"]["index"]) is not None:
            return
        reference = self.ref(node)
        if reference is not None and any(
            found.root == "input" and found.parts[:1] == ("resource",) for found in self._resolve(reference)
        ):
            self.facts.null_blocks = True


def _constant_text(node: Mapping[str, Any]) -> str | None:
    for kind in ("String", "RawString"):
        if kind in node:
            return str(node[kind]["value"])
    return None


def _constant_keys(node: Mapping[str, Any]) -> tuple[str, ...] | None:
    text = _constant_text(node)
    if text is not None:
        return (text,)
    if "Array" in node:
        keys = [_constant_text(item) for item in node["Array"]["items"]]
        if keys and all(key is not None for key in keys):
            return tuple(key for key in keys if key is not None)
    return None


def _declared(node: Any) -> set[str]:
    """Variables a rule declares itself (``x := …``, arguments, ``some x in``): they hide rules of the same name."""
    found: set[str] = set()
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, dict):
            for key in ("lhs", "args", "key", "value"):
                inner = item.get(key)
                for var in inner if isinstance(inner, list) else [inner]:
                    if isinstance(var, dict) and "Var" in var and key != "value":
                        found.add(str(var["Var"]["value"]))
            if "SomeIn" in item and "Var" in item["SomeIn"]["value"]:
                found.add(str(item["SomeIn"]["value"]["Var"]["value"]))
            stack.extend(value for key, value in item.items() if key != "span")
    return found
