"""OPA bundles and checkouts of other people: what is read, what is refused, and that nothing reaches outside."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import PolicySettings
from policies.bundle import MOST_BYTES, read_bundle
from policies.engine import Limits
from policies.errors import PolicyErrors
from policies.evaluate import Judge
from policies.loader import load, load_paths
from policies.rego.engine import RegorusEngine
from policies.subject import Subject
from providers.resource import Resource, ResourceRef

NOW = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = """\
# METADATA
# custom: {id: acme.names, types: [t]}
package acme.names

deny contains sprintf("%s is taken", [input.asset.name]) if input.asset.name in data.acme.taken
deny contains "limit" if data.parameters.limit < 5
"""
FILES = {
    ".manifest": json.dumps({"revision": "r1", "roots": ["acme", "parameters"]}),
    "data.json": json.dumps({"parameters": {"limit": 9}, "acme": {"more": 1}}),
    "acme/data.json": json.dumps({"taken": ["x"]}),
    "acme/names.rego": POLICY,
    "acme/names_test.rego": "package acme.names\ntest_x if true\n",
    ".signatures.json": "{}",
    "policy.wasm": "\0asm",
}


@pytest.fixture(scope="module")
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine(Limits(workers=1)) as engine:
        yield engine


def pack(path: Path, files: Mapping[str, str | bytes], *more: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in more:
            tar.addfile(info)
    return path


def unpacked(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def wrong(path: Path, engine: RegorusEngine) -> list[str]:
    with pytest.raises(PolicyErrors) as caught:
        load_paths([path], engine)
    return [str(e.message).replace(str(path), "B") for e in caught.value.errors]


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "folder"])
@pytest.mark.parametrize("slash", ["", "/"], ids=["plain", "as-opa-builds"])
def test_a_bundle_brings_policies_and_their_data(
    engine: RegorusEngine, tmp_path: Path, *, packed: bool, slash: str
) -> None:
    if packed:
        path = pack(tmp_path / "acme.tar.gz", {slash + name: text for name, text in FILES.items()})
    else:
        path = unpacked(tmp_path / "acme", FILES)
    settings = PolicySettings(packs=(), paths=(path,))
    policies = load(settings, engine)
    (policy,) = policies.policies
    assert (policy.id, policy.pack, policy.path) == ("acme.names", "acme", path / "acme/names.rego")
    assert policy.parameters == {"limit": 9}
    ref = ResourceRef(provider="aws", account="1", region="eu", type="t", uid="u")
    subject = Subject(resource=Resource(ref=ref, name="x", document={}))
    with Judge(policies, settings, engine=engine) as judge:
        assert [v.text for v in judge.judge([subject], now=NOW)] == ["x is taken"]
    other = load(settings.model_copy(update={"parameters": {"acme": {"limit": 1}}}), engine)
    with Judge(other, settings, engine=engine) as judge:
        assert [v.text for v in judge.judge([subject], now=NOW)] == ["limit; x is taken"]
    assert other.digest != policies.digest


def test_data_is_part_of_the_digest(engine: RegorusEngine, tmp_path: Path) -> None:
    one = load_paths([pack(tmp_path / "acme.tar.gz", FILES)], engine).digest
    more = {**FILES, "acme/data.json": '{"taken": ["y"]}'}
    assert load_paths([pack(tmp_path / "acme.tar.gz", more)], engine).digest != one


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        ({"acme/names.rego": POLICY + "deny contains 1 if nope(1)\n"}, ["B/acme/names.rego:7:20: there is no function `nope`"]),
        ({"acme/data.json": '{"a": 1,\n "b" 2}'}, ["B/acme/data.json:2:6: not JSON: Expecting ':' delimiter"]),
        ({".signatures.json": "{"}, ["B/.signatures.json:1:2: not JSON: Expecting property name enclosed in double quotes"]),
        ({"acme/data.json": "[]"}, ["B/acme/data.json:1:1: must be an object"]),
        ({".manifest": "{"}, ["B/.manifest:1:2: not JSON: Expecting property name enclosed in double quotes"]),
        ({".manifest": '{"roots": "acme"}'}, ["B/.manifest:1:2: `roots` must be a list of texts"]),
        ({".manifest": '{"roots": ["other", "parameters"]}'}, [
            "B/data.json:1:30: data.acme is outside the roots of the manifest (other, parameters)",
            "B/acme/data.json:1:1: data.acme is outside the roots of the manifest (other, parameters)",
            "B/acme/names.rego:1:1: package acme.names is outside the roots of the manifest (other, parameters)",
        ]),
        ({"data.json": '{"acme": {"taken": []}, "parameters": {}}'}, ["B/acme/data.json:1:2: data.acme.taken is given twice"]),
        ({"acme/data.json": '{"names": {"deny": []}, "taken": []}'}, ["B/acme/names.rego:1:1: the bundle has data where package acme.names is"]),
        ({".manifest": "{}", "data.json": '{"inventory": {}, "parameters": {"limit": 9}}'}, ["B: the bundle brings data.inventory, which Watchstander gives itself; give it another name"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(
    engine: RegorusEngine, tmp_path: Path, change: dict[str, str], messages: list[str]
) -> None:
    files = FILES | change
    assert wrong(pack(tmp_path / "acme.tar.gz", files), engine) == messages
    assert wrong(unpacked(tmp_path / "acme", files), engine) == messages


def info(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    made.linkname = target
    return made


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (info("../../evil.rego", tarfile.REGTYPE), "B: has a file outside itself: '../../evil.rego'"),
        (info("a/../../evil.rego", tarfile.REGTYPE), "B: has a file outside itself: 'a/../../evil.rego'"),
        (info("/../evil.rego", tarfile.REGTYPE), "B: has a file outside itself: '/../evil.rego'"),
        (info("x.rego", tarfile.SYMTYPE, "/etc/passwd"), "B: has a link, which a bundle may not: 'x.rego'"),
        (info("x.rego", tarfile.LNKTYPE, "/etc/passwd"), "B: has a link, which a bundle may not: 'x.rego'"),
        (info("x.rego", tarfile.CHRTYPE), "B: has a special file, which a bundle may not: 'x.rego'"),
        (info("acme/names.rego", tarfile.REGTYPE), "B/acme/names.rego: it is in the archive twice"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_nothing_reaches_outside(
    engine: RegorusEngine, tmp_path: Path, more: tarfile.TarInfo, message: str
) -> None:
    before = set(tmp_path.parent.rglob("evil.rego"))
    assert wrong(pack(tmp_path / "acme.tar.gz", FILES, more), engine) == [message]
    assert set(tmp_path.parent.rglob("evil.rego")) == before


def test_a_bomb_is_defused(tmp_path: Path, engine: RegorusEngine) -> None:
    class Zeros(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b" " * size

    path = tmp_path / "bomb.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        big = tarfile.TarInfo("data.json")
        big.size = MOST_BYTES + 1
        tar.addfile(big, Zeros())  # type: ignore[arg-type]
    assert path.stat().st_size < 1_000_000
    assert wrong(path, engine) == ["B: holds more than 64 MiB"]


def test_a_header_that_claims_gigabytes_is_defused(tmp_path: Path, engine: RegorusEngine) -> None:
    header = tarfile.TarInfo("pax")
    header.type = tarfile.XHDTYPE
    header.size = 8 << 30
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(header.tobuf() + b"x" * 10_000))
    (message,) = wrong(path, engine)
    assert message.startswith("B: ")


@pytest.mark.parametrize(
    "content", [b"", b"no archive", gzip.compress(b"no tar")], ids=["empty", "text", "gzip"]
)
def test_what_is_no_archive_is_told(tmp_path: Path, engine: RegorusEngine, content: bytes) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(content)
    for message in wrong(path, engine):
        assert message.startswith("B: ")


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 6))
def test_damage_never_ends_in_a_traceback(seed: int, changes: int, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    chance = random.Random(seed)
    content = bytearray(gzip.decompress(pack(folder / "a.tar.gz", FILES).read_bytes()))
    for _ in range(changes):
        content[chance.randrange(len(content))] = chance.randrange(256)
    damaged = bytearray(gzip.compress(bytes(content)))
    if chance.random() < 0.3:
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    path = folder / "b.tar.gz"
    path.write_bytes(damaged)
    bundle, errors = read_bundle(path, {})
    assert all(str(error.position.path).startswith(str(path)) for error in errors)
    assert all(p.is_relative_to(path) for p in bundle.files.below(path, ""))


def test_a_checkout_with_a_link_that_leaves_it_is_refused(tmp_path: Path, engine: RegorusEngine) -> None:
    outside = tmp_path / "secret"
    outside.write_text("package secret\n")
    checkout = unpacked(tmp_path / "checkout", {"acme/names.rego": POLICY, ".git/config": ""})
    (checkout / "same.rego").symlink_to(checkout / "acme" / "names.rego")
    (checkout / "same.rego").unlink()
    assert len(load_paths([checkout], engine)) == 1
    (checkout / "x.rego").symlink_to(outside)
    assert wrong(checkout, engine) == [f"B/x.rego: a link that leaves {checkout}".replace(str(checkout), "B")]
