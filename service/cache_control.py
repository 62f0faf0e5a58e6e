"""How long answers may be kept: the header Cache-Control."""

from __future__ import annotations

FOR_EVER = "public, max-age=31536000, immutable"
"""The address never means anything else."""

FOR_AN_HOUR = "public, max-age=3600"
"""What changes with the version of the service only."""

FOR_A_MINUTE = "public, max-age=60, stale-while-revalidate=600"
"""What may change at any time, and need not be the newest at once."""
