"""The schema's version: Alembic's migrations, run from code, with no ini file."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL, Connection

from storage.errors import Damaged, Newer, Outdated
from storage.tables import UNENFORCED

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """Which schema the database has, and which one this code needs."""

    where: str
    state: Literal["empty", "current", "behind", "newer", "foreign"]
    revision: str | None
    head: str

    def refuse_newer(self) -> None:
        """Raises Newer or Damaged for a database this code must not touch."""
        if self.state == "newer":
            raise Newer(
                f"{self.where} has schema {self.revision}; this Watchstander knows none beyond {self.head}.",
                hint="Upgrade Watchstander, or restore the backup made before the upgrade.",
            )
        if self.state == "foreign":
            raise Damaged(
                f"{self.where} holds tables, but no Watchstander schema version.",
                hint="Point storage.url at an empty database or at Watchstander's own.",
            )

    def require_current(self) -> None:
        """Raises Outdated, Newer or Damaged unless the schema is the one this code needs."""
        self.refuse_newer()
        if self.state == "empty":
            raise Outdated(
                f"{self.where} is empty.",
                hint="Nothing has been stored yet: run `watchstander scan`, or `watchstander db migrate`.",
            )
        if self.state == "behind":
            raise Outdated(
                f"{self.where} has schema {self.revision}; this Watchstander needs {self.head}.",
                hint="Make a backup, then run `watchstander db migrate`.",
            )


def shown(url: URL) -> str:
    """A database's URL as one writes it in the configuration, without its password."""
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, made here instead of in an ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def compared(item: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
    """Whether a schema object takes part when Alembic compares the database with the models. Not the partitions of table
    version, which are made as time goes, nor the search index, which is of no other database; nor that ids are unique, which on
    PostgreSQL is an exclusion by hash; nor the foreign keys that PostgreSQL need not have."""
    if isinstance(item, sa.ForeignKeyConstraint):
        return not any(UNENFORCED in key.info for key in item.elements)
    if kind == "table":
        return not (reflected and ((name or "").startswith("version_") or name == "search"))
    return name != "uq_resource_uid"


@functools.cache
def revisions() -> ScriptDirectory:
    """The migrations that this code has. They are files of source code, and are read once a process: asking for the state
    of a database is part of every command."""
    return ScriptDirectory.from_config(configuration())


def schema_status(connection: Connection) -> SchemaStatus:
    """Compare the database's revision with the newest one there is."""
    script = revisions()
    head = script.get_current_head()
    assert head is not None
    where = shown(connection.engine.url)
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        tables = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
        return SchemaStatus(where=where, state="foreign" if tables else "empty", revision=None, head=head)
    if revision == head:
        return SchemaStatus(where=where, state="current", revision=revision, head=head)
    known = {r.revision for r in script.walk_revisions()}
    state: Literal["behind", "newer"] = "behind" if revision in known else "newer"
    return SchemaStatus(where=where, state=state, revision=revision, head=head)


def migrate(connection: Connection) -> None:
    """Run what is missing, in the caller's transaction. Raises Newer or Damaged."""
    schema_status(connection).refuse_newer()
    command.upgrade(configuration(connection), "head")
