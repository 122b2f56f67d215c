"""The sandbox: the emulated clouds together, and the configuration that points at them.

    with Sandbox(clouds=("aws",)) as sandbox:
        settings = sandbox.providers()
        os.environ.update(sandbox.environment())

It is the same thing in a test, in the demo, in a drill and behind ``watchstander sandbox``. A cloud that is not asked for
is not imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final, Self

from config.clouds import Providers
from providers.sandbox.faults import Faults

CLOUDS: Final = ("aws", "azure", "gcp")


class Sandbox:
    """The emulated clouds. A context manager; :meth:`start` and :meth:`close` do the same.

    ``seed`` fills each with its estate of good and bad twins. Raises ValueError for a cloud we do not emulate.
    """

    def __init__(
        self, clouds: Sequence[str] = CLOUDS, *, seed: bool = True, faults: Faults | None = None
    ) -> None:
        unknown = [cloud for cloud in clouds if cloud not in CLOUDS]
        if unknown or not clouds:
            raise ValueError(
                f"no such cloud: {', '.join(unknown) or 'none given'} (there are {', '.join(CLOUDS)})"
            )
        self.clouds = tuple(dict.fromkeys(clouds))
        self.faults = faults if faults is not None else Faults()
        self._seed = seed
        self._emulators: dict[str, Any] = {}
        self._running = ExitStack()

    def start(self) -> Self:
        """Start every cloud, each on a free port of 127.0.0.1. What has started is closed again if one cannot."""
        try:
            for cloud in self.clouds:
                emulator = _emulator(cloud)(faults=self.faults, seed=self._seed)
                self._running.callback(emulator.close)
                emulator.start()
                self._emulators[cloud] = emulator
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Stop every cloud and forget what was in it."""
        self._emulators.clear()
        self._running.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def emulator(self, cloud: str) -> Any:
        """The running emulator of a cloud (``AwsEmulator``, ``AzureEmulator``, ``GcpEmulator``). Raises KeyError."""
        return self._emulators[cloud]

    def providers(self) -> Providers:
        """Settings for the clouds that run, pointing at them."""
        return Providers(**{cloud: emulator.settings() for cloud, emulator in self._emulators.items()})

    def environment(self) -> dict[str, str]:
        """The environment variables a client process needs: credentials that mean nothing elsewhere."""
        found: dict[str, str] = {}
        for emulator in self._emulators.values():
            environment = getattr(emulator, "environment", None)
            found |= environment() if environment is not None else {}
        return found

    def endpoints(self) -> dict[str, dict[str, str]]:
        """Cloud -> name -> endpoint, and where its faults are planned over HTTP."""
        found: dict[str, dict[str, str]] = {}
        for cloud, emulator in self._emulators.items():
            rest = getattr(emulator, "rest_endpoint", None)
            web = rest or emulator.endpoint
            found[cloud] = {"endpoint": emulator.endpoint} | ({"rest_endpoint": rest} if rest else {})
            found[cloud]["faults"] = f"{web}/_sandbox/faults"
        return found

    def configuration(self) -> dict[str, Any]:
        """A configuration file's content, as data: the providers that point here, everything else at its default."""
        return {
            "providers": self.providers().model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        }


def _emulator(cloud: str) -> Any:
    """The emulator's class; its cloud's libraries are imported here and not before."""
    if cloud == "aws":
        from providers.sandbox.aws import AwsEmulator

        return AwsEmulator
    if cloud == "azure":
        from providers.sandbox.azure import AzureEmulator

        return AzureEmulator
    from providers.sandbox.gcp import GcpEmulator  # type: ignore[import-not-found, unused-ignore]

    return GcpEmulator
