"""CPython's own tests of asyncio, run once as they are and once on this project's loop, Future and Task.

    python -m tests.conformance [--modules test_tasks,test_futures] [--verbose]

The tests are those installed with the running interpreter (`test.test_asyncio`); none of them is kept here. What passes
on asyncio has to pass on `compat`, but for the tests in `exclusions.toml`, each of which is there for a reason.
"""
