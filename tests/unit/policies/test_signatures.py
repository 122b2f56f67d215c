"""Signed OPA bundles: whose word they are, and that nothing in them was added, changed or taken away."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from config.settings import BundleKey, PolicySettings
from daemon.cli.app import run
from daemon.cli.context import State
from policies.engine import Limits
from policies.errors import PolicyErrors
from policies.loader import load_paths
from policies.rego.engine import RegorusEngine
from policies.signatures import Number, canonical

POLICY = """\
# METADATA
# custom: {id: acme.names, types: [t]}
package acme.names

deny contains "taken" if input.asset.name in data.acme.taken
"""
FILES: Mapping[str, str] = {
    ".manifest": '{"revision": "r1",  "roots": ["acme"]}',
    "acme/data.json": '{\n  "taken": ["x", "\\u00e9<&>"], "limit": 1.50\n}',
    "acme/names.rego": POLICY,
    "README.md": "of no use to us, and signed all the same",
}
SECRET = "s" * 32


@pytest.fixture(scope="module")
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine(Limits(workers=1)) as engine:
        yield engine


class Signer:
    """Somebody with a private key (or a secret), whose public part is in a file."""

    def __init__(self, folder: Path, algorithm: str) -> None:
        self.algorithm = algorithm
        self.key: Any = SECRET
        public = SECRET.encode() + b"\n"
        if not algorithm.startswith("HS"):
            self.key = (
                ec.generate_private_key(ec.SECP256R1())
                if algorithm.startswith("ES")
                else rsa.generate_private_key(public_exponent=65537, key_size=2048)
            )
            public = self.key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        self.file = folder / f"{algorithm}.pem"
        self.file.write_bytes(public)

    def settings(self, **more: str) -> PolicySettings:
        key = BundleKey.model_validate({"algorithm": self.algorithm, "key": self.file, **more})
        return PolicySettings(packs=(), bundle_keys={"acme": key})

    def sign(self, signed: Mapping[str, str], headers: dict[str, Any] | None = None, **claims: Any) -> str:
        payload = {"files": listed(signed), "iat": 1_592_248_027, **claims}
        token = jwt.encode(payload, self.key, algorithm=self.algorithm, headers=headers)
        return json.dumps({"signatures": [token]})


def listed(files: Mapping[str, str], algorithm: str = "SHA-256") -> list[dict[str, str]]:
    """What `opa sign` writes of files."""
    found = []
    for name, text in files.items():
        content = text
        if name.endswith(("data.json", ".manifest")):
            content = canonical(json.loads(text, parse_int=Number, parse_float=Number))
        digest = hashlib.new(algorithm.replace("-", "").lower(), content.encode()).hexdigest()
        found.append({"name": name, "hash": digest, "algorithm": algorithm})
    return found


@pytest.fixture(scope="module")
def rsa_signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("keys"), "RS256")


@pytest.fixture(params=["packed", "folder"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Makes a bundle of files."""

    def make(files: Mapping[str, str]) -> Path:
        if request.param == "folder":
            for name, text in files.items():
                (tmp_path / "b" / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / "b" / name).write_text(text)
            return tmp_path / "b"
        with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as tar:
            for name, text in files.items():
                info = tarfile.TarInfo(f"/{name}")  # as `opa build` does
                info.size = len(text.encode())
                tar.addfile(info, io.BytesIO(text.encode()))
        return tmp_path / "b.tar.gz"

    return make


def wrong(path: Path, engine: RegorusEngine, settings: PolicySettings) -> list[str]:
    with pytest.raises(PolicyErrors) as caught:
        load_paths([path], engine, settings)
    return [str(e.message).replace(str(path), "B") for e in caught.value.errors]


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "HS256"])
def test_a_bundle_signed_with_the_key_is_used(
    engine: RegorusEngine, made: Callable[[Mapping[str, str]], Path], tmp_path: Path, algorithm: str
) -> None:
    signer = Signer(tmp_path, algorithm)
    path = made({**FILES, ".signatures.json": signer.sign(FILES)})
    assert [p.id for p in load_paths([path], engine, signer.settings()).policies] == ["acme.names"]


def test_the_tests_of_a_signed_bundle_run_where_its_signature_holds(
    rsa_signer: Signer,
    made: Callable[[Mapping[str, str]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tested = 'package acme.names\n\ntest_taken if deny with input as {"asset": {"name": "x"}}\n'
    files = {
        **FILES,
        "acme/names_test.rego": tested,
        "set/sentinel.hcl": 'policy "p" { source = "p.sentinel" }\n',
        "set/p.sentinel": 'import "asset"\nmain = rule { asset.type is "aws.s3_bucket" }\n',
        "set/test/p/passes.hcl": 'mock "asset" { data = { type = "aws.s3_bucket" } }\n',
        "set/pack.yaml": "policies: {p: {types: [aws.s3_bucket]}}\n",
    }
    signed = {**files, ".signatures.json": rsa_signer.sign(files)}
    bundle = made(signed)
    config = tmp_path / "w.yaml"
    config.write_text(f"policies: {{bundle_keys: {{acme: {{key: {rsa_signer.file}}}}}}}\n")

    def said(*options: str) -> str:
        status = run(["policy", "test", str(bundle), *options], State(environment={}))
        return f"{status} {capsys.readouterr().out}"

    assert "2 passed, 0 failed" in said("--config", str(config))
    without = tmp_path / "none.yaml"
    without.write_text("")
    assert "the bundle is signed" in said("--config", str(without))
    for name in files.keys() - FILES.keys():
        made({**signed, name: files[name] + "\n"})
        told = said("--config", str(config))
        assert "0 passed, 0 failed, 1 error" in told
        assert f"{bundle}/{name}: the file is not what was signed" in told


def test_a_value_is_signed_and_not_its_blanks(
    engine: RegorusEngine, made: Callable[[Mapping[str, str]], Path], rsa_signer: Signer
) -> None:
    again = json.dumps(json.loads(FILES["acme/data.json"]), indent=4).replace("1.5", "1.50")
    path = made({**FILES, "acme/data.json": again, ".signatures.json": rsa_signer.sign(FILES)})
    assert len(load_paths([path], engine, rsa_signer.settings()).policies) == 1


CHANGES: dict[str, tuple[dict[str, str | None], list[str]]] = {
    "a policy changed": (
        {"acme/names.rego": POLICY.replace("deny", "warn")},
        ["B/acme/names.rego: the file is not what was signed"],
    ),
    "data changed": ({"acme/data.json": "{}"}, ["B/acme/data.json: the file is not what was signed"]),
    "data broken": (
        {"acme/data.json": "{"},
        ["B/acme/data.json: it is no JSON, so it cannot be what was signed"],
    ),
    "the manifest changed": ({".manifest": "{}"}, ["B/.manifest: the file is not what was signed"]),
    "a policy added": (
        {"acme/more.rego": "package acme.more\n"},
        ["B/acme/more.rego: the file is not signed"],
    ),
    "a policy taken away": (
        {"acme/names.rego": None},
        ["B/acme/names.rego: the file was signed and is not there"],
    ),
    "something else changed": ({"README.md": "other"}, ["B/README.md: the file is not what was signed"]),
}


@pytest.mark.parametrize(("change", "messages"), CHANGES.values(), ids=CHANGES)
def test_what_is_not_as_signed_is_named_and_nothing_is_used(
    engine: RegorusEngine,
    made: Callable[[Mapping[str, str]], Path],
    rsa_signer: Signer,
    change: dict[str, str | None],
    messages: list[str],
) -> None:
    files = {**FILES, **change, ".signatures.json": rsa_signer.sign(FILES)}
    path = made({name: text for name, text in files.items() if text is not None})
    assert wrong(path, engine, rsa_signer.settings()) == messages


def test_whose_word_it_is(
    engine: RegorusEngine, made: Callable[[Mapping[str, str]], Path], rsa_signer: Signer, tmp_path: Path
) -> None:
    def told(signatures: str | None, settings: PolicySettings) -> str:
        files = FILES if signatures is None else {**FILES, ".signatures.json": signatures}
        (message,) = wrong(made(files), engine, settings)
        return message.removeprefix("B/.signatures.json: ")

    ours, other = rsa_signer.settings(), Signer(tmp_path, "RS256")
    assert told(None, ours) == "the bundle is not signed, and keys to check bundles with are configured"
    assert told("{}", ours) == told(None, ours)
    assert told(other.sign(FILES), ours) == (
        "the signature is not that of the key `acme`: the bundle was changed, or somebody else signed it"
    )
    assert told(rsa_signer.sign(FILES, keyid="evil"), ours) == (
        "the bundle is signed with the key `evil`, and policies.bundle_keys has acme"
    )
    none = PolicySettings(packs=())
    assert told(rsa_signer.sign(FILES), none) == (
        "the bundle is signed, and does not say with which key, and policies.bundle_keys has none"
    )
    assert "for the scope 'write', the key `acme` for ''" in told(rsa_signer.sign(FILES, scope="write"), ours)
    assert "exactly one JWT" in told(json.dumps({"signatures": ["a", "b"]}), ours)
    assert "is no JWT" in told(json.dumps({"signatures": ["a.b"]}), ours)
    assert "Expecting" in told("{", ours)
    assert "its MD5, which proves nothing" in told(rsa_signer.sign(FILES, files=listed(FILES, "MD5")), ours)
    assert told(rsa_signer.sign(FILES, files=[]), ours) == "no file is signed"
    assert "expired" in told(rsa_signer.sign(FILES, exp=1_592_248_028), ours)


def test_the_algorithm_is_the_configured_one(
    engine: RegorusEngine, made: Callable[[Mapping[str, str]], Path], rsa_signer: Signer
) -> None:
    unsigned = jwt.encode({"files": listed(FILES)}, None, algorithm="none")
    header, body, _ = unsigned.split(".")
    # A token that says HS256 and takes the public key, which everybody has, for the secret.
    import base64
    import hmac

    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
    mac = hmac.digest(rsa_signer.file.read_bytes(), f"{header}.{body}".encode(), "sha256")
    forged = f"{header}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    for token in (unsigned, forged):
        path = made({**FILES, ".signatures.json": json.dumps({"signatures": [token]})})
        (message,) = wrong(path, engine, rsa_signer.settings())
        assert "does not hold with the key `acme` (RS256)" in message


def test_the_scope_and_the_key_that_a_signature_names(
    engine: RegorusEngine, made: Callable[[Mapping[str, str]], Path], rsa_signer: Signer
) -> None:
    for signed in (
        rsa_signer.sign(FILES, keyid="acme", scope="write"),
        rsa_signer.sign(FILES, {"kid": "acme"}, scope="write"),
    ):
        path = made({**FILES, ".signatures.json": signed})
        assert len(load_paths([path], engine, rsa_signer.settings(scope="write")).policies) == 1


def test_a_key_that_is_none_is_told_with_its_file(
    engine: RegorusEngine, made: Callable[[Mapping[str, str]], Path], tmp_path: Path, rsa_signer: Signer
) -> None:
    path = made({**FILES, ".signatures.json": rsa_signer.sign(FILES)})
    for content, algorithm, said in (
        ("no PEM", "RS256", "the key `acme` is none for RS256"),
        ("short", "HS256", "the secret `acme` has less than 32 bytes"),
        (None, "RS256", "the key `acme` cannot be read: No such file or directory"),
    ):
        file = tmp_path / "key.pem"
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_text(content)
        key = BundleKey.model_validate({"algorithm": algorithm, "key": file})
        (message,) = wrong(path, engine, PolicySettings(packs=(), bundle_keys={"acme": key}))
        assert message.startswith(f"{file}: {said}")


def test_a_value_is_digested_as_opa_does() -> None:
    text = '{"b": [1, 1.50, 1e3, -0, 12345678901234567890123, true, null], "a": {"é": "<&>\\u2028\\u0001\\"", "": {}}}'
    assert canonical(json.loads(text, parse_int=Number, parse_float=Number)) == (
        '{"a":{"":{},"é":"<&>\\u2028\\u0001\\""},"b":[1,1.50,1e3,-0,12345678901234567890123,true,null]}'
    )
