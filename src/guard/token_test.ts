import { assertEquals, assertThrows } from "@std/assert";
import { base64url } from "jose";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import { isTokenSubprotocol, MAX_TOKEN, tokenFrom } from "./token.ts";

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl";
const OTHER = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MiJ9.c2lnbmF0dXJl";

function request(query = "", headers: Record<string, string> = {}): Request {
  return new Request(`http://localhost/ws${query}`, { headers });
}

function offering(subprotocols: string): Request {
  return request("", { "Sec-WebSocket-Protocol": subprotocols });
}

function refused(bad: Request, includes: string): void {
  const error = assertThrows(() => tokenFrom(bad), HeddleError, includes);
  assertEquals(error.code, "unauthorized");
}

describe("tokenFrom()", () => {
  it("finds the token of an Authorization header, whatever the case of the scheme", () => {
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      const found = tokenFrom(request("", { Authorization: `${scheme}  ${JWT}` }));
      assertEquals(found, { token: JWT, via: "header" });
    }
  });

  it("finds the token of the query under either name", () => {
    for (const name of ["token", "auth_token"]) {
      assertEquals(tokenFrom(request(`?room=1&${name}=${JWT}`)), { token: JWT, via: "query" });
    }
  });

  it("finds the token of a subprotocol, as it is and in base64url, under each prefix", () => {
    for (const prefix of ["jwt", "jwt-auth", "bearer"]) {
      for (const value of [JWT, base64url.encode(JWT)]) {
        for (const list of [`jwt-auth, ${prefix}.${value}`, `${prefix}.${value},heddle.v1`]) {
          assertEquals(tokenFrom(offering(list)), { token: JWT, via: "subprotocol" }, list);
        }
      }
    }
  });

  it("finds none in a request without one, or where its place is empty", () => {
    const none = [
      request(),
      request("?token="),
      request("?token=&auth_token="),
      request("?Token=a.b.c"),
      request("", { Authorization: "Bearer" }),
      request("", { Authorization: "Bearer " }),
      request("", { Authorization: "Basic dTpw" }),
      request("", { Authorization: `Bearerish ${JWT}` }),
      offering("jwt-auth, heddle.v1"),
      offering("jwt."),
      offering(`xjwt.${JWT}`),
    ];
    for (const empty of none) assertEquals(tokenFrom(empty), undefined);
  });

  it("takes the first place where several hold the same token", () => {
    const everywhere = request(`?token=${JWT}&auth_token=${JWT}`, {
      "Authorization": `Bearer ${JWT}`,
      "Sec-WebSocket-Protocol": `jwt.${base64url.encode(JWT)}`,
    });
    assertEquals(tokenFrom(everywhere), { token: JWT, via: "header" });
    assertEquals(tokenFrom(request(`?token=&auth_token=${JWT}`))?.via, "query");
  });

  it("refuses tokens that differ, in two places or twice in one", () => {
    refused(request(`?token=${OTHER}`, { Authorization: `Bearer ${JWT}` }), "(header, query)");
    refused(request(`?token=${JWT}&token=${OTHER}`), "different tokens (query, query)");
    refused(request(`?token=${JWT}&auth_token=${OTHER}`), "different tokens");
    refused(offering(`jwt.${JWT}, bearer.${OTHER}`), "different tokens");
  });

  it("refuses a token above 8 KiB wherever it is, and takes one of 8 KiB", () => {
    const largest = "a".repeat(MAX_TOKEN - 4) + ".b.c";
    for (const [token, good] of [[largest, true], [`${largest}c`, false]] as const) {
      const requests = [
        request(`?token=${token}`),
        request("", { Authorization: `Bearer ${token}` }),
        offering(`jwt.${token}`),
        offering(`jwt.${base64url.encode(token)}`),
      ];
      for (const one of requests) {
        if (good) assertEquals(tokenFrom(one)?.token, token);
        else refused(one, "8192 characters at most");
      }
    }
    refused(offering(`jwt.${"a".repeat(1_000_000)}`), "8192 characters at most");
  });

  it("refuses a subprotocol that holds neither a JWT nor base64url of text", () => {
    for (const value of ["a.b", "!!!", "a", "_w", "a.b.c.d"]) {
      refused(offering(`jwt.${value}`), "the subprotocol carries no token");
    }
  });
});

describe("isTokenSubprotocol()", () => {
  it("tells a token from a protocol", () => {
    for (const name of ["jwt.x", "jwt-auth.x", "bearer.x"]) {
      assertEquals(isTokenSubprotocol(name), true);
    }
    for (const name of ["jwt-auth", "jwt", "heddle.v1", "JWT.x"]) {
      assertEquals(isTokenSubprotocol(name), false);
    }
  });
});
