"""Serves until SIGTERM or SIGINT: python3 -m foreign_server --help"""

import argparse
import asyncio
import json
import pathlib
import signal

from .identity import Identities
from .server import Server

CHANNELS = pathlib.Path(__file__).parents[1] / "channels.json"


def parse_args():
    parser = argparse.ArgumentParser(prog="foreign_server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--channels", type=pathlib.Path, default=CHANNELS, help="a JSON file")
    parser.add_argument("--secret", help="takes JWTs signed by it with HS256")
    parser.add_argument("--token", action="append", default=[], metavar="TOKEN=USER:ROLE")
    parser.add_argument("--no-anonymous", action="store_true", help="refuses who has no token")
    parser.add_argument("--heartbeat", type=float, default=30, metavar="SECONDS")
    parser.add_argument("--session", type=float, default=300, metavar="SECONDS")
    parser.add_argument("--connections", type=int, default=1_000, metavar="COUNT")
    return parser.parse_args()


def tokens_of(entries):
    tokens = {}
    for entry in entries:
        token, _, who = entry.partition("=")
        user_id, _, role = who.partition(":")
        tokens[token] = {"user_id": user_id, "role": role or "viewer"}
    return tokens


async def main():
    args = parse_args()
    with open(args.channels, encoding="utf-8") as file:
        declarations = json.load(file)
    identities = Identities(tokens_of(args.token), args.secret, not args.no_anonymous)
    server = Server(declarations, identities, args.heartbeat, args.session, args.connections)
    listening = await server.start(args.host, args.port)
    port = listening.sockets[0].getsockname()[1]
    print(f"listening on ws://{args.host}:{port}/ws", flush=True)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
    await server.drain()
    listening.close()


if __name__ == "__main__":
    asyncio.run(main())
