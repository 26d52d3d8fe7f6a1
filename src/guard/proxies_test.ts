import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import { parseAddress, Proxies, type ProxyOptions, type Source } from "./proxies.ts";

const trusted = ["10.0.0.0/8", "192.0.2.5", "fd00::/8", "::1"];

function locate(
  headers: Readonly<Record<string, string>>,
  peer = "10.0.0.1",
  options: ProxyOptions = { trusted },
): Source {
  return new Proxies(options).locate(new Request("http://hub.example.net/ws", { headers }), peer);
}

const addressFor = (headers: Readonly<Record<string, string>>, peer?: string) =>
  locate(headers, peer).address;

describe("Proxies.locate()", () => {
  it("believes nobody where no proxies are named", () => {
    const headers = {
      "X-Forwarded-For": "1.1.1.1",
      Forwarded: "for=1.1.1.1;host=evil.com;proto=https",
      "X-Forwarded-Host": "evil.com",
      "X-Forwarded-Proto": "https",
    };
    const source = { address: "127.0.0.1", host: "hub.example.net" };
    assertEquals(
      new Proxies().locate(new Request("http://hub.example.net", { headers }), "127.0.0.1"),
      source,
    );
    assertEquals(locate(headers, "127.0.0.1"), source);
  });

  it("takes the rightmost hop that is no proxy, whatever a client put before it", () => {
    assertEquals(addressFor({ "X-Forwarded-For": "203.0.113.7" }), "203.0.113.7");
    assertEquals(addressFor({ "X-Forwarded-For": "1.1.1.1, 203.0.113.7" }), "203.0.113.7");
    assertEquals(addressFor({ "X-Forwarded-For": "1.1.1.1,203.0.113.7, 10.9.9.9" }), "203.0.113.7");
    assertEquals(addressFor({ Forwarded: "for=1.1.1.1, for=203.0.113.7" }), "203.0.113.7");
    assertEquals(addressFor({ Forwarded: "for=203.0.113.7;by=x, for=192.0.2.5" }), "203.0.113.7");
  });

  it("takes the outermost hop where all are proxies", () => {
    assertEquals(addressFor({ "X-Forwarded-For": "10.0.0.3, 10.0.0.2" }), "10.0.0.3");
  });

  it("reads IPv6, IPv4 in IPv6, and ports", () => {
    const written: Readonly<Record<string, string>> = {
      "2001:db8::7": "2001:db8::7",
      "[2001:DB8:0::7]:4711": "2001:db8::7",
      "::ffff:203.0.113.7": "203.0.113.7",
      "203.0.113.7:4711": "203.0.113.7",
    };
    for (const [entry, address] of Object.entries(written)) {
      assertEquals(addressFor({ "X-Forwarded-For": entry }), address);
      assertEquals(addressFor({ Forwarded: `For="${entry}";Proto=HTTPS` }), address);
    }
    assertEquals(
      addressFor({ "X-Forwarded-For": "203.0.113.7" }, "::ffff:10.1.2.3"),
      "203.0.113.7",
    );
    assertEquals(addressFor({ "X-Forwarded-For": "203.0.113.7" }, "fd12::1"), "203.0.113.7");
    assertEquals(addressFor({ "X-Forwarded-For": "203.0.113.7" }, "fe80::1%eth0"), "fe80::1");
  });

  it("goes no further than a hop that names no address", () => {
    for (
      const hop of ["unknown", "_hidden", "evil", "", "0x7f.1", "1.2.3", "010.0.0.1", "1.2.3.4.5"]
    ) {
      assertEquals(addressFor({ "X-Forwarded-For": `1.1.1.1, ${hop}` }), "10.0.0.1", hop);
      assertEquals(addressFor({ "X-Forwarded-For": `1.1.1.1, ${hop}, 10.0.0.2` }), "10.0.0.2", hop);
    }
    assertEquals(addressFor({ Forwarded: "for=1.1.1.1, for=unknown" }), "10.0.0.1");
    assertEquals(addressFor({ Forwarded: "for=1.1.1.1, proto=https" }), "10.0.0.1");
  });

  it("ignores a malformed Forwarded as a whole", () => {
    for (
      const field of [
        "",
        "for",
        "for=",
        "for=1.1.1.1,",
        ",for=1.1.1.1",
        "for=1.1.1.1;",
        "for=1.1.1.1;for=2.2.2.2",
        'for="1.1.1.1',
        "for=1.1.1.1 for=2.2.2.2",
        "for = 1.1.1.1",
        `for="${"\\".repeat(4_000)}`,
      ]
    ) {
      assertEquals(addressFor({ Forwarded: field }), "10.0.0.1", field.slice(0, 50));
    }
    assertEquals(addressFor({ Forwarded: 'for="1.1.\\1.1"' }), "1.1.1.1");
  });

  it("believes neither field where both are and tell different addresses", () => {
    const both = { "X-Forwarded-For": "203.0.113.7", Forwarded: "for=1.1.1.1;host=evil.com" };
    assertEquals(locate(both), { address: "10.0.0.1", host: "hub.example.net" });
    const header = (header: "x-forwarded-for" | "forwarded") =>
      locate(both, "10.0.0.1", { trusted, header }).address;
    assertEquals([header("x-forwarded-for"), header("forwarded")], ["203.0.113.7", "1.1.1.1"]);
    assertEquals(addressFor({ ...both, Forwarded: "for=203.0.113.7" }), "203.0.113.7");
  });

  it("leaves what goes with X-Forwarded-For where the proxies write Forwarded", () => {
    const clients = { "X-Forwarded-Host": "evil.com", "X-Forwarded-Proto": "https" };
    const options = { trusted, header: "forwarded" } as const;
    const direct = { address: "10.0.0.1", host: "hub.example.net" };
    assertEquals(locate(clients, "10.0.0.1", options), direct);
    const told = locate({ ...clients, Forwarded: "for=203.0.113.7" }, "10.0.0.1", options);
    assertEquals(told, { ...direct, address: "203.0.113.7" });
  });

  it("learns from proxies what the request was sent to", () => {
    const chat = { host: "chat.example.com", scheme: "https" };
    const forwarded = "for=203.0.113.7;host=chat.example.com;proto=https";
    assertEquals(locate({ Forwarded: forwarded }), { address: "203.0.113.7", ...chat } as Source);
    assertEquals(
      locate({
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Host": "chat.example.com",
        "X-Forwarded-Proto": "https",
      }),
      { address: "203.0.113.7", ...chat } as Source,
    );
    assertEquals(
      locate({ "X-Forwarded-Host": "a.com, chat.example.com", "X-Forwarded-Proto": "gopher" }),
      { address: "10.0.0.1", host: "hub.example.net" },
    );
  });

  it("never throws, gives what the peer is where it is no proxy, and an address wherever it is one", () => {
    const field = fc.stringMatching(/^[\x20-\x7e]{0,60}$/);
    fc.assert(
      fc.property(field, field, fc.constantFrom("10.0.0.1", "8.8.8.8"), (list, elements, peer) => {
        const { address } = locate({ "X-Forwarded-For": list, Forwarded: elements }, peer);
        if (peer === "8.8.8.8") assertEquals(address, peer);
        assertEquals(parseAddress(address), address);
      }),
    );
  });

  it("agrees with walking from the right", () => {
    const hop = fc.oneof(
      fc.ipV4(),
      fc.ipV4().map((address) => address.replace(/^\d+/, "10")),
    );
    fc.assert(fc.property(fc.array(hop, { minLength: 1, maxLength: 8 }), (hops) => {
      const isProxy = (address: string) => address.startsWith("10.") || address === "192.0.2.5";
      const expected = hops.findLast((address) => !isProxy(address)) ?? hops[0]!;
      assertEquals(addressFor({ "X-Forwarded-For": hops.join(", ") }), expected);
      assertEquals(addressFor({ Forwarded: hops.map((h) => `for=${h}`).join(",") }), expected);
    }));
  });

  it("says which proxy is no address", () => {
    for (
      const entry of ["", "proxy.local", "10.0.0.0/33", "10.0.0/8", "*", "1.2.3", "::ffff:0:0/90"]
    ) {
      const error = assertThrows(() => new Proxies({ trusted: [entry] }), HeddleError);
      assertEquals(error.code, "option_invalid");
      assertEquals(error.message.includes(JSON.stringify(entry)), true, error.message);
    }
    const header = { trusted, header: "x-real-ip" } as unknown as ProxyOptions;
    assertThrows(() => new Proxies(header), HeddleError, "x-real-ip");
    const misspelt = { trusted, trust: [] } as ProxyOptions;
    assertThrows(() => new Proxies(misspelt), HeddleError, "there are: trusted, header");
  });

  it("takes a range of IPv4 in IPv6 for what it is", () => {
    const options = { trusted: ["::ffff:10.0.0.0/104"] };
    assertEquals(
      locate({ "X-Forwarded-For": "203.0.113.7" }, "10.1.1.1", options).address,
      "203.0.113.7",
    );
  });
});
