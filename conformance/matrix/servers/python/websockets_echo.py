import asyncio
import os
import platform

import websockets
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


async def echo(connection):
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass


async def main():
    limit = int(os.environ["MAX_MESSAGE"])
    async with serve(echo, "127.0.0.1", int(os.environ["PORT"]), max_size=limit) as server:
        print(f"websockets {websockets.__version__} | Python {platform.python_version()}", flush=True)
        await server.serve_forever()


asyncio.run(main())
