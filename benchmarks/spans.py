"""Spans of time that several workloads share."""

from __future__ import annotations

SEED = 1
DISTANT = 3600.0  # seconds; a deadline that never comes
