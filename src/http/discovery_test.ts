import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { HeddleError } from "../base/errors.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { routes } from "./routes.ts";
import { testHub } from "./fixture.ts";

describe("GET /ws/config", () => {
  it("tells what is in force and nothing else", async () => {
    const hub = testHub({ heartbeat: { interval: 1234 }, limits: { text: 2048 } });
    const response = await routes(hub).request("/ws/config");
    assertEquals(response.status, 200);
    assertEquals(await response.json(), {
      websocket_config: {
        version: "1.0",
        features: {
          json_first: true,
          auth_required: false,
          heartbeat_supported: true,
          reconnection_supported: true,
          rate_limiting: true,
          message_queuing: true,
        },
        endpoints: { websocket: "/ws", service_discovery: "/ws/config" },
        connection_limits: {
          max_message_size: 2048,
          max_subscriptions: 256,
          max_connections_per_user: 5,
          heartbeat_interval: 1234,
        },
        server_status: "healthy",
      },
      status: "success",
    });
  });

  it("tells whether a credential is required by asking the authenticator, once", async () => {
    let asked = 0;
    const hub = testHub({
      auth: (request) => {
        asked++;
        assertEquals(request.headers.get("authorization"), null);
        throw new HeddleError("unauthorized", "no");
      },
    });
    const app = routes(hub);
    for (let i = 0; i < 3; i++) {
      const response = await app.request("/ws/config?token=x", { headers: { Authorization: "y" } });
      const { websocket_config } = await response.json();
      assertEquals(websocket_config.features.auth_required, true);
    }
    assertEquals(asked, 1);
  });

  it("says yes, and asks again, while the authenticator cannot tell", async () => {
    let isUp = false;
    const open = allowAnonymous();
    const app = routes(testHub({
      auth: (request) => {
        if (!isUp) throw new HeddleError("unavailable", "the database is down");
        return open(request);
      },
    }));
    const required = async () => {
      const { websocket_config } = await (await app.request("/ws/config")).json();
      return websocket_config.features.auth_required;
    };
    assertEquals(await required(), true);
    isUp = true;
    assertEquals(await required(), false);
  });
});
