"""What can go wrong with the store. The drivers' errors are wrapped once, in ``database.py``
(``drivererrors.py`` says as what); the cause is kept.

StorageError
├── Locked        another daemon has the SQLite file or the instance name, or a lock was not had in time
├── Full          no room: the disk, a quota or a limit; nothing of the transaction was stored
├── Newer         the schema was written by a newer Watchstander
├── Outdated      the schema is older than this Watchstander, or there is none yet: ``db migrate``
├── Damaged       the file or a row is not what was written: a bad page, a dictionary gone
├── Unavailable   the database cannot be reached, opened or written to
│   └── NoDatabase    there is none where the configuration says: nothing, a folder, another kind of file
├── NotStored     what was asked for is not in the store
└── Defect        the database refused a statement of ours: a fault in Watchstander
"""

from __future__ import annotations

from config.errors import UsageError, WatchstanderError


class StorageError(WatchstanderError):
    """Something could not be remembered or recalled."""


class Locked(StorageError):
    """The database is in use by another."""


class Full(StorageError):
    """There is no room to store more."""


class Newer(StorageError):
    """The database was written by a newer Watchstander."""


class Outdated(StorageError):
    """The database's schema is not the one this Watchstander needs."""


class Damaged(StorageError):
    """The stored data is damaged."""


class Unavailable(StorageError):
    """The database cannot be used."""


class NoDatabase(Unavailable, UsageError):
    """There is no database where the configuration says."""

    exit_status = 2


class NotStored(StorageError, UsageError):
    """What was asked for is not in the store."""

    exit_status = 2


class Defect(StorageError):
    """The database refused a statement of ours."""
