"""The clouds: what is there, read honestly, and the few things we may change. The only importer of cloud SDKs."""
