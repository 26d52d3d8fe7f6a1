import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { HeddleError } from "../base/errors.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { createHub } from "../hub/hub.ts";
import { adapterHere } from "../testing/serve.ts";
import { listening } from "./server.ts";

const { serve } = await adapterHere();

describe("serve()", () => {
  const hub = createHub({ auth: allowAnonymous() });
  const wrong: readonly (readonly [string, object])[] = [
    ['no option "prot"; there are: port, hostname, signal, path, cors, adminRoles', { prot: 1 }],
    ["port is 70000; it must be an integer from 0 to 65535", { port: 70_000 }],
    ["port is -1; it must be", { port: -1 }],
    ['port is "8000"; it must be', { port: "8000" }],
    ["hostname must be a host name or an IP address", { port: 0, hostname: "" }],
    ["hostname must be", { port: 0, hostname: 5 }],
    ['path is "ws"; it must be', { port: 0, path: "ws" }],
    ["adminRoles must be a list", { port: 0, adminRoles: "admin" }],
  ];
  for (const [why, options] of wrong) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      const { code } = await assertRejects(() => serve(hub, options), HeddleError, why);
      assertEquals(code, "option_invalid");
    });
  }

  it("takes undefined for the default, as every other option does", async () => {
    const options: object = { port: 0, hostname: undefined, signal: undefined };
    const server = await serve(hub, options);
    assertEquals(server.hostname, "127.0.0.1");
    await server.close();
  });

  it("writes an IPv6 address in brackets where it is part of a URL", async () => {
    const server = listening({ hostname: "::1", port: 8000 }, () => Promise.resolve());
    assertEquals([server.url, server.hostname], ["http://[::1]:8000", "::1"]);
    await server.close();
  });
});
