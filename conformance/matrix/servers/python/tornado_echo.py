import asyncio
import os
import platform

import tornado
from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler


class Echo(WebSocketHandler):
    def get_compression_options(self):
        return {}

    async def on_message(self, message):
        try:
            await self.write_message(message, binary=isinstance(message, bytes))
        except WebSocketClosedError:
            pass


async def main():
    limit = int(os.environ["MAX_MESSAGE"])
    app = Application([("/", Echo)], websocket_max_message_size=limit)
    app.listen(int(os.environ["PORT"]), "127.0.0.1")
    print(f"tornado {tornado.version} | Python {platform.python_version()}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
