"""What a synthetic resource looks like: a document of about 3.3 KB shaped like a virtual machine's, with nested lists of
interfaces and disks, tags, and the handful of fields a cloud adds to everything."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.resource import Resource, ResourceRef, Scope
from providers.terraform import TerraformType

TYPES: Final = ("memory.machine", "memory.bucket", "memory.database", "memory.network", "memory.user")

TERRAFORM: Final = {
    type_: TerraformType(
        type_.replace(".", "_"),
        {
            "id": lambda d: d["Id"],
            "name": lambda d: d["Name"],
            "encrypted": lambda d: d["Encrypted"],
            "public": lambda d: d["Public"],
            "logging": lambda d: d["Logging"],
            "tags": lambda d: {t["Key"]: t["Value"] for t in d["Tags"]},
        },
    )
    for type_ in TYPES
}


def resource_of(scope: Scope, uid: str, document: dict[str, Any]) -> Resource:
    ref = ResourceRef(
        provider=scope.provider, account=scope.account, region=scope.region, type=scope.type, uid=uid
    )
    return Resource(ref=ref, name=str(document.get("Name", uid)), document=document, tags=tags_of(document))


def tags_of(document: Mapping[str, Any]) -> dict[str, str]:
    tags: Sequence[Mapping[str, str]] = document.get("Tags", ())
    return {t["Key"]: t["Value"] for t in tags}


def document_of(index: int, scope: Scope) -> dict[str, Any]:
    """A canonical document of about 3.3 KB that is a function of ``index``."""
    seed = hashlib.sha256(index.to_bytes(8, "big")).hexdigest()
    return {
        "Arn": f"mem:{scope.account}:{scope.region}:{scope.type}/r-{index:012x}",
        "CreatedAt": f"2024-{1 + index % 12:02d}-{1 + index % 28:02d}T08:30:00Z",
        "Encrypted": index % 7 != 0,
        "Id": f"r-{index:012x}",
        "Image": f"img-{seed[:17]}",
        "Interfaces": [
            {
                "Address": f"10.{index >> 16 & 255}.{index >> 8 & 255}.{n}",
                "Association": {"Owner": "cloud", "PublicDnsName": "", "PublicIp": None},
                "Description": f"interface {n} of the machine",
                "Groups": [{"GroupId": f"sg-{seed[n : n + 8]}", "GroupName": "default"}],
                "Id": f"eni-{seed[n + 8 : n + 25]}",
                "MacAddress": "02:42:ac:11:00:02",
                "SourceDestCheck": True,
                "Status": "in-use",
                "SubnetId": f"subnet-{index % 64:017x}",
                "VpcId": f"vpc-{index % 8:017x}",
            }
            for n in range(3)
        ],
        "Logging": [{"TargetBucket": f"logs-{scope.account}", "TargetPrefix": f"{scope.region}/"}]
        if index % 5
        else [],
        "Name": f"{scope.type.rpartition('.')[2]}-{index}",
        "Network": {"Ipv6": False, "SubnetId": f"subnet-{index % 64:017x}", "VpcId": f"vpc-{index % 8:017x}"},
        "Options": {
            name: {"Configured": True, "Effective": name != "Preview", "Source": "template", "Version": 3}
            for name in (
                "Audit",
                "Backup",
                "Maintenance",
                "Metadata",
                "Monitoring",
                "Preview",
                "Scaling",
                "Snapshots",
                "Updates",
                "Watch",
            )
        },
        "Owner": scope.account,
        "Placement": {"AvailabilityZone": f"{scope.region}{'abc'[index % 3]}", "Tenancy": "default"},
        "Public": index % 50 == 0,
        "Region": scope.region,
        "Roles": [{"Arn": f"mem:{scope.account}:global:role/app-{index % 20}", "Id": f"role-{seed[30:46]}"}],
        "State": {"Code": 16, "Name": "running"},
        "Tags": [
            {"Key": "Environment", "Value": ("production", "staging", "test")[index % 3]},
            {"Key": "Name", "Value": f"{scope.type.rpartition('.')[2]}-{index}"},
            {"Key": "Team", "Value": f"team-{index % 25}"},
        ],
        "Volumes": [
            {
                "DeleteOnTermination": True,
                "DeviceName": f"/dev/sd{'abc'[n]}",
                "Encrypted": True,
                "KeyId": f"mem:{scope.account}:{scope.region}:key/{seed[:8]}-{seed[8:12]}-{seed[12:24]}",
                "SizeGiB": 20 * (n + 1),
                "Throughput": 125,
                "Type": "gp3",
                "VolumeId": f"vol-{seed[n + 40 : n + 57]}",
            }
            for n in range(3)
        ],
    }
