"""The charts: how many times as fast as asyncio each contender is.

`marks.py` takes from the rows what there is to draw. `canvas.py` says what both charts look like. `families.py` draws
the small chart, of each family's mean, and `every_row.py` the long one. All but `marks.py` need matplotlib.

    python -m benchmarks.charts                  draw the charts of all results in benchmarks/results again
    python -m benchmarks.charts run/3.13.json    those of this file
"""
