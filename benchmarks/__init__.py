"""The benchmarks: what tasks and connections cost on this project's kernel and loop, and with the peers.

    python -m benchmarks                                        what can be measured
    python -m benchmarks switch-100 queue-1 --against uvloop    measure some of it
    make bench                                                  measure all of it, and write benchmarks/results

A workload is one piece of work. Each contender does it in its own words; `dialects.py` lists the words that many
workloads need. The workloads are in the packages `scheduling`, `io` and `cost`, and in `applications.py`,
`databases.py` and `growth.py`; `catalogue.py` has all of them. `workload.py` says what a workload has to define, and
`measuring.py` how it is measured. `contenders.py` says who takes part. `report.py` and the package `charts` show
the figures.
"""
