import os
import platform

import aiohttp
from aiohttp import WSMsgType, web


async def echo(request):
    # It takes messages of fewer bytes than that.
    socket = web.WebSocketResponse(max_msg_size=int(os.environ["MAX_MESSAGE"]) + 1)
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


app = web.Application()
app.add_routes([web.get("/", echo)])
print(f"aiohttp {aiohttp.__version__} | Python {platform.python_version()}", flush=True)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None)
