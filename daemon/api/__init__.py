"""The daemon over HTTP: health, readiness and metrics. It changes nothing."""
