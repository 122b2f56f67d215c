"""A syntax tree back to text: what parses to the same tree again. Used in messages and to test the parser."""

from __future__ import annotations

from typing import Final

from policies.sentinel import nodes

_ESCAPES: Final = {0x07: "\\a", 0x08: "\\b", 0x0C: "\\f", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x0B: "\\v"}
_WRITTEN: Final = {"==": "is", "!=": "is not"}
_INDENT: Final = "\t"


def quoted(value: bytes) -> str:
    """A string literal for the bytes."""
    made = ['"']
    for byte in value:
        if byte in _ESCAPES:
            made.append(_ESCAPES[byte])
        elif byte in {0x22, 0x5C}:
            made.append("\\" + chr(byte))
        elif 0x20 <= byte < 0x7F:
            made.append(chr(byte))
        else:
            made.append(f"\\x{byte:02x}")
    return "".join(made) + '"'


def show(node: nodes.Expression) -> str:
    """An expression as source text, in one line where it holds no function."""
    if isinstance(node, nodes.Literal):
        return _literal(node.value)
    if isinstance(node, nodes.UndefinedLiteral):
        return "undefined"
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.ListLiteral):
        return "[" + ", ".join(map(show, node.items)) + "]"
    if isinstance(node, nodes.MapLiteral):
        return "{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in node.items) + "}"
    if isinstance(node, nodes.Unary | nodes.Chain):
        return _operators(node)
    if isinstance(node, nodes.Select | nodes.Index | nodes.Slice | nodes.Call):
        return _postfix(node)
    return _block_form(node)


def _literal(value: bool | int | float | bytes | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return quoted(value)
    return repr(value)


def _operand(node: nodes.Expression) -> str:
    """Where only a primary expression may stand."""
    text = show(node)
    bare = isinstance(
        node, nodes.Name | nodes.Select | nodes.Index | nodes.Slice | nodes.Call | nodes.ListLiteral
    )
    return text if bare else f"({text})"


def _operators(node: nodes.Unary | nodes.Chain) -> str:
    if isinstance(node, nodes.Unary):
        return f"{node.operator}{_operand(node.operand)}"
    parts = [_operand(node.first)]
    for link in node.links:
        if isinstance(link, nodes.State):
            parts.append(f"is {'not ' if link.negated else ''}{link.what}")
        else:
            parts.append(f"{_WRITTEN.get(link.operator, link.operator)} {_operand(link.operand)}")
    return " ".join(parts)


def _postfix(node: nodes.Select | nodes.Index | nodes.Slice | nodes.Call) -> str:
    if isinstance(node, nodes.Select):
        return f"{_operand(node.object)}.{node.name}"
    if isinstance(node, nodes.Index):
        return f"{_operand(node.object)}[{show(node.index)}]"
    if isinstance(node, nodes.Call):
        return f"{_operand(node.function)}({', '.join(map(show, node.arguments))})"
    low = show(node.low) if node.low is not None else ""
    high = show(node.high) if node.high is not None else ""
    return f"{_operand(node.object)}[{low}:{high}]"


def _block_form(node: nodes.FunctionLiteral | nodes.RuleLiteral | nodes.Quantifier) -> str:
    if isinstance(node, nodes.RuleLiteral):
        when = f"when {show(node.predicate)} " if node.predicate is not None else ""
        return f"rule {when}{{ {show(node.body)} }}"
    if isinstance(node, nodes.Quantifier):
        return f"{node.kind} {_operand(node.over)} as {', '.join(node.names)} {{ {show(node.body)} }}"
    return f"func({', '.join(node.parameters)}) {_block(node.body, '')}"


def _block(body: nodes.Block, indent: str) -> str:
    inner = "".join(f"{indent}{_INDENT}{_statement(s, indent + _INDENT)}\n" for s in body)
    return "{\n" + inner + indent + "}"


def _statement(node: nodes.Statement, indent: str) -> str:
    if isinstance(node, nodes.Assign):
        return f"{show(node.target)} {node.operator}= {show(node.value)}"
    if isinstance(node, nodes.FunctionDeclaration):
        head = f"func {node.name}({', '.join(node.function.parameters)}) "
        return head + _block(node.function.body, indent)
    if isinstance(node, nodes.If):
        text = " else ".join(f"if {show(c)} {_block(b, indent)}" for c, b in node.branches)
        return text + (f" else {_block(node.otherwise, indent)}" if node.otherwise is not None else "")
    if isinstance(node, nodes.For):
        return f"for {_operand(node.over)} as {', '.join(node.names)} {_block(node.body, indent)}"
    if isinstance(node, nodes.Case):
        return _case(node, indent)
    if isinstance(node, nodes.Return):
        return f"return {show(node.value)}"
    if isinstance(node, nodes.Do):
        return show(node.value)
    return "break" if isinstance(node, nodes.Break) else "continue"


def _case(node: nodes.Case, indent: str) -> str:
    subject = f"{_operand(node.subject)} " if node.subject is not None else ""
    lines = [f"case {subject}{{"]
    for clause in node.clauses:
        head = f"when {', '.join(map(show, clause.expressions))}:" if clause.expressions else "else:"
        lines.append(indent + head)
        lines.extend(f"{indent}{_INDENT}{_statement(s, indent + _INDENT)}" for s in clause.body)
    return "\n".join([*lines, indent + "}"])


def unparse(program: nodes.Program) -> str:
    """A whole program as source text: ``parse(unparse(p)) == p``."""
    lines = [f"import {quoted(i.name.encode())} as {i.alias}" for i in program.imports]
    for parameter in program.parameters:
        default = f" default {show(parameter.default)}" if parameter.default is not None else ""
        lines.append(f"param {parameter.name}{default}")
    lines.extend(_statement(s, "") for s in program.body)
    return "\n".join(lines) + "\n"
