"""An Azure of our own on this machine: Azure Resource Manager and Resource Graph over HTTP, with an estate in it."""

from providers.sandbox.azure.server import AzureEmulator

__all__ = ["AzureEmulator"]
