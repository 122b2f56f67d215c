"""The services' descriptions are read once, and what is wrong with a session is still told by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ProfileNotFound, UnknownServiceError

from providers.aws.described import new_session


def test_sessions_look_at_the_same_descriptions() -> None:
    one, other = new_session(), new_session()
    assert one is not other
    assert one.get_service_data("sts") is other.get_service_data("sts")
    assert one.get_component("event_emitter") is not other.get_component("event_emitter")


def test_a_folder_of_descriptions_of_ones_own_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "house" / "2026-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(
        '{"metadata": {"serviceId": "house"}, "operations": {}, "shapes": {}}'
    )
    before = new_session()
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    assert new_session().get_service_data("house")["metadata"] == {"serviceId": "house"}
    with pytest.raises(UnknownServiceError):
        before.get_service_data("house")


def test_a_profile_that_is_not_there_is_told_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    session = new_session("not-there")
    with pytest.raises(ProfileNotFound, match="not-there"):
        session.get_scoped_config()
