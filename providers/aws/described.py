"""botocore's descriptions of the services, read once a process.

A session of botocore reads them for itself: megabytes of JSON for each, and the list of all services with it. They are never
changed once read, so all sessions of a process can look at the same.
"""

from __future__ import annotations

from functools import cache

import botocore.session
from botocore.exceptions import BotoCoreError
from botocore.loaders import Loader, create_loader


def new_session(profile: str | None = None) -> botocore.session.Session:
    """A session that looks at the descriptions its process has read. What is wrong with the profile is raised when something
    is asked of it, as with any session."""
    session = botocore.session.Session(profile=profile)
    try:
        folders = session.get_config_variable("data_path")
    except BotoCoreError:
        return session
    session.register_component("data_loader", _descriptions(folders))
    return session


@cache
def _descriptions(folders: str | None) -> Loader:
    """Those that come with botocore, and those in ``folders`` (AWS_DATA_PATH)."""
    return create_loader(folders)
