"""The written pages: links lead somewhere, commands exist, files load, and nothing of one machine is told."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def tracked() -> list[Path]:
    """The files of the repository, or all but the hidden ones where there is no git."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file()]
    return [
        p
        for p in ROOT.rglob("*")
        if p.is_file() and not any(part.startswith(".") for part in p.relative_to(ROOT).parts)
    ]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+\s+(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_internal_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in LINK.findall(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), f"{page.name} links to {target}, which does not exist"
        if anchor:
            assert anchor in anchors(linked), f"{page.name} links to {target}: no such heading"


def test_the_commands_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = "".join((ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md"))
    targets = set(re.findall(r"`make ([a-z]+)", text)) | set(
        re.findall(r"^\s*(?:\$ )?make ([a-z]+)", text, re.MULTILINE)
    )
    assert {"demo", "test", "check"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"the Makefile has no target {target}"


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        if "reference" in page.parts:
            continue
        for block in re.findall(
            r"```(?:console|sh|bash)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
        ):
            for line in block.splitlines():
                if match := re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?watchstander ([a-z]+(?: [a-z]+)?)", line):
                    yield page.name, match[1]


def test_the_verbs_that_pages_show_exist() -> None:
    from daemon.cli.app import WORDS

    nouns = {word.name: set(word.load().commands) for word in WORDS if word.noun}  # type: ignore[union-attr]
    words = {word.name for word in WORDS}
    for page, command in commands():
        first, _, second = command.partition(" ")
        assert first in words, f"{page} shows `watchstander {command}`: there is no {first}"
        assert first not in nouns or second in nouns[first], f"{page} shows `watchstander {command}`"


def test_no_file_tells_of_the_machine_it_was_made_on() -> None:
    somewhere = re.compile(r"(?<![\w.])/" + r"(?:work|root|home/[a-z]+)/(?!\.\.)")
    told = []
    for path in tracked():
        if path.suffix in {".png", ".zst", ".db", ".bin"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if somewhere.search(line):
                told.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert told == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_have_hashes_and_no_host(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    for requirement in re.findall(r"^[a-z0-9].*?(?=^[a-z0-9#]|\Z)", text, re.MULTILINE | re.DOTALL):
        assert "==" in requirement.splitlines()[0]
        assert "--hash=sha256:" in requirement


def test_make_check_runs_the_import_contracts_and_the_types() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\ncheck:")[2].partition("\n\n")[0]
    assert all(
        tool in recipe for tool in ("lint-imports", "mypy", "ruff check", "ruff format --check", "pytest")
    )
