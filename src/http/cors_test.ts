import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { channel } from "../channel/definition.ts";
import type { OriginOptions } from "../guard/origin.ts";
import type { ProxyOptions } from "../guard/proxies.ts";
import { createHub } from "../hub/hub.ts";
import { serveHere } from "../testing/serve.ts";
import { type RouteOptions, routes } from "./routes.ts";

const REST = "/api/v1/websocket";
const app = "https://app.example.com";
const allow = [app, "https://*.example.org"];

function testHub(origin?: OriginOptions, proxies?: ProxyOptions) {
  return createHub({
    // As an application with cookies would: whoever has one is an admin.
    auth: () => ({ userId: "u1", role: "admin", claims: {} }),
    channels: { news: channel({ permissions: { admin: ["broadcast"] } }) },
    origin,
    proxies,
  });
}

async function ask(
  path: string,
  headers: Readonly<Record<string, string>>,
  { method = "GET", origin = { allow } as OriginOptions, ...options }:
    & RouteOptions
    & { readonly method?: string; readonly origin?: OriginOptions } = {},
): Promise<Response> {
  await using hub = testHub(origin);
  const body = method === "POST" ? { body: '{"event_type":"said","data":1}' } : {};
  return await routes(hub, options).request(`http://hub.example.net${path}`, {
    method,
    headers,
    ...body,
  });
}

const readable = (response: Response) => response.headers.get("access-control-allow-origin");
const varies = (response: Response) => response.headers.get("vary")?.includes("Origin") ?? false;
const broadcast = `${REST}/broadcast?channel=news`;

describe("CORS", () => {
  for (const path of ["/ws/config", "/health", `${REST}/channels`, `${REST}/channels/nobody`]) {
    it(`lets pages of named origins, and no others, read ${path}`, async () => {
      for (const origin of [app, "https://a.b.example.org"]) {
        const response = await ask(path, { Origin: origin });
        assertEquals([readable(response), varies(response)], [origin, true]);
        assertEquals(response.headers.get("access-control-allow-credentials"), "true");
      }
      for (const origin of ["https://evil.com", "null", "https://example.org"]) {
        const response = await ask(path, { Origin: origin });
        assertEquals([readable(response), varies(response)], [null, true]);
        assertEquals(response.headers.get("access-control-allow-credentials"), null);
      }
      const response = await ask(path, {});
      assertEquals([readable(response), varies(response)], [null, true]);
    });
  }

  it("answers a preflight of a named origin, and refuses another's", async () => {
    const asks = {
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization, content-type",
    };
    const options = { method: "OPTIONS" };
    const { status, headers } = await ask(broadcast, { ...asks, Origin: app }, options);
    assertEquals(status, 204);
    assertEquals(headers.get("access-control-allow-origin"), app);
    assertEquals(headers.get("access-control-allow-methods"), "GET,HEAD,POST");
    assertEquals(headers.get("access-control-allow-headers"), "Authorization,Content-Type");
    assertEquals(headers.get("access-control-max-age"), "600");
    const refused = await ask(broadcast, { ...asks, Origin: "https://evil.com" }, options);
    assertEquals([refused.status, readable(refused)], [405, null]);
  });

  it("lets every page read, without cookies, where every page may connect", async () => {
    const response = await ask("/health", { Origin: "https://evil.com" }, {
      origin: { allow: "any" },
    });
    assertEquals(readable(response), "https://evil.com");
    assertEquals(response.headers.get("access-control-allow-credentials"), null);
  });

  it("says nothing where no origins are named, or it is switched off", async () => {
    for (const options of [{ origin: {} }, { cors: false }]) {
      const response = await ask("/health", { Origin: app }, options);
      assertEquals([response.status, readable(response), varies(response)], [200, null, false]);
    }
  });

  it("refuses a broadcast that another page makes a browser send with its cookies", async () => {
    const post = { method: "POST" };
    const refused = await ask(broadcast, { Origin: "https://evil.com" }, post);
    assertEquals(refused.status, 403);
    assertEquals((await refused.json()).error, "origin_not_allowed");
    for (const origin of [app, "http://hub.example.net"]) {
      const headers = { Origin: origin, Host: "hub.example.net" };
      assertEquals((await ask(broadcast, headers, post)).status, 200, origin);
    }
    assertEquals((await ask(broadcast, {}, post)).status, 200);
  });

  it("works over a socket, and knows the own host behind a proxy that is named", async () => {
    await using hub = testHub({ allow }, { trusted: ["127.0.0.1"] });
    const server = await serveHere(hub);
    const post = async (headers: Readonly<Record<string, string>>) => {
      const { url } = server;
      const body = '{"event_type":"said","data":1}';
      const response = await fetch(url + broadcast, { method: "POST", headers, body });
      await response.body?.cancel();
      return response;
    };
    const response = await post({ Origin: app });
    assertEquals([response.status, readable(response)], [200, app]);
    assertEquals((await post({ Origin: "https://evil.com" })).status, 403);
    const forwarded = { "X-Forwarded-Host": "hub.example.net", "X-Forwarded-Proto": "https" };
    assertEquals((await post({ ...forwarded, Origin: "https://hub.example.net" })).status, 200);
    assertEquals((await post({ Origin: "https://hub.example.net" })).status, 403);
    await server.close();
  });
});
