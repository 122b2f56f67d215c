"""The estate's networks, firewalls, machines and disks."""

from __future__ import annotations

from typing import Any, Final

from providers.sandbox.gcp.estate_parts import LINK, Project

REGION: Final = "europe-west1"
ZONE: Final = "europe-west1-b"
OTHER_REGION: Final = "us-central1"
OTHER_ZONE: Final = "us-central1-a"
ANYWHERE: Final = "0.0.0.0/0"
IAP: Final = "35.235.240.0/20"


def seed(project: Project, *, good: bool) -> None:
    """Fill one project."""
    main = project.compute(
        "global",
        "networks",
        "Network",
        "main",
        {"autoCreateSubnetworks": False, "mtu": 1460, "routingConfig": {"routingMode": "REGIONAL"}},
    )
    if not good:
        project.compute(
            "global",
            "networks",
            "Network",
            "default",
            {"autoCreateSubnetworks": True, "mtu": 1460, "routingConfig": {"routingMode": "REGIONAL"}},
        )
    app = _subnetwork(project, "app", main, REGION, "10.10.0.0/24", logged=True)
    _subnetwork(project, "data", main, REGION, "10.10.1.0/24", logged=good)
    _subnetwork(project, "legacy", main, OTHER_REGION, "10.20.0.0/24", logged=False)
    _firewalls(project, main, good=good)
    for number in range(1, 4):
        _instance(project, f"app-{number}", ZONE, app, hardened=True)
    _instance(project, "jump", OTHER_ZONE, app, hardened=good)
    if not good:
        _instance(project, "scratch", OTHER_ZONE, app, hardened=False)
    project.compute(
        f"zones/{ZONE}",
        "disks",
        "Disk",
        "archive",
        _disk(project, ZONE, "500", encrypted=good) | {"labels": {"team": "data"}},
    )
    project.compute(
        "global",
        "snapshots",
        "Snapshot",
        "archive-weekly",
        {"status": "READY", "diskSizeGb": "500", "storageLocations": ["eu"]},
    )


def _subnetwork(project: Project, name: str, network: str, region: str, cidr: str, *, logged: bool) -> str:
    data: dict[str, Any] = {
        "network": network,
        "ipCidrRange": cidr,
        "gatewayAddress": cidr.replace(".0/24", ".1"),
        "privateIpGoogleAccess": logged,
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
    }
    if logged:
        data["enableFlowLogs"] = True
        data["logConfig"] = {
            "enable": True,
            "aggregationInterval": "INTERVAL_5_SEC",
            "flowSampling": 0.5,
            "metadata": "INCLUDE_ALL_METADATA",
        }
    return project.compute(f"regions/{region}", "subnetworks", "Subnetwork", name, data)


def _firewalls(project: Project, network: str, *, good: bool) -> None:
    rules: list[tuple[str, list[str], list[dict[str, Any]], bool]] = [
        ("allow-internal", ["10.10.0.0/16"], [{"IPProtocol": "tcp"}, {"IPProtocol": "udp"}], True),
        ("allow-ssh-iap", [IAP], [{"IPProtocol": "tcp", "ports": ["22"]}], True),
        ("allow-https", [ANYWHERE], [{"IPProtocol": "tcp", "ports": ["443"]}], good),
    ]
    if not good:
        rules += [
            ("allow-ssh-world", [ANYWHERE], [{"IPProtocol": "tcp", "ports": ["22"]}], False),
            ("allow-rdp-world", [ANYWHERE], [{"IPProtocol": "tcp", "ports": ["3389"]}], False),
        ]
    for name, sources, allowed, logged in rules:
        project.compute(
            "global",
            "firewalls",
            "Firewall",
            name,
            {
                "network": network,
                "direction": "INGRESS",
                "priority": 1000,
                "sourceRanges": sources,
                "allowed": allowed,
                "disabled": False,
                "logConfig": {"enable": logged},
            },
        )


def _disk(project: Project, zone: str, size: str, *, encrypted: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "sizeGb": size,
        "status": "READY",
        "type": f"{LINK}projects/{project.id}/zones/{zone}/diskTypes/pd-ssd",
        "labelFingerprint": "first",
    }
    if encrypted:
        ring = f"projects/{project.id}/locations/{REGION}/keyRings/harbour"
        data["diskEncryptionKey"] = {"kmsKeyName": f"{ring}/cryptoKeys/disks/cryptoKeyVersions/1"}
    return data


def _instance(project: Project, name: str, zone: str, subnetwork: str, *, hardened: bool) -> None:
    disk = project.compute(
        f"zones/{zone}", "disks", "Disk", name, _disk(project, zone, "20", encrypted=hardened)
    )
    interface: dict[str, Any] = {
        "name": "nic0",
        "network": f"{LINK}projects/{project.id}/global/networks/main",
        "subnetwork": subnetwork,
        "networkIP": "10.10.0.10",
        "stackType": "IPV4_ONLY",
    }
    metadata = [{"key": "enable-oslogin", "value": "TRUE"}]
    email = f"app-runtime@{project.id}.iam.gserviceaccount.com"
    scopes = ["https://www.googleapis.com/auth/logging.write"]
    if not hardened:
        interface["accessConfigs"] = [
            {
                "name": "External NAT",
                "type": "ONE_TO_ONE_NAT",
                "natIP": "203.0.113.7",
                "networkTier": "PREMIUM",
            }
        ]
        metadata = [{"key": "serial-port-enable", "value": "TRUE"}]
        email = f"{project.number}-compute@developer.gserviceaccount.com"
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    project.compute(
        f"zones/{zone}",
        "instances",
        "Instance",
        name,
        {
            "machineType": f"{LINK}projects/{project.id}/zones/{zone}/machineTypes/e2-small",
            "status": "RUNNING",
            "canIpForward": not hardened,
            "deletionProtection": hardened,
            "labels": {"service": name.partition("-")[0]},
            "labelFingerprint": "first",
            "tags": {"items": ["web"], "fingerprint": "tags1"},
            "metadata": {"fingerprint": "meta1", "items": metadata},
            "networkInterfaces": [interface],
            "disks": [
                {
                    "boot": True,
                    "autoDelete": True,
                    "mode": "READ_WRITE",
                    "deviceName": name,
                    "source": disk,
                    "index": 0,
                }
            ],
            "serviceAccounts": [{"email": email, "scopes": scopes}],
            "scheduling": {"automaticRestart": True, "preemptible": False, "onHostMaintenance": "MIGRATE"},
            "shieldedInstanceConfig": {
                "enableSecureBoot": hardened,
                "enableVtpm": True,
                "enableIntegrityMonitoring": True,
            },
        },
    )
