"""What each command of `ziggurat` does, one file for each kind: they parse, call a use-case, and tell."""
