"""The statement half of the parser, and the one way in: :func:`parse`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from policies.sentinel import nodes
from policies.sentinel.expressions import ExpressionParser
from policies.sentinel.lexer import syntax_error
from policies.sentinel.tokens import At, Kind

ASSIGNMENTS: Final = frozenset({"=", "+=", "-=", "*=", "/=", "%="})
PREDECLARED: Final = frozenset(
    {
        "append",
        "bool",
        "compare",
        "delete",
        "error",
        "float",
        "int",
        "keys",
        "length",
        "print",
        "range",
        "string",
        "values",
    }
)


class Parser(ExpressionParser):
    """Reads one source: imports, parameters, statements."""

    def program(self) -> nodes.Program:
        """The whole source."""
        at = self._now.at
        imports: list[nodes.Import] = []
        parameters: list[nodes.Parameter] = []
        self._skip_semicolons()
        while self._is("import"):
            imports.append(self._import(imports))
            self._end_of_statement()
        while self._is("param"):
            parameters.append(self._parameter(imports, parameters))
            self._end_of_statement()
        body: list[nodes.Statement] = []
        while self._now.kind is not Kind.END:
            body.append(self._statement())
            self._end_of_statement()
        return nodes.Program(tuple(imports), tuple(parameters), tuple(body), at=at)

    def _end_of_statement(self) -> None:
        if self._now.kind not in {Kind.SEMICOLON, Kind.END} and not self._is("}"):
            self._unexpected("the end of the statement")
        self._skip_semicolons()

    def _import(self, before: list[nodes.Import]) -> nodes.Import:
        at = self._next().at
        if self._now.kind is not Kind.STRING:
            self._unexpected("the name of an import, in quotes")
        token = self._next()
        assert isinstance(token.value, bytes)
        name = token.value.decode(errors="backslashreplace")
        alias = name
        if self._take("as"):
            alias = self._name("a name").text
        elif not name.isidentifier():
            self._fail(
                f'the import "{name}" needs a name', token.at, f'write: import "{name}" as {_suggested(name)}'
            )
        for other in before:
            if other.name == name:
                self._fail(f'"{name}" is imported twice', at, f"the first is in line {other.at.line}")
            if other.alias == alias:
                self._fail(f'two imports are called "{alias}"', at, 'give one another name with "as"')
        return nodes.Import(name, alias, at=at)

    def _parameter(self, imports: list[nodes.Import], before: list[nodes.Parameter]) -> nodes.Parameter:
        self._next()
        token = self._name("the name of a parameter")
        name = token.text
        if name in PREDECLARED:
            self._fail(f'the parameter "{name}" has the name of a built-in function', token.at)
        if any(i.alias == name for i in imports):
            self._fail(f'the parameter "{name}" has the name of an import', token.at)
        if any(p.name == name for p in before):
            self._fail(f'the parameter "{name}" is declared twice', token.at)
        default = None
        if self._take("default"):
            default = self._expression()
            self._check_constant(default)
        return nodes.Parameter(name, default, at=token.at)

    def _check_constant(self, node: nodes.Expression) -> None:
        """A parameter's default is a literal: its tree was bounded in depth when it was read."""
        if isinstance(node, nodes.ListLiteral):
            for item in node.items:
                self._check_constant(item)
        elif isinstance(node, nodes.MapLiteral):
            for key, value in node.items:
                self._check_constant(key)
                self._check_constant(value)
        else:
            inner = node.operand if isinstance(node, nodes.Unary) and node.operator in {"+", "-"} else node
            number = isinstance(inner, nodes.Literal) and type(inner.value) in {int, float}
            if not (number or (inner is node and isinstance(node, nodes.Literal) and node.value is not None)):
                self._fail(
                    "a parameter's default must be a literal",
                    node.at,
                    "numbers, strings, booleans, lists, maps",
                )

    # Statements.

    def _block(self) -> nodes.Block:
        brace = self._expect("{")
        body: list[nodes.Statement] = []
        with self._nested(brace.at):
            self._skip_semicolons()
            while not self._take("}"):
                if self._now.kind is Kind.END:
                    self._unexpected('"}"')
                body.append(self._statement())
                self._end_of_statement()
        return tuple(body)

    def _statement(self) -> nodes.Statement:
        token = self._now
        if token.kind is Kind.WORD:
            made = self._worded(token.text, token.at)
            if made is not None:
                return made
        target = self._expression()
        now = self._now
        if now.kind is not Kind.MARK or now.text not in ASSIGNMENTS:
            return nodes.Do(target, at=token.at)
        if isinstance(target, nodes.Select):
            hint = f'write the index form: …["{target.name}"] = …'
            self._fail("a selector cannot be assigned to", now.at, hint)
        if isinstance(target, nodes.Literal | nodes.UndefinedLiteral):
            self._fail("a constant cannot be assigned to", now.at)
        if not isinstance(target, nodes.Name | nodes.Index):
            self._fail("only a name or an index can be assigned to", now.at, 'a comparison is written "=="')
        self._next()
        return nodes.Assign(target, now.text[:-1], self._expression(), at=token.at)

    def _worded(self, word: str, at: At) -> nodes.Statement | None:
        if word == "if":
            return self._if()
        if word == "for":
            return self._for()
        if word == "case":
            return self._case()
        if word == "func" and self._peek().kind is Kind.NAME:
            self._next()
            name = self._name("the name of the function").text
            return nodes.FunctionDeclaration(name, self._function_from(at), at=at)
        if word in {"break", "continue"}:
            if not self._loops:
                self._fail(f'"{word}" stands outside a loop', at)
            self._next()
            return nodes.Break(at=at) if word == "break" else nodes.Continue(at=at)
        if word == "return":
            if not self._functions:
                self._fail('"return" stands outside a function', at)
            self._next()
            if self._now.kind in {Kind.SEMICOLON, Kind.END} or self._is("}"):
                self._unexpected("a value to return", 'write "return undefined" where there is none')
            return nodes.Return(self._expression(), at=at)
        if word == "import":
            self._fail("an import stands at the top of the file, before everything else", at)
        if word == "param":
            self._fail("a parameter is declared at the top of the file, after the imports", at)
        return None

    def _if(self) -> nodes.If:
        at = self._now.at
        branches: list[tuple[nodes.Expression, nodes.Block]] = []
        while True:
            self._expect("if")
            condition = self._expression()
            branches.append((condition, self._block()))
            if not self._take("else"):
                return nodes.If(tuple(branches), None, at=at)
            if not self._is("if"):
                return nodes.If(tuple(branches), self._block(), at=at)

    def _for(self) -> nodes.For:
        at = self._next().at
        over = self._subject()
        names = self._names()
        self._loops += 1
        body = self._block()
        self._loops -= 1
        return nodes.For(over, names, body, at=at)

    def _case(self) -> nodes.Case:
        at = self._next().at
        subject = None if self._is("{") else self._expression()
        clauses: list[nodes.Clause] = []
        with self._nested(self._now.at):
            self._expect("{")
            self._skip_semicolons()
            while not self._take("}"):
                clauses.append(self._clause(clauses))
        return nodes.Case(subject, tuple(clauses), at=at)

    def _clause(self, before: list[nodes.Clause]) -> nodes.Clause:
        at = self._now.at
        expressions: list[nodes.Expression] = []
        if self._take("else"):
            if any(not clause.expressions for clause in before):
                self._fail('a case has one "else"', at)
        else:
            self._expect("when", '"when", "else" or "}"')
            expressions.append(self._expression())
            while self._take(","):
                expressions.append(self._expression())
        self._expect(":")
        body: list[nodes.Statement] = []
        self._skip_semicolons()
        while not (self._is("when") or self._is("else") or self._is("}")):
            if self._now.kind is Kind.END:
                self._unexpected('"}"')
            body.append(self._statement())
            self._end_of_statement()
        return nodes.Clause(tuple(expressions), tuple(body), at=at)

    def _function_from(self, at: At) -> nodes.FunctionLiteral:
        self._expect("(")
        parameters: list[str] = []
        while not self._take(")"):
            token = self._name("the name of a parameter")
            if token.text in parameters:
                self._fail(f'the parameter "{token.text}" is named twice', token.at)
            parameters.append(token.text)
            if not self._take(",") and not self._is(")"):
                self._unexpected('"," or ")"')
        loops, self._loops = self._loops, 0
        self._functions += 1
        body = self._block()
        self._functions -= 1
        self._loops = loops
        return nodes.FunctionLiteral(tuple(parameters), body, at=at)


def _suggested(name: str) -> str:
    first = name.split("/", maxsplit=1)[0]
    return first if first.isidentifier() else "name"


def parse(source: str, path: Path) -> nodes.Program:
    """The syntax tree of a source. Raises PolicySyntaxError with file, line and column, and never anything else."""
    try:
        return Parser(source, path).program()
    except RecursionError:
        # The nesting limit keeps clear of this, unless the caller has used up the stack already.
        raise syntax_error(path, None, "the source nests too deeply to be read here") from None
