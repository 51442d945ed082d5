"""Where things are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of the project
CERTIFICATES = Path(__file__).parent / "certs"  # see certs/README.md
