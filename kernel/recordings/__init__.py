"""Recordings: all that a program did, in a file, to be looked at later. The floors below it work the same without this one.

`recorder` tells `writing` what happens while the program runs; the program gets it by `kernel.insight.record`. `reading`
makes a `Recording` of the file: first tables, then moments, each of which changes one thing. `states` says how things
stood after any of the moments. All views are made of that. docs/recording.md describes the format.
"""
