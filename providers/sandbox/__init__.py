"""The three clouds on this machine: for the demo, for drills, for trying policies, and for our own tests.

Each emulator speaks its cloud's real wire protocol to the cloud's real SDK, over loopback, and can be told to fail in
the ways clouds do (:mod:`providers.sandbox.faults`). It imports no adapter of ours: what it says is what the cloud says.
"""
