"""A way into an account of the emulated AWS: its clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from providers.aws.described import new_session
from providers.sandbox.caller import HEADER

READ_ROLE: Final = "WatchstanderRead"
CONTAIN_ROLE: Final = "WatchstanderContain"
_CONFIG: Final = Config(
    parameter_validation=False,
    inject_host_prefix=False,
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
)


@dataclass(slots=True)
class Door:
    """Clients of one account at an emulator."""

    endpoint: str
    account: str
    session: boto3.Session
    seeding: bool = False
    """Whether calls say by moto's own header whose account they are for: no AssumeRole, and one set of clients for all."""
    caller: str | None = None
    """In whose name calls are made, where it matters."""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """The client of a service; the same each time."""
        key = (service, region)
        if key not in self._clients:
            client = self.session.client(
                service, region_name=region, endpoint_url=self.endpoint, config=_CONFIG
            )
            client.meta.events.register("before-sign.s3-control", self._to_one_host)
            if self.seeding:
                client.meta.events.register("before-send", self._name_account)
            if self.caller is not None:
                client.meta.events.register("before-send", self._name_caller)
            self._clients[key] = client
        return self._clients[key]

    def _to_one_host(self, request: Any, **_: Any) -> None:
        # botocore puts the account before the host of S3 Control, and 1234.127.0.0.1 is nobody.
        request.url = urlsplit(request.url)._replace(netloc=urlsplit(self.endpoint).netloc).geturl()

    def _name_account(self, request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = self.account

    def _name_caller(self, request: Any, **_: Any) -> None:
        request.headers[HEADER] = self.caller

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()


def enter(endpoint: str, account: str | None = None) -> Door:
    """The sandbox's own account, or another one by its role."""
    own = _session("AKIASANDBOX000000000", "sandbox")
    door = Door(endpoint, "", own)
    try:
        sts = door.client("sts")
        door.account = sts.get_caller_identity()["Account"]
        if account in (None, door.account):
            return door
        role = f"arn:aws:iam::{account}:role/{CONTAIN_ROLE}"
        given = sts.assume_role(RoleArn=role, RoleSessionName="sandbox")["Credentials"]
    except BaseException:
        door.close()
        raise
    door.close()
    session = _session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return Door(endpoint, str(account), session)


def _session(key: str, secret: str, token: str | None = None) -> boto3.Session:
    return boto3.Session(key, secret, token, region_name="us-east-1", botocore_session=new_session())
