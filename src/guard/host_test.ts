import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { refuseHost } from "./host.ts";

/** Hosts as they come, one line each. */
function refusal(...hosts: readonly string[]) {
  const headers = new Headers(hosts.map((host): [string, string] => ["host", host]));
  return refuseHost(headers.get("host"));
}

describe("refuseHost()", () => {
  it("takes names and addresses, with a port or without", () => {
    for (
      const host of [
        "localhost",
        "LOCALHOST:1",
        "example.com:",
        "my_service.internal:65535",
        "127.0.0.1:8000",
        "[::1]",
        "[::ffff:127.0.0.1]:8000",
        "xn--bcher-kva.example",
      ]
    ) assertEquals(refusal(host), undefined, host);
  });

  it("refuses none, several, and what names no host, with 400", () => {
    for (
      const hosts of [
        [],
        ["a.example", "b.example"],
        ["a.example", "a.example"],
        ...[
          "",
          "a.example,b.example",
          "a .example",
          "a.example/path",
          "me@a.example",
          "a.example?x",
          "a.example#x",
          "a.example\\x",
          "a.example:http",
          "a.example:65536",
          "a.example:1:2",
          "::1",
          "[::1",
          "[a.example]",
          "b\xfccher.example",
          "1.2.3.256",
        ].map((host) => [host]),
      ]
    ) {
      const refused = refusal(...hosts);
      assert(refused !== undefined, hosts.join(" and "));
      assertEquals([refused.status, refused.error], [400, "bad_handshake"]);
    }
  });
});
