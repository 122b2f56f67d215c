"""The Terraform views over the seeded estate's own documents, attribute by attribute."""

from __future__ import annotations

from typing import Any

from providers.gcp.document import document, resource
from providers.gcp.terraform import VIEWS, terraform, terraform_types
from providers.terraform import ABSENT_BLOCK, AbsentBlock, TerraformView


def view(
    type_: str, data: dict[str, Any], policy: Any = None, name: str = "//x.googleapis.com/projects/p/y"
) -> TerraformView:
    made = document(name=name, asset_type=type_, data=data, location=None, policy=policy)
    found = terraform(resource(account="shop", document=made))
    assert found is not None
    return found


def test_each_view_renders_an_all_but_empty_resource() -> None:
    """Documents come with fields missing; a view is total, and JSON."""
    for type_, declared in VIEWS.items():
        found = view(type_, {"name": "n"})
        assert found.type == declared.name
        assert set(found.attributes) == set(declared.attributes)
        assert found.unread == {}
        for absent in AbsentBlock:
            found.render(absent)


def test_types_go_both_ways() -> None:
    assert len(terraform_types()) == len(VIEWS) == 38
    assert terraform_types()["google_storage_bucket"] == {"storage.googleapis.com/Bucket"}


def test_a_type_without_a_view_has_none() -> None:
    made = document(
        name="//x.googleapis.com/y", asset_type="x.googleapis.com/Y", data={}, location=None, policy=None
    )
    assert terraform(resource(account="p", document=made)) is None


def test_a_bucket() -> None:
    closed = view(
        "storage.googleapis.com/Bucket",
        {
            "name": "b",
            "location": "EU",
            "iamConfiguration": {
                "uniformBucketLevelAccess": {"enabled": True},
                "publicAccessPrevention": "enforced",
            },
            "logging": {"logBucket": "logs", "logObjectPrefix": "x"},
            "encryption": {"defaultKmsKeyName": "k"},
            "versioning": {"enabled": True},
            "retentionPolicy": {"retentionPeriod": "60", "isLocked": True},
            "lifecycle": {
                "rule": [{"action": {"type": "Delete"}, "condition": {"age": 15, "isLive": False}}]
            },
        },
        name="//storage.googleapis.com/b",
    ).attributes
    assert closed["project"] == "shop"
    assert closed["uniform_bucket_level_access"] is True
    assert closed["public_access_prevention"] == "enforced"
    assert closed["logging"] == [{"log_bucket": "logs", "log_object_prefix": "x"}]
    assert closed["encryption"] == [{"default_kms_key_name": "k"}]
    assert closed["versioning"] == [{"enabled": True}]
    assert closed["retention_policy"] == [{"retention_period": 60, "is_locked": True}]
    assert closed["lifecycle_rule"] == [
        {
            "action": [{"type": "Delete", "storage_class": None}],
            "condition": [{"age": 15, "with_state": "ARCHIVED"}],
        }
    ]
    bare = view("storage.googleapis.com/Bucket", {"name": "b"}, name="//storage.googleapis.com/b")
    assert bare.attributes["logging"] is ABSENT_BLOCK
    assert bare.render(AbsentBlock.NULL)["logging"] == [None]
    assert bare.attributes["public_access_prevention"] == "inherited"
    assert bare.attributes["versioning"] == [{"enabled": False}]


def test_an_instance() -> None:
    found = view(
        "compute.googleapis.com/Instance",
        {
            "name": "i",
            "zone": "https://www.googleapis.com/compute/v1/projects/p/zones/z-1",
            "machineType": ".../machineTypes/e2-small",
            "tags": {"items": ["web"], "fingerprint": "f"},
            "metadata": {"items": [{"key": "serial-port-enable", "value": "TRUE"}]},
            "networkInterfaces": [
                {"name": "nic1"},
                {"name": "nic0", "accessConfigs": [{"natIP": "203.0.113.1"}]},
            ],
            "disks": [{"boot": True, "source": "d"}, {"source": "e"}],
            "serviceAccounts": [{"email": "a", "scopes": ["s"]}],
            "shieldedInstanceConfig": {"enableSecureBoot": True},
        },
    ).attributes
    assert (found["zone"], found["machine_type"], found["tags"]) == ("z-1", "e2-small", ["web"])
    assert found["metadata"] == {"serial-port-enable": "TRUE"}
    assert [nic["name"] for nic in found["network_interface"]] == ["nic0", "nic1"]
    assert found["network_interface"][0]["access_config"][0]["nat_ip"] == "203.0.113.1"
    assert [d["source"] for d in found["boot_disk"]] == ["d"]
    assert [d["source"] for d in found["attached_disk"]] == ["e"]
    assert found["service_account"] == [{"email": "a", "scopes": ["s"]}]
    assert found["shielded_instance_config"][0]["enable_secure_boot"] is True


def test_a_subnetwork_logs_by_either_switch() -> None:
    assert view("compute.googleapis.com/Subnetwork", {"name": "s"}).attributes["log_config"] is ABSENT_BLOCK
    old = view("compute.googleapis.com/Subnetwork", {"name": "s", "enableFlowLogs": True}).attributes
    new = view("compute.googleapis.com/Subnetwork", {"name": "s", "logConfig": {"enable": True}}).attributes
    assert old["log_config"] == new["log_config"]
    assert old["log_config"][0]["flow_sampling"] == 0.5
    off = view("compute.googleapis.com/Subnetwork", {"name": "s", "logConfig": {"enable": False}}).attributes
    assert off["log_config"] is ABSENT_BLOCK


def test_a_database() -> None:
    found = view(
        "sqladmin.googleapis.com/Instance",
        {
            "name": "db",
            "settings": {
                "dataDiskSizeGb": "10",
                "ipConfiguration": {"ipv4Enabled": True, "authorizedNetworks": [{"value": "0.0.0.0/0"}]},
                "databaseFlags": [{"name": "log_connections", "value": "on"}],
            },
        },
    ).attributes["settings"][0]
    assert found["disk_size"] == 10
    assert found["ip_configuration"][0]["ipv4_enabled"] is True
    assert found["ip_configuration"][0]["require_ssl"] is False
    assert found["ip_configuration"][0]["authorized_networks"][0]["value"] == "0.0.0.0/0"
    assert found["backup_configuration"][0]["enabled"] is False
    assert found["database_flags"] == [{"name": "log_connections", "value": "on"}]


def test_a_projects_policy() -> None:
    policy = {
        "bindings": [{"role": "roles/owner", "members": ["user:a"]}],
        "auditConfigs": [{"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}]}],
    }
    found = view("cloudresourcemanager.googleapis.com/Project", {"projectId": "p"}, policy).attributes
    assert found["project"] == "p"
    assert found["binding"] == [{"role": "roles/owner", "members": ["user:a"]}]
    assert found["audit_config"] == [
        {"service": "allServices", "audit_log_config": [{"log_type": "DATA_READ", "exempted_members": []}]}
    ]
    assert '"roles/owner"' in found["policy_data"]


def test_keys_and_accounts() -> None:
    account = view(
        "iam.googleapis.com/ServiceAccount", {"email": "ci@p.iam.gserviceaccount.com", "disabled": True}
    ).attributes
    assert (account["account_id"], account["disabled"]) == ("ci", True)
    assert account["member"] == "serviceAccount:ci@p.iam.gserviceaccount.com"
    key = view(
        "iam.googleapis.com/ServiceAccountKey", {"name": "projects/p/serviceAccounts/ci/keys/k"}
    ).attributes
    assert key["service_account_id"] == "projects/p/serviceAccounts/ci"
    crypto = view(
        "cloudkms.googleapis.com/CryptoKey",
        {"name": "projects/p/locations/l/keyRings/r/cryptoKeys/k", "rotationPeriod": "100s"},
    ).attributes
    assert (crypto["key_ring"], crypto["rotation_period"]) == ("projects/p/locations/l/keyRings/r", "100s")
