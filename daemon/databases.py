"""The databases that a configuration names: where everything is remembered, and where durable workflows are kept."""

from __future__ import annotations

from config.secrets import Secrets
from config.settings import StorageSettings
from storage.database import Database


def open_database(settings: StorageSettings, secrets: Secrets, *, existing: bool = False) -> Database:
    """The database; a SQLite file that is missing is made, unless it must be ``existing``. Raises StorageError, SecretUnavailable."""
    password = secrets.read(settings.password).reveal() if settings.password else None
    return Database.open(settings, password=password, existing=existing)


def durable_url(settings: StorageSettings, database: Database) -> str:
    """Where durable workflows are kept: beside the database, unless the configuration says otherwise."""
    if settings.durable_url is not None:
        return settings.durable_url
    path = database.path
    if path is not None:
        return f"sqlite:///{path.with_name(path.stem + '-durable' + path.suffix)}"
    return database.engine.url.render_as_string(hide_password=False)
