import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import crossws from "crossws/adapters/node";

const manifest = new URL("node_modules/crossws/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8"));
const sockets = crossws({
  hooks: {
    message(peer, message) {
      peer.send(typeof message.rawData === "string" ? message.rawData : message.uint8Array());
    },
  },
  serverOptions: { maxPayload: Number(process.env.MAX_MESSAGE), perMessageDeflate: true },
});
const server = createServer((_, response) => response.writeHead(404).end());
server.on("upgrade", sockets.handleUpgrade);
server.listen(Number(process.env.PORT), "127.0.0.1");
console.log(`crossws ${version} | Node ${process.versions.node}`);
