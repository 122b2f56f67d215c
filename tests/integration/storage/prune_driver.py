"""Run as a script by test_prune_crashes.py: prunes in small transactions, and dies before one of its statements.

python prune_driver.py URL STATEMENT
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.settings import RetentionSettings, StorageSettings
from storage.database import Database
from storage.retention import prune

sys.path.insert(0, str(Path(__file__).parents[2]))
from processes import die_before

NOW = datetime(2027, 5, 10, 12, tzinfo=UTC)
RULES = RetentionSettings(full=timedelta(days=10), daily=timedelta(days=40))


def main(url: str, statement: int) -> None:
    with Database.open(StorageSettings(url=url)) as database:
        die_before(statement, database.engine)
        prune(database, RULES, NOW, actor="driver", batch=3)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
