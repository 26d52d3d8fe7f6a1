"""The same ASGI application under uvicorn (websockets, wsproto) and hypercorn."""

import asyncio
import os
import platform
import sys
from importlib.metadata import version


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            await send({"type": f"{event['type']}.complete"})
            if event["type"] == "lifespan.shutdown":
                return
    if scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"not a WebSocket"})
        return
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.receive":
            try:
                await send({**event, "type": "websocket.send"})
            except OSError:
                return
        elif event["type"] == "websocket.disconnect":
            return


def run_uvicorn(ws, port, limit):
    import uvicorn

    uvicorn.run(app, host="127.0.0.1", port=port, ws=ws, ws_max_size=limit, log_level="critical")


def run_hypercorn(port, limit):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.websocket_max_message_size = limit
    asyncio.run(serve(app, config))


if __name__ == "__main__":
    server, protocol = sys.argv[1:]
    port, limit = int(os.environ["PORT"]), int(os.environ["MAX_MESSAGE"])
    library = protocol.removesuffix("-sansio")
    versions = f"{server} {version(server)}, {library} {version(library)}"
    print(f"{versions} | Python {platform.python_version()}", flush=True)
    if server == "uvicorn":
        run_uvicorn(protocol, port, limit)
    else:
        run_hypercorn(port, limit)
