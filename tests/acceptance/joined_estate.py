"""Machines that write to buckets, in two accounts, and policies that join them: what the tests of joining policies share."""

from __future__ import annotations

from typing import Any

from providers.resource import Scope
from storage.findings import FindingStatus

ONE, TWO = "100000000000", "100000000001"

ACCOUNT = """\
# METADATA
# title: Machines write to buckets that are encrypted
# custom:
#   id: test.machine_buckets
#   phase: preparation
#   severity: high
#   scope: account
#   joins:
#     memory.machine: [Bucket]
#     memory.bucket: [Encrypted]
package test.machine_buckets

deny contains {"msg": sprintf("%s writes to %s", [machine.name, bucket.name]), "resource": machine.uid} if {
    some machine in data.inventory["memory.machine"]
    some bucket in data.inventory["memory.bucket"]
    bucket.name == machine.document.Bucket
    bucket.document.Encrypted == false
}

deny contains "the account has no bucket" if count(data.inventory["memory.bucket"]) == 0
"""

RESOURCE = """\
# METADATA
# title: A machine's bucket exists
# custom:
#   id: test.machine_has_bucket
#   severity: low
#   types: ["memory.machine"]
#   joins: {memory.bucket: []}
package test.machine_has_bucket

deny contains "its bucket is not there" if {
    every bucket in data.inventory["memory.bucket"] { bucket.name != input.asset.document.Bucket }
}
"""

ESTATE = """\
# METADATA
# title: Bucket names are used once
# custom:
#   id: test.bucket_names
#   scope: estate
#   joins: {memory.bucket: []}
package test.bucket_names

deny contains {"msg": "the name is used twice", "resource": a.uid} if {
    some a in data.inventory["memory.bucket"]
    some b in data.inventory["memory.bucket"]
    a.name == b.name
    a.uid != b.uid
}
"""


def machines(account: str) -> Scope:
    return Scope("memory", account, "north-1", "memory.machine")


def buckets(account: str) -> Scope:
    return Scope("memory", account, "north-1", "memory.bucket")


def seed(post: Any, text: str) -> dict[str, str]:
    """In each account a machine that writes to a bucket; returns uids by name."""
    post.policy = text
    post.watch.close()
    found = {}
    for account, letter in ((ONE, "a"), (TWO, "b")):
        found[f"bucket-{letter}"] = post.estate.add(buckets(account), f"bucket-{letter}", {}).uid
        body = {"Bucket": f"bucket-{letter}"}
        found[f"machine-{letter}"] = post.estate.add(machines(account), f"machine-{letter}", body).uid
    post.open()
    return found


def failing(post: Any, status: FindingStatus = FindingStatus.OPEN) -> list[tuple[str, str]]:
    return sorted((f.ref.uid, f.message) for f in post.findings(status))
