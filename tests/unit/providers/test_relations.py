"""Every declared relation: between types there are, over fields that the services' own models have."""

from __future__ import annotations

import pytest
from botocore.session import Session

from providers.aws.catalog import catalog
from providers.registry import account_type, relations
from providers.relation import Relation, provider_of

AWS = [r for r in relations() if r.source.startswith("aws.")]


def test_both_ends_are_of_one_cloud_and_none_is_declared_twice() -> None:
    for relation in relations():
        assert provider_of(relation.source) == provider_of(relation.target)
    assert len(set(relations())) == len(relations())
    assert {provider_of(r.source) for r in relations()} == {"aws", "azure", "gcp"}


def test_types_are_written_as_their_cloud_is_read() -> None:
    for relation in relations():
        for kind, _ in relation.ends:
            if provider_of(kind) == "azure":
                assert kind == kind.lower()
                assert relation.fold  # Azure writes one id in several cases
    assert [account_type(name) for name in ("aws", "azure", "gcp", "memory")] == [
        "aws.account",
        "microsoft.resources/subscriptions",
        "cloudresourcemanager.googleapis.com/Project",
        None,
    ]


@pytest.mark.parametrize("relation", AWS, ids=lambda r: f"{r.source}-{r.target}")
def test_aws_paths_are_in_the_services_models(relation: Relation) -> None:
    for kind, path in relation.ends:
        declared = catalog()[kind]
        parts = path.replace("[]", "").split(".")
        if parts[0] != "document":
            continue
        model = Session().get_service_model(declared.service)
        call = declared.list
        shape = model.operation_model(call.operation).output_shape
        for name in [*call.result.replace("[]", "").split("."), *parts[1:]]:
            while shape.type_name == "list":
                shape = shape.member
            assert name in shape.members, f"{kind} has no {path}"
            shape = shape.members[name]
