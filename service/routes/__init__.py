"""Routes, one file per resource. Each parses, calls a use-case and shapes the answer."""
