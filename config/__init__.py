"""What the operator says: settings, where they come from, and what is wrong with them. Imports nothing of ours."""
