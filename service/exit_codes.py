"""Exit codes of the command line."""

from __future__ import annotations

EXIT_REFUSED = 1
"""The command understood you, and cannot do it."""

EXIT_USAGE = 2
"""The command line or a setting is wrong."""

EXIT_INTERRUPTED = 130
"""Ctrl-C; what shells give a program that SIGINT ended."""
