"""Which Google Cloud resources belong together."""

from __future__ import annotations

from typing import Final

from providers.relation import Relation

ACCOUNT: Final = "cloudresourcemanager.googleapis.com/Project"
"""The resource a project itself is."""

_INSTANCE: Final = "compute.googleapis.com/Instance"
_NETWORK: Final = "compute.googleapis.com/Network"
_DISK: Final = "compute.googleapis.com/Disk"
_KEY: Final = "cloudkms.googleapis.com/CryptoKey"
_SERVICE_ACCOUNT: Final = "iam.googleapis.com/ServiceAccount"
_DATA: Final = "document.resource.data"

RELATIONS: Final = (
    Relation(_INSTANCE, f"{_DATA}.serviceAccounts[].email", _SERVICE_ACCOUNT, f"{_DATA}.email"),
    Relation("iam.googleapis.com/ServiceAccountKey", "uid", _SERVICE_ACCOUNT, cut="/keys/"),
    Relation(_INSTANCE, f"{_DATA}.networkInterfaces[].network", _NETWORK, f"{_DATA}.selfLink"),
    Relation("compute.googleapis.com/Firewall", f"{_DATA}.network", _NETWORK, f"{_DATA}.selfLink"),
    Relation("compute.googleapis.com/Subnetwork", f"{_DATA}.network", _NETWORK, f"{_DATA}.selfLink"),
    Relation(
        _INSTANCE,
        f"{_DATA}.networkInterfaces[].subnetwork",
        "compute.googleapis.com/Subnetwork",
        f"{_DATA}.selfLink",
    ),
    Relation("compute.googleapis.com/Route", f"{_DATA}.network", _NETWORK, f"{_DATA}.selfLink"),
    Relation("compute.googleapis.com/Router", f"{_DATA}.network", _NETWORK, f"{_DATA}.selfLink"),
    Relation(_INSTANCE, f"{_DATA}.disks[].source", _DISK, f"{_DATA}.selfLink"),
    Relation("compute.googleapis.com/Snapshot", f"{_DATA}.sourceDisk", _DISK, f"{_DATA}.selfLink"),
    Relation(
        "compute.googleapis.com/ForwardingRule",
        f"{_DATA}.target",
        "compute.googleapis.com/TargetHttpsProxy",
        f"{_DATA}.selfLink",
    ),
    Relation(
        "compute.googleapis.com/ForwardingRule",
        f"{_DATA}.backendService",
        "compute.googleapis.com/BackendService",
        f"{_DATA}.selfLink",
    ),
    Relation(
        "compute.googleapis.com/TargetHttpsProxy",
        f"{_DATA}.sslPolicy",
        "compute.googleapis.com/SslPolicy",
        f"{_DATA}.selfLink",
    ),
    Relation(_KEY, "uid", "cloudkms.googleapis.com/KeyRing", cut="/cryptoKeys/"),
    *(
        # Some name a version of the key, some the key.
        Relation(kind, f"{_DATA}.{path}", _KEY, f"{_DATA}.name", cut="/cryptoKeyVersions/")
        for kind, path in (
            ("storage.googleapis.com/Bucket", "encryption.defaultKmsKeyName"),
            ("bigquery.googleapis.com/Dataset", "defaultEncryptionConfiguration.kmsKeyName"),
            (_DISK, "diskEncryptionKey.kmsKeyName"),
            ("sqladmin.googleapis.com/Instance", "diskEncryptionConfiguration.kmsKeyName"),
            ("pubsub.googleapis.com/Topic", "kmsKeyName"),
        )
    ),
    Relation(
        "pubsub.googleapis.com/Subscription", f"{_DATA}.topic", "pubsub.googleapis.com/Topic", f"{_DATA}.name"
    ),
    Relation("bigquery.googleapis.com/Table", "uid", "bigquery.googleapis.com/Dataset", cut="/tables/"),
    Relation(
        "container.googleapis.com/NodePool", "uid", "container.googleapis.com/Cluster", cut="/nodePools/"
    ),
    *(
        Relation(kind, f"{_DATA}.{path}", _SERVICE_ACCOUNT, f"{_DATA}.email")
        for kind, path in (
            ("container.googleapis.com/NodePool", "config.serviceAccount"),
            ("run.googleapis.com/Service", "template.serviceAccount"),
            ("cloudfunctions.googleapis.com/Function", "serviceConfig.serviceAccountEmail"),
        )
    ),
)
