"""The daemon: it schedules, reads, judges, decides and acts, and tells what it did."""
