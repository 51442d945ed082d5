"""Seeing what a kernel does."""
