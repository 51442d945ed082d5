"""A queue between one task that makes work and two that do it.

    python3 -m kernel examples/movies/two_workers.py

Look at the queue under "Blocked". At first both workers wait at it, and each new job wakes one of them. The jobs come
faster than two workers can do them. So soon nobody waits for a job any more: jobs wait for a worker, and when two jobs
wait, the queue is full and `main` has to wait too. That is back-pressure. When the queue is closed, the workers end.
"""

from kernel import Queue, TaskGroup, sleep


async def work(jobs: Queue[str]) -> None:
    async for job in jobs:
        await sleep(2)
        print(job, "is done")


async def main() -> None:
    jobs: Queue[str] = Queue(2)
    async with TaskGroup() as workers:
        await workers.spawn(work(jobs), name="Ann")
        await workers.spawn(work(jobs), name="Bob")
        for job in "wash", "cook", "iron", "sweep", "bake", "mend":
            await sleep(0.4)
            await jobs.put(job)
        jobs.close()
