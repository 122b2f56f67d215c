"""What good is, as code: policies, their engines, and the judgement of resources by them. No cloud SDK, no database."""
