"""The benchmarks: what tasks and connections cost here and with the peers, measured in turn.

    python -m benchmarks                                        what can be measured
    python -m benchmarks switch-100 queue-1 --against uvloop    measure some of it
    make bench                                                  measure all of it, and write benchmarks/results

A workload is one piece of work, written for each contender in that contender's own words; the packages `scheduling`,
`io` and `cost` and the files `applications.py`, `databases.py` and `growth.py` hold nothing else. `measuring.py` says how
they are measured, `contenders.py` who takes part, `report.py` and `chart.py` what is made of the figures.
"""
