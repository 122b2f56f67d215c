"""A Google Cloud of our own on this machine: Cloud Asset over gRPC and REST, and the services' REST APIs, one estate."""

from providers.sandbox.gcp.emulator import SUBSCRIPTION, GcpEmulator

__all__ = ["SUBSCRIPTION", "GcpEmulator"]
