/** crossws on Node, by its topics. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { peer as imported } from "../peers/peer.ts";
import { answer } from "./answer.ts";
import { eventText, eventTexts } from "./event.ts";
import { outcomeOf } from "./request.ts";

interface Peer {
  subscribe(topic: string): void;
  send(text: string): void;
}
interface Crossws {
  default(options: {
    readonly hooks: {
      open(peer: Peer): void;
      message(peer: Peer, message: { text(): string }): void;
    };
  }): {
    publish(topic: string, text: string): void;
    handleUpgrade(
      request: IncomingMessage,
      socket: Socket,
      head: Buffer,
    ): Promise<void>;
  };
}

const { default: crossws } = await imported<Crossws>("crossws/adapters/node");
const adapter = crossws({
  hooks: {
    open: (peer) => peer.subscribe("b"),
    message(peer, message) {
      const outcome = outcomeOf(message.text());
      if ("event" in outcome) adapter.publish("b", eventText(outcome.event));
      else peer.send(outcome.reply);
    },
  },
});
const server = createServer();
server.on("upgrade", (request, socket, head) => {
  void adapter.handleUpgrade(request, socket as Socket, head);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

await answer((server.address() as AddressInfo).port, {
  publish(events, size, kind) {
    for (const text of eventTexts(events, size, kind)) {
      adapter.publish("b", text);
    }
  },
});
