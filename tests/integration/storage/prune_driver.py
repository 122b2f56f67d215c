"""Run as a script by test_crashes.py: prunes in small transactions; a byte goes to standard output after each.

python prune_driver.py URL
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta

from config.settings import RetentionSettings, StorageSettings
from storage.database import Database
from storage.retention import prune

NOW = datetime(2027, 5, 10, 12, tzinfo=UTC)
RULES = RetentionSettings(full=timedelta(days=10), daily=timedelta(days=40))


def main(url: str) -> None:
    def told(_removed: int) -> bool:
        return os.write(1, b".") == 1

    with Database.open(StorageSettings(url=url)) as database:
        prune(database, RULES, NOW, actor="driver", batch=3, progress=told)


if __name__ == "__main__":
    main(sys.argv[1])
