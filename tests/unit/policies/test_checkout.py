"""Git checkouts pinned to a commit: at another, or with other files, nothing is loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import PolicyCheckout, PolicySettings
from policies.engine import Limits
from policies.engines import Engines
from policies.errors import PolicyErrors
from policies.loader import load
from policies.pack import PolicySet

POLICY = """\
# METADATA
# custom: {id: acme.names, types: [t]}
package acme.names

deny contains "taken" if input.asset.name == "x"
"""
SENTINEL = 'param limit default 1\nimport "asset"\nmain = rule { asset.type is not "t" }\n'


@pytest.fixture(scope="module")
def engine() -> Iterator[Engines]:
    engine = Engines(Limits(workers=1))
    yield engine
    engine.close()


class Repository:
    """A checkout with a commit that is tagged ``v1``."""

    def __init__(self, top: Path, *, format: str = "sha1") -> None:
        self.top = top
        self.policies = top / "acme"
        self.policies.mkdir(parents=True)
        (self.policies / "names.rego").write_text(POLICY)
        (self.policies / "README.md").write_text("ours")
        self.git("init", "--quiet", "--initial-branch=main", f"--object-format={format}")
        self.commit()
        self.git("tag", "v1")

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", "-C", str(self.top), *who, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "checkout")


def pinned(engine: Engines, path: Path, ref: str = "v1") -> PolicySet:
    checkouts = {"acme": PolicyCheckout(path=path, ref=ref)}
    return load(PolicySettings(packs=(), checkouts=checkouts), engine)


def refusals(engine: Engines, path: Path, ref: str = "v1") -> list[str]:
    with pytest.raises(PolicyErrors) as caught:
        pinned(engine, path, ref)
    return [str(error) for error in caught.value.errors]


def test_policies_are_loaded_at_their_commit_by_whatever_names_it(
    engine: Engines, repository: Repository
) -> None:
    commit = repository.git("rev-parse", "HEAD")
    for ref in ("v1", "main", commit, commit[:10]):
        found = pinned(engine, repository.policies, ref)
        assert found.checkouts == {"acme": commit}
        assert found.by_id("acme.names").commit == commit
    (repository.policies / "notes.txt").write_text("What is no policy may lie there.")
    assert len(pinned(engine, repository.policies / "names.rego")) == 1


def test_hashes_by_sha_256_are_compared_too(engine: Engines, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "checkout", format="sha256")
    assert len(pinned(engine, repository.policies).checkouts["acme"]) == 64
    (repository.policies / "names.rego").write_text(POLICY + "\n")
    assert len(refusals(engine, repository.policies)) == 1


def test_another_commit_is_refused_with_what_to_do(engine: Engines, repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD")
    second = repository.commit()
    path = repository.policies
    (refusal,) = refusals(engine, path)
    assert refusal == (
        f"policies.checkouts.acme.ref: the checkout {path} is at commit {second[:12]}, not at v1 ({first[:12]}) "
        f"Check it out (`git -C {path} checkout v1`), or name the commit that is meant."
    )
    (refusal,) = refusals(engine, path, "v2")
    assert refusal == (
        f"policies.checkouts.acme.ref: v2 names no one commit in the checkout {path}, which is at {second[:12]} "
        "Fetch it (Watchstander fetches nothing), or write a short hash out in full."
    )


def test_what_is_no_checkout_is_refused(engine: Engines, tmp_path: Path) -> None:
    (tmp_path / "names.rego").write_text(POLICY)
    (refusal,) = refusals(engine, tmp_path)
    assert refusal.startswith(f"policies.checkouts.acme.ref: {tmp_path}: not a git repository")
    (refusal,) = refusals(engine, tmp_path / "gone")
    assert refusal.startswith("policies.checkouts.acme.path: there is no such file or folder")


def changed(repository: Repository) -> Path:
    file = repository.policies / "names.rego"
    file.write_text(POLICY.replace('"x"', '"y"'))
    return file


def changed_and_hidden(repository: Repository) -> Path:
    repository.git("update-index", "--assume-unchanged", "acme/names.rego")
    return changed(repository)


def gone(repository: Repository) -> Path:
    file = repository.policies / "README.md"
    file.unlink()
    return file


def staged_only(repository: Repository) -> Path:
    file = changed(repository)
    repository.git("add", "--all")
    return file


def made_a_link(repository: Repository) -> Path:
    file = repository.policies / "names.rego"
    file.rename(repository.policies / "kept.txt")
    file.symlink_to("kept.txt")
    return file


def untracked(repository: Repository) -> Path:
    file = repository.policies / "pack.yaml"
    file.write_text("absent_block: 'null'\n")
    return file


def untracked_and_ignored(repository: Repository) -> Path:
    (repository.top / ".git" / "info" / "exclude").write_text("*.rego\n")
    file = repository.policies / "library.rego"
    file.write_text("package lib\n")
    return file


def replaced_object(repository: Repository) -> Path:
    file = changed(repository)
    other = repository.git("hash-object", "-w", str(file))
    repository.git("replace", repository.git("rev-parse", "HEAD:acme/names.rego"), other)
    return file


def around_it(repository: Repository) -> Path:
    file = repository.top / "pack.yaml"
    file.write_text("phase: recovery\n")
    return file


@pytest.mark.parametrize(
    "change",
    [
        changed,
        changed_and_hidden,
        gone,
        staged_only,
        made_a_link,
        untracked,
        untracked_and_ignored,
        replaced_object,
        around_it,
    ],
)
def test_files_that_are_not_the_commits_are_refused(
    engine: Engines, repository: Repository, change: Callable[[Repository], Path]
) -> None:
    file = change(repository)
    assert any(refusal.startswith(f"{file}: is ") for refusal in refusals(engine, repository.policies))


@pytest.mark.parametrize("relative", ["modules/rules.txt", "../rules.txt"])
def test_a_policy_set_takes_its_sources_from_the_commit(
    engine: Engines, repository: Repository, relative: str
) -> None:
    """What a set names may be called anything and lie anywhere."""
    source = repository.policies / relative
    source.parent.mkdir(exist_ok=True)
    source.write_text(SENTINEL)
    pack = 'policies:\n  p:\n    types: ["t"]\n'
    (repository.policies / "names.rego").unlink()
    (repository.policies / "pack.yaml").write_text(pack)
    (repository.policies / "sentinel.hcl").write_text(f'policy "p" {{\n  source = "./{relative}"\n}}\n')
    (repository.top / ".gitignore").write_text("*.txt\n")
    repository.commit()
    told = refusals(engine, repository.policies, "main")
    assert any("rules.txt: is no file that commit" in refusal for refusal in told)


def test_nothing_the_repository_names_is_run(
    engine: Engines, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    program.chmod(0o755)
    (repository.policies / ".gitattributes").write_text("* filter=f diff=f\n")
    repository.commit()
    for name in ("core.fsmonitor", "filter.f.clean", "filter.f.process", "diff.f.textconv", "core.pager"):
        repository.git("config", name, str(program))
    hook = repository.top / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    shutil.copy(program, hook)
    os.utime(repository.policies / "names.rego", (1, 1))
    ran.unlink(missing_ok=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert len(pinned(engine, repository.policies, "main")) == 1
    assert not ran.exists()
    monkeypatch.delenv("GIT_DIR")
    repository.git("status")
    assert ran.exists(), "the repository would have run it"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_checkout_may_be_another_users(engine: Engines, repository: Repository) -> None:
    for file in (repository.top, *repository.top.rglob("*")):
        os.chown(file, 12345, 12345)
    assert len(pinned(engine, repository.policies)) == 1


def test_without_git_it_is_said(
    engine: Engines, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository.top))
    assert refusals(engine, repository.policies) == [
        "policies.checkouts.acme.ref: the git command is not installed It is what tells at which commit a checkout is."
    ]


@pytest.mark.parametrize("ref", ["", "HEAD", "-q", "v1^", "main@{1}", "a..b", "v1:acme", "a b"])
def test_a_ref_is_a_name_and_no_expression(ref: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="write a commit, a tag or a branch"):
        PolicyCheckout(path=tmp_path, ref=ref)
