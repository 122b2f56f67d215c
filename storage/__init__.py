"""Everything that is remembered: scopes and their coverage, every version of every resource, findings, cycles, acts and
the ledger, on SQLite or PostgreSQL with one schema.

Only this package imports the database libraries. Times are aware UTC outside and int64 microseconds inside.
"""
