"""Rego: regorus in worker processes that can be killed."""
