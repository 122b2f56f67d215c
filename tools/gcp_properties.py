"""What Google Cloud calls the fields of the asset types our Terraform views read, from Google's own discovery documents.

    pip download --no-deps google-api-python-client      # it carries the documents; thrown away afterwards
    python -m tools.gcp_properties google_api_python_client-*.whl

Only the names and their nesting are kept, in ``tests/unit/providers/gcp/gcp-properties.json``, as a document in which
everything is said once: the tests let every view read it and look for what was asked in vain.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
LISTING: Final = ROOT / "tests" / "unit" / "providers" / "gcp" / "gcp-properties.json"
DEEP: Final = 7
SCHEMAS: Final = {
    "artifactregistry.googleapis.com/Repository": ("artifactregistry.v1", "Repository"),
    "bigquery.googleapis.com/Dataset": ("bigquery.v2", "Dataset"),
    "bigquery.googleapis.com/Table": ("bigquery.v2", "Table"),
    "cloudfunctions.googleapis.com/Function": ("cloudfunctions.v2", "Function"),
    "cloudkms.googleapis.com/CryptoKey": ("cloudkms.v1", "CryptoKey"),
    "cloudkms.googleapis.com/KeyRing": ("cloudkms.v1", "KeyRing"),
    "cloudresourcemanager.googleapis.com/Project": ("cloudresourcemanager.v1", "Project"),
    "compute.googleapis.com/Address": ("compute.v1", "Address"),
    "compute.googleapis.com/BackendService": ("compute.v1", "BackendService"),
    "compute.googleapis.com/Disk": ("compute.v1", "Disk"),
    "compute.googleapis.com/Firewall": ("compute.v1", "Firewall"),
    "compute.googleapis.com/ForwardingRule": ("compute.v1", "ForwardingRule"),
    "compute.googleapis.com/Image": ("compute.v1", "Image"),
    "compute.googleapis.com/Instance": ("compute.v1", "Instance"),
    "compute.googleapis.com/Network": ("compute.v1", "Network"),
    "compute.googleapis.com/Route": ("compute.v1", "Route"),
    "compute.googleapis.com/Router": ("compute.v1", "Router"),
    "compute.googleapis.com/Snapshot": ("compute.v1", "Snapshot"),
    "compute.googleapis.com/SslPolicy": ("compute.v1", "SslPolicy"),
    "compute.googleapis.com/Subnetwork": ("compute.v1", "Subnetwork"),
    "compute.googleapis.com/TargetHttpsProxy": ("compute.v1", "TargetHttpsProxy"),
    "container.googleapis.com/Cluster": ("container.v1", "Cluster"),
    "container.googleapis.com/NodePool": ("container.v1", "NodePool"),
    "dataproc.googleapis.com/Cluster": ("dataproc.v1", "Cluster"),
    "dns.googleapis.com/ManagedZone": ("dns.v1", "ManagedZone"),
    "file.googleapis.com/Instance": ("file.v1", "Instance"),
    "iam.googleapis.com/ServiceAccount": ("iam.v1", "ServiceAccount"),
    "iam.googleapis.com/ServiceAccountKey": ("iam.v1", "ServiceAccountKey"),
    "logging.googleapis.com/LogMetric": ("logging.v2", "LogMetric"),
    "logging.googleapis.com/LogSink": ("logging.v2", "LogSink"),
    "pubsub.googleapis.com/Subscription": ("pubsub.v1", "Subscription"),
    "pubsub.googleapis.com/Topic": ("pubsub.v1", "Topic"),
    "redis.googleapis.com/Instance": ("redis.v1", "Instance"),
    "run.googleapis.com/Service": ("run.v2", "GoogleCloudRunV2Service"),
    "secretmanager.googleapis.com/Secret": ("secretmanager.v1", "Secret"),
    "spanner.googleapis.com/Instance": ("spanner.v1", "Instance"),
    "sqladmin.googleapis.com/Instance": ("sqladmin.v1", "DatabaseInstance"),
    "storage.googleapis.com/Bucket": ("storage.v1", "Bucket"),
}
"""Asset type -> the discovery document and its schema."""


def skeleton(schema: Mapping[str, Any], schemas: Mapping[str, Any], above: tuple[str, ...] = ()) -> Any:
    """A value with every field of a schema once."""
    if (name := schema.get("$ref")) is not None:
        return {} if name in above else skeleton(schemas[name], schemas, (*above, name))
    match schema.get("type"):
        case "object":
            if len(above) > DEEP:
                return {}
            if "additionalProperties" in schema:
                return {"key": skeleton(schema["additionalProperties"], schemas, above)}
            properties = schema.get("properties", {})
            return {key: skeleton(inner, schemas, (*above, key)) for key, inner in properties.items()}
        case "array":
            return [skeleton(schema["items"], schemas, above)]
        case "boolean":
            return True
        case "integer" | "number":
            return 1
    return "1" if schema.get("format") in ("int64", "uint64") else "text"


def main(arguments: list[str]) -> int:
    """Write the listing anew."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    wheel = Path(arguments[0])
    types: dict[str, Any] = {}
    revisions: dict[str, str] = {}
    with zipfile.ZipFile(wheel) as package:
        for type_, (name, schema) in sorted(SCHEMAS.items()):
            document = json.loads(package.read(f"googleapiclient/discovery_cache/documents/{name}.json"))
            revisions[name] = document["revision"]
            types[type_] = skeleton(document["schemas"][schema], document["schemas"])
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(found)}" for name, found in types.items())
    source = "-".join(wheel.name.split("-")[:2])
    LISTING.write_text(
        f'{{\n  "package": {json.dumps(source)},\n  "revisions": {json.dumps(revisions)},\n'
        f'  "types": {{\n{lines}\n  }}\n}}\n'
    )
    print(f"{len(types)} types written to {LISTING.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
