"""A reload: a bad configuration changes nothing, and what cannot change while running keeps its value and is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigurationError
from config.reload import NEEDS_RESTART, Configuration
from config.shape import shape_at

GOOD = "instance: one\nlog: {level: info}\nproviders: {aws: {regions: [eu-west-1]}}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "w.yaml"
    path.write_text(GOOD)
    return path


def test_the_first_configuration_must_be_good(path: Path) -> None:
    path.write_text("instanze: one\n")
    with pytest.raises(ConfigurationError):
        Configuration(path, {})


@pytest.mark.parametrize("content", ["log: {level: loud}\nx: 1\n", "a: [", "\x00", None])
def test_a_bad_one_keeps_the_old_in_force_and_says_so(path: Path, content: str | None) -> None:
    configuration = Configuration(path, {})
    before = configuration.current
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    outcome = configuration.reload()
    assert configuration.current is before
    assert outcome.error is not None
    assert outcome.sentence.startswith("The new configuration is bad and the old one stays in force: ")
    assert f"{path}:" in outcome.sentence
    path.write_text(GOOD.replace("info", "debug"))
    assert configuration.reload().changed == ("log.level",)


def test_the_sentence_counts_the_other_problems(path: Path) -> None:
    configuration = Configuration(path, {})
    path.write_text("x: 1\ny: 2\nz: 3\n")
    assert configuration.reload().sentence.endswith(" and 2 more.")


def test_what_can_change_changes_and_the_rest_waits(path: Path) -> None:
    configuration = Configuration(path, {"WATCHSTANDER_API__PORT": "1234"})
    path.write_text(
        "instance: two\nlog: {level: debug, format: json}\nproviders: {aws: {regions: [eu-west-1, us-east-1]}}\n"
        "containment: {hooks: {page: {use: webhook}}}\nstorage: {url: 'sqlite:///other.db'}\napi: {port: 9}\n"
    )
    outcome = configuration.reload()
    assert outcome.changed == ("containment.hooks.page", "log.level", "providers.aws.regions")
    assert outcome.needs_restart == ("instance", "log.format", "storage.url")
    assert outcome.sentence == (
        "Reloaded the configuration: changed containment.hooks.page, log.level, providers.aws.regions; "
        "a restart is needed for instance, log.format, storage.url."
    )
    now = configuration.current
    assert (now.instance, now.log.level, now.log.format, now.api.port) == ("one", "debug", "auto", 1234)
    assert "other.db" not in now.storage.url
    assert now.providers.aws is not None
    assert now.providers.aws.regions == ("eu-west-1", "us-east-1")


def test_an_unchanged_file_changes_nothing(path: Path) -> None:
    configuration = Configuration(path, {})
    assert configuration.reload().sentence == "Reloaded the configuration: nothing has changed."


def test_every_setting_that_needs_a_restart_exists() -> None:
    assert all(shape_at(place) is not None for place in NEEDS_RESTART)
