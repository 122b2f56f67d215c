"""The emulated AWS on a port of this machine: moto's server behind our front, with an estate in it."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from config.clouds import AwsAccounts, AwsEvents, AwsSettings, Budget, Schedule
from providers.sandbox.aws.door import CONTAIN_ROLE, READ_ROLE
from providers.sandbox.aws.estate import TYPES, Estate, seed_estate
from providers.sandbox.faults import Faults

if TYPE_CHECKING:
    from providers.sandbox.aws.aggregator import ConfigAggregator
    from providers.sandbox.aws.cloudcontrol import CloudControl
    from providers.sandbox.aws.cloudtrail import EventHistory

MANAGEMENT: Final = "123456789012"
"""The account of the sandbox's own credentials."""
ACCESS_KEY: Final = "AKIASANDBOX000000000"
SECRET_KEY: Final = "sandbox"
REGIONS: Final = ("us-east-1", "eu-west-1")

_RUNNING = threading.Lock()


class SandboxBusy(RuntimeError):
    """moto keeps its state in the process, so there can be one emulated AWS in it."""


class AwsEmulator:
    """Three AWS accounts on this machine. Start it, use :meth:`settings`, close it; or use it as a context manager.

    ``page_size`` is the most a listing answers at once. One process can run one at a time, since moto's state belongs to
    the process; :meth:`start` raises SandboxBusy otherwise.
    """

    def __init__(self, *, faults: Faults | None = None, seed: bool = True, page_size: int = 1000) -> None:
        self.faults = faults if faults is not None else Faults()
        self._seed = seed
        self._page_size = page_size
        self._server: Any = None
        self._front: Any = None
        self._thread: threading.Thread | None = None
        self._estate: Estate | None = None

    @property
    def endpoint(self) -> str:
        """``http://127.0.0.1:PORT``."""
        if self._server is None:
            raise RuntimeError("the sandbox is not started")
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def calls(self) -> Mapping[str, int]:
        """How often each ``service:Operation`` was called since the start."""
        return dict(self._front.calls)

    @property
    def cloud_control(self) -> CloudControl:
        """What Cloud Control knows, to be filled: moto does not do it."""
        found: CloudControl = self._front.cloud_control
        return found

    @property
    def aggregator(self) -> ConfigAggregator:
        """A Config aggregator, to be made and filled: moto leaves it empty."""
        found: ConfigAggregator = self._front.aggregator
        return found

    @property
    def event_history(self) -> EventHistory:
        """What CloudTrail remembers, to be filled: moto does not keep it."""
        found: EventHistory = self._front.event_history
        return found

    @property
    def ahead(self) -> timedelta:
        """How far its clock is ahead of the machine's; role sessions end by it. Set it to let time pass."""
        found: timedelta = self._front.ahead
        return found

    @ahead.setter
    def ahead(self, value: timedelta) -> None:
        self._front.ahead = value

    @property
    def estate(self) -> Estate:
        """What was seeded: accounts, the leaky user, the bucket that will drift, the events queue."""
        if self._estate is None:
            raise RuntimeError("the sandbox is not started, or not seeded")
        return self._estate

    def start(self) -> Self:
        """Listen on a free port of 127.0.0.1 and seed the estate."""
        if not _RUNNING.acquire(blocking=False):
            raise SandboxBusy("Another emulated AWS runs in this process.")
        # Loading the catalogue of public images takes moto seconds, and nothing here needs it.
        os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        from moto.moto_api._internal import mock_random
        from moto.moto_api._internal.models import moto_api_backend
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from moto.s3.models import s3_backends
        from werkzeug.serving import make_server

        from providers.sandbox.aws.front import Front

        class Handler(MotoRequestHandler):
            """Quiet, and keeping connections open as AWS does."""

            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Say nothing: what is called is in ``calls``."""

        def regions_of(account: str) -> Mapping[str, str]:
            buckets = s3_backends[account]["aws"].buckets
            return {name: bucket.region_name for name, bucket in list(buckets.items())}

        moto_api_backend.reset()
        # The same estate has the same ids each time it is made.
        mock_random.seed(20)
        self._front = Front(
            DomainDispatcherApplication(create_backend_app),
            self.faults,
            page_size=self._page_size,
            regions_of=regions_of,
        )
        self._server = make_server("127.0.0.1", 0, self._front, threaded=True, request_handler=Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="aws-emulator",
            daemon=True,
        )
        self._thread.start()
        if self._seed:
            try:
                self._estate = seed_estate(self.endpoint, REGIONS)
            except BaseException:
                self.close()
                raise
        self._front.calls.clear()
        return self

    def close(self) -> None:
        """Stop listening and forget everything."""
        if self._server is None:
            return
        from moto.moto_api._internal.models import moto_api_backend

        self._front.release()
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        if self._thread is not None:
            self._thread.join()
        moto_api_backend.reset()
        _RUNNING.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def settings(self) -> AwsSettings:
        """Settings that point at this sandbox and read what the estate holds. The credentials are those of
        :meth:`environment`."""
        return AwsSettings(
            schedule=Schedule(every=timedelta(seconds=15)),
            endpoint=self.endpoint,
            types=TYPES,
            regions=REGIONS,
            accounts=AwsAccounts(discover="organizations", role=READ_ROLE, contain_role=CONTAIN_ROLE),
            events=AwsEvents(
                queue_url=self._estate.queue_url if self._estate is not None else None, region=REGIONS[0]
            ),
            budget=Budget(calls_per_second=1000, burst=1000, concurrency=8),
        )

    def environment(self) -> dict[str, str]:
        """The variables a process needs to use it: the credentials, which mean nothing elsewhere."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGIONS[0],
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
