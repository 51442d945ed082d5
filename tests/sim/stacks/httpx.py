"""httpx' client, on anyio, with uvicorn's server and Starlette: lifespan, a pool, streams, a background task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

done: list[str] = []


@asynccontextmanager
async def lifespan(application: Any) -> AsyncIterator[None]:
    await asyncio.sleep(0.1)
    done[:] = ["began"]
    yield
    done.append("ended")


async def hello(request: Any) -> Any:
    await asyncio.sleep(0.05)
    return JSONResponse({"hello": request.path_params["name"]})


async def back(request: Any) -> Any:
    async def note() -> None:
        done.append("sent")

    return Response((await request.body())[::-1], background=BackgroundTask(note))


async def numbers(request: Any) -> Any:
    async def lines() -> AsyncIterator[str]:
        for number in range(5):
            yield f"{number}\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(lines())


@asynccontextmanager
async def serving(host: str, port: int) -> AsyncIterator[int]:
    application = Starlette(lifespan=lifespan, routes=[
        Route("/hello/{name}", hello), Route("/back", back, methods=["POST"]), Route("/numbers", numbers)])
    server = uvicorn.Server(uvicorn.Config(application, host=host, port=port, log_level="warning"))
    task = asyncio.create_task(server.serve(), name="uvicorn")
    while not server.started:
        assert not task.done(), task
        await asyncio.sleep(0.05)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task
    assert done == ["began", "sent", "ended"], done


async def use(host: str, port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=None, verify=False,
                                 limits=httpx.Limits(max_connections=2)) as client:
        answers = await asyncio.gather(*(client.get(f"/hello/{name}") for name in ("ann", "bob", "cid", "dan")))
        assert [answer.json()["hello"] for answer in answers] == ["ann", "bob", "cid", "dan"]
        body = bytes(range(256)) * 1000
        assert (await client.post("/back", content=body)).content == body[::-1]
        async with client.stream("GET", "/numbers") as response:
            assert [line async for line in response.aiter_lines()] == ["0", "1", "2", "3", "4"]
        assert (await client.get("/nothing")).status_code == 404
