import asyncio
import os
import platform

import autobahn
from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        self.sendMessage(payload, isBinary)


def accept(offers):
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)


async def main():
    port = int(os.environ["PORT"])
    limit = int(os.environ["MAX_MESSAGE"])
    factory = WebSocketServerFactory(f"ws://127.0.0.1:{port}")
    factory.protocol = Echo
    factory.setProtocolOptions(
        maxMessagePayloadSize=limit, maxFramePayloadSize=limit, perMessageCompressionAccept=accept
    )
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", port)
    print(f"autobahn {autobahn.__version__} | Python {platform.python_version()}", flush=True)
    await server.serve_forever()


asyncio.run(main())
