"""Applications that real servers serve in the tests: one for any ASGI server, and one of FastAPI's."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, UploadFile
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

PIECE = 64 * 1024
PIECES = 48  # three MiB in all


def piece(number: int) -> bytes:
    return bytes([number % 251]) * PIECE


BODY = b"".join(map(piece, range(PIECES)))
BODY_HASH = hashlib.sha256(BODY).hexdigest()


def loop_name() -> str:
    loop = type(asyncio.get_running_loop())
    return f"{loop.__module__}.{loop.__qualname__}"


async def pieces() -> AsyncIterator[bytes]:
    for number in range(PIECES):
        yield piece(number)


async def about(request: Any) -> Any:
    return JSONResponse({"loop": loop_name(), "pid": os.getpid(), "client": request.client and request.client.port,
                         "started": request.app.state.started_on, "version": request.scope["http_version"]})


async def hash_of(request: Any) -> Any:
    digest, size = hashlib.sha256(), 0
    async for data in request.stream():
        digest.update(data)
        size += len(data)
    return JSONResponse({"hash": digest.hexdigest(), "size": size})


async def stream(request: Any) -> Any:
    return StreamingResponse(pieces(), media_type="application/octet-stream")


async def until_nobody_listens(request: Any) -> Any:
    """Works until the server accepts no more connections, and for a little while longer."""

    async def work() -> AsyncIterator[bytes]:
        yield b"working\n"
        while True:
            try:
                _, writer = await asyncio.open_connection(*request.scope["server"])
            except ConnectionRefusedError:
                break
            writer.close()
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        yield b"done"

    return StreamingResponse(work())


async def stall(request: Any) -> Any:
    await asyncio.sleep(3600)


async def fail(request: Any) -> Any:
    raise RuntimeError("as the test wants it")


async def work(request: Any) -> Any:
    """Waits in all the ways there are: for a timer, for a thread, for other tasks, with a limit that passes."""
    async with asyncio.timeout(20):
        _, answer = await asyncio.gather(asyncio.sleep(0.001), asyncio.to_thread(int, request.query_params["n"]))
    try:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()
    except TimeoutError:
        return JSONResponse(answer)


async def hello(request: Any) -> Any:
    return PlainTextResponse("Hello, world!")


async def echo(websocket: Any) -> None:
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "end":
            await websocket.close(4001, "as you wish")
            return
        if message.get("text") is not None:
            await websocket.send_text(message["text"])
        else:
            await websocket.send_bytes(message["bytes"])


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    app.state.started_on = loop_name()
    yield
    print("the application has ended on", loop_name(), flush=True)


starlette_app = Starlette(lifespan=lifespan, routes=[
    Route("/about", about), Route("/hash", hash_of, methods=["POST"]), Route("/stream", stream),
    Route("/until-nobody-listens", until_nobody_listens), Route("/stall", stall), Route("/fail", fail),
    Route("/work", work), Route("/hello", hello), WebSocketRoute("/echo", echo)])


class Item(BaseModel):
    name: str
    price: Annotated[float, Field(gt=0)]


fastapi_app = FastAPI()
events: list[str] = []


async def resource() -> AsyncIterator[str]:
    events.append("opened")
    yield loop_name()
    events.append("closed")


@fastapi_app.post("/items")
async def make(item: Item, loop: Annotated[str, Depends(resource)], background: BackgroundTasks) -> dict[str, Any]:
    background.add_task(events.append, "afterwards")
    if item.name == "nothing":
        raise HTTPException(404, "there is no such thing")
    return {"name": item.name, "double": item.price * 2, "loop": loop}


@fastapi_app.get("/events")
async def told() -> list[str]:
    told, events[:] = list(events), []
    return told


@fastapi_app.get("/in-a-thread")
def in_a_thread() -> dict[str, bool]:
    return {"main": threading.current_thread() is threading.main_thread()}


@fastapi_app.post("/upload")
async def upload(file: UploadFile) -> dict[str, Any]:
    content = await file.read()
    return {"name": file.filename, "size": len(content), "hash": hashlib.sha256(content).hexdigest()}
