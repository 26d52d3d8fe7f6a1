import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { allowAnonymous } from "../guard/identity.ts";
import { createHub } from "../hub/hub.ts";
import { serveHere } from "../testing/serve.ts";
import { run } from "./testing.ts";

describe("heddle conformance", () => {
  it("hands every word to the kit, and its exit code back", async () => {
    const listed = await run(["conformance", "--list", "json", "--only", "rfc6455/4.2.2/*"]);
    assertEquals([listed.code, listed.stderr], [0, ""]);
    const [first] = JSON.parse(listed.stdout) as { id: string }[];
    assert(first!.id.startsWith("rfc6455/4.2.2/"), first!.id);

    const misused = await run(["conformance", "--url", "no-url"]);
    assertEquals([misused.code, misused.stdout], [2, ""]);
    assertEquals(misused.stderr.trim().split("\n").length, 1, misused.stderr);
  });

  it("judges a hub that runs", async () => {
    await using hub = createHub({ auth: allowAnonymous() });
    const server = await serveHere(hub);
    const url = `${server.url.replace(/^http/, "ws")}/ws`;
    const only = ["--only", "rfc6455/4.2.2/opening-handshake"];
    const { code, stdout, stderr } = await run(["conformance", "--url", url, ...only]);
    assertEquals(code, 0, stdout + stderr);
    await hub.drain();
    await server.close();
  });
});
