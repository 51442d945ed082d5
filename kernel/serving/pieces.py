"""JSON that is made piece by piece, so that the program goes on meanwhile: in the encoder no other thread can run."""

from __future__ import annotations


def to_json(value: object) -> str:
    return in_pieces(value, 4) + "\n"  # of a snapshot down to each task and each lock


def in_pieces(value: object, levels: int) -> str:
    """`value` as JSON. The upper levels are put together here."""
    import json  # here, to save start-up time: most programs are never asked
    if levels and isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {in_pieces(item, levels - 1)}" for key, item in value.items()) + "}"
    if levels and isinstance(value, list):
        return "[" + ", ".join(in_pieces(item, levels - 1) for item in value) + "]"
    return json.dumps(value)
