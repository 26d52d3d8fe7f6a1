import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Refusal } from "./refusal.ts";

describe("Refusal", () => {
  it("becomes an answer with its status, header fields and a JSON body", async () => {
    const refusal = new Refusal(401, "token_expired", "the token has expired", {
      "WWW-Authenticate": "Bearer",
    });
    assert(refusal instanceof Error);
    const response = refusal.toResponse();
    assertEquals(response.status, 401);
    assertEquals(response.headers.get("www-authenticate"), "Bearer");
    assert(response.headers.get("content-type")?.startsWith("application/json"));
    assertEquals(await response.json(), {
      error: "token_expired",
      message: "the token has expired",
    });
  });

  it("gives a new answer each time, since a body is read once", async () => {
    const refusal = new Refusal(503, "draining", "come back");
    await refusal.toResponse().text();
    assertEquals(await refusal.toResponse().json(), { error: "draining", message: "come back" });
  });
});
