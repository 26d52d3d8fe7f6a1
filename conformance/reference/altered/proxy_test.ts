import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { startAltered } from "./proxy.ts";

const ANSWER = "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}";

describe("startAltered()", () => {
  it("passes on an answer that is followed by a reset, when more of the request comes with it", async () => {
    const request = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n";
    let client: Socket | undefined;
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        // All at once, so that the proxy hears of both together, and of the client first.
        client?.write("xx");
        socket.write(ANSWER);
        socket.resetAndDestroy();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await using altered = await startAltered(url, {});
    const answer = await new Promise<string>((resolve) => {
      let all = "";
      client = connect({
        port: Number(new URL(altered.url).port),
        host: "127.0.0.1",
        noDelay: true,
      });
      client.on("data", (chunk) => all += String(chunk));
      client.on("error", () => {});
      client.on("close", () => resolve(all));
      client.write(request);
    });
    server.close();
    assertEquals(answer, ANSWER);
  });
});
