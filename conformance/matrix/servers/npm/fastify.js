import { createRequire } from "node:module";
import websocket from "@fastify/websocket";
import Fastify from "fastify";

const { version } = createRequire(import.meta.url)("@fastify/websocket/package.json");
const fastify = Fastify();
await fastify.register(websocket, {
  options: { maxPayload: Number(process.env.MAX_MESSAGE), perMessageDeflate: true },
});
fastify.get("/", { websocket: true }, (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
await fastify.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });
console.log(
  `@fastify/websocket ${version}, fastify ${fastify.version} | Node ${process.versions.node}`,
);
