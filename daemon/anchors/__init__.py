"""Places outside the database where the ledger's heads are noted."""
