/**
 * Cases of PROTOCOL.md, "Identity".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { base64url, forged } from "../target/tokens.ts";
import { check, expect, expectSame } from "./check.ts";
import { expectNoEntry, expectRefusal, field, showAnswer } from "./refusing.ts";
import { type ConnectSpec, fresh, type Server } from "./server.ts";

/** A token in each of the places where it may stand. */
const PLACES: Readonly<Record<string, (token: string) => ConnectSpec>> = {
  "header": (token) => ({ token }),
  "query-token": (token) => ({ token: "", query: { token } }),
  "query-auth-token": (token) => ({ token: "", query: { auth_token: token } }),
  "subprotocol-jwt": (token) => ({ token: "", subprotocols: ["jwt-auth", `jwt.${token}`] }),
  "subprotocol-jwt-auth": (token) => ({ token: "", subprotocols: [`jwt-auth.${token}`] }),
  "subprotocol-bearer": (token) => ({ token: "", subprotocols: ["heddle.v1", `bearer.${token}`] }),
  "subprotocol-base64url": (token) => ({
    token: "",
    subprotocols: ["heddle.v1", `jwt.${base64url(token)}`],
  }),
};

const now = () => Math.floor(Date.now() / 1000);

async function good(server: Server, claims: Readonly<Record<string, unknown>> = {}) {
  return await server.token({ sub: server.user(), role: server.role, ...claims });
}

/** A token that must not be let in. */
const refused = (
  number: 7 | 8 | 9 | 10,
  name: string,
  what: string,
  make: (server: Server) => Promise<string>,
  error: "unauthorized" | "token_expired" = "unauthorized",
): Case =>
  check(`HDL-IDN-${number}`, name, `${what} is refused`, async (server) => {
    await expectNoEntry(server, { token: await make(server) }, error);
  });

export const cases: readonly Case[] = [
  check(
    "HDL-IDN-1",
    "known",
    "connected tells the user and the role of the token",
    async (server) => {
      const user = server.user();
      const { greeting } = await server.connect({ user });
      expectSame([greeting["user_id"], greeting["role"]], [user, server.role], "user and role");
    },
  ),
  check("HDL-IDN-1", "before-the-upgrade", "a bad token gets a 401, and no 101", async (server) => {
    expectRefusal(await server.request({ token: "no.such.token" }), 401);
  }),
  check("HDL-IDN-2", "bad-token", "a token that does not hold is refused", async (server) => {
    await expectNoEntry(server, { token: forged(await good(server), { signature: "AAAA" }) });
  }),
  check(
    "HDL-IDN-2",
    "bad-token-where-none-is-needed",
    "so it is where a request without any is let in",
    async (server) => {
      if (server.offer.anonymous !== true) throw new Skipped("the target lets in nobody anonymous");
      await expectNoEntry(server, { token: "no.such.token" });
    },
  ),
  check(
    "HDL-IDN-3",
    "nobody",
    "without a credential one is nobody, or not let in",
    async (server) => {
      if (server.offer.anonymous === false) {
        return expectRefusal(await server.request({ token: "" }), 401, "unauthorized");
      }
      const { greeting } = await server.connect({ user: null });
      expectSame([greeting["user_id"], greeting["role"]], [null, "anonymous"], "user and role");
    },
  ),
  ...Object.entries(PLACES).map(([name, specOf]) =>
    check("HDL-IDN-4", name, "a token is taken from this place", async (server) => {
      const user = server.user();
      const token = await good(server, { sub: user });
      const { greeting } = await server.connect(specOf(token));
      expectSame(greeting["user_id"], user, "user_id");
    })
  ),
  check("HDL-IDN-4", "empty-query", "an empty value in the query is no token", async (server) => {
    const user = server.user();
    const { greeting } = await server.connect({ user, query: { token: "" } });
    expectSame(greeting["user_id"], user, "user_id");
  }),
  check(
    "HDL-IDN-5",
    "two-tokens",
    "two tokens, both of which hold, are refused",
    async (server) => {
      const [one, other] = [await good(server), await good(server)];
      expectRefusal(await server.request({ token: one, query: { token: other } }), 401);
      expectRefusal(
        await server.request({ token: one, subprotocols: ["heddle.v1", `jwt.${other}`] }),
        401,
      );
    },
  ),
  check("HDL-IDN-6", "long", "a token of more than 8,192 characters is refused", async (server) => {
    const token = await good(server, { padding: "x".repeat(7000) });
    expect(token.length > 8192, "a long token to try", String(token.length));
    expectRefusal(await server.request({ token }), 401);
  }),
  refused(7, "signature", "another signature", async (server) => {
    const [, , signature = ""] = (await good(server)).split(".");
    return forged(await good(server), { signature });
  }),
  refused(
    7,
    "changed",
    "a token whose claims were changed",
    async (server) => forged(await good(server), { claims: { role: "admin", kit: fresh() } }),
  ),
  refused(
    7,
    "expired",
    "an expired token",
    async (server) => await good(server, { iat: now() - 120, exp: now() - 60 }),
    "token_expired",
  ),
  refused(
    7,
    "not-yet",
    "a token that does not hold yet",
    async (server) => await good(server, { nbf: now() + 60 }),
  ),
  check("HDL-IDN-7", "tolerance", "a clock that is 2 seconds off is borne with", async (server) => {
    await server.connect({ token: await good(server, { nbf: now() + 2 }) });
  }),
  refused(
    8,
    "none",
    "the algorithm none",
    async (server) => forged(await good(server), { header: { alg: "none" }, signature: "" }),
  ),
  refused(
    8,
    "none-spelt-otherwise",
    "nOnE",
    async (server) => forged(await good(server), { header: { alg: "nOnE" }, signature: "" }),
  ),
  refused(
    8,
    "none-signed",
    "none with a signature",
    async (server) => forged(await good(server), { header: { alg: "none" } }),
  ),
  refused(
    8,
    "unlisted",
    "an algorithm that is not the key's",
    async (server) => forged(await good(server), { header: { alg: "HS1" } }),
  ),
  refused(
    9,
    "refresh",
    "a refresh token",
    async (server) => await good(server, { token_type: "refresh" }),
  ),
  check("HDL-IDN-9", "access", "an access token is let in", async (server) => {
    await server.connect({ token: await good(server, { token_type: "access" }) });
  }),
  check("HDL-IDN-10", "sub", "the user id is the claim sub", async (server) => {
    const user = server.user();
    const token = await good(server, { sub: user, user_id: `not-${user}` });
    const { greeting } = await server.connect({ token });
    expectSame(greeting["user_id"], user, "user_id");
  }),
  check("HDL-IDN-10", "user-id", "without sub it is the claim user_id", async (server) => {
    const user = server.user();
    const token = await good(server, { sub: undefined, user_id: user });
    const { greeting } = await server.connect({ token });
    expectSame(greeting["user_id"], user, "user_id");
  }),
  check("HDL-IDN-10", "longest", "255 characters are a user id", async (server) => {
    const user = `${fresh()} ü `.padEnd(255, "x");
    const { greeting } = await server.connect({ token: await good(server, { sub: user }) });
    expectSame(greeting["user_id"], user, "user_id");
  }),
  refused(
    10,
    "too-long",
    "a user id of 256 characters",
    async (server) => await good(server, { sub: "x".repeat(256) }),
  ),
  refused(10, "empty", "an empty user id", async (server) => await good(server, { sub: "" })),
  refused(
    10,
    "control",
    "a control character in the user id",
    async (server) => await good(server, { sub: "kit\nkit" }),
  ),
  check("HDL-IDN-11", "claim", "the role is the claim role", async (server) => {
    const { greeting } = await server.connect({ token: await good(server, { role: "kit-role" }) });
    expectSame(greeting["role"], "kit-role", "role");
  }),
  check("HDL-IDN-11", "default", "without one it is viewer", async (server) => {
    const { greeting } = await server.connect({ token: await good(server, { role: undefined }) });
    expectSame(greeting["role"], "viewer", "role");
  }),
  check("HDL-IDN-15", "messages", "no message holds the credential", async (server) => {
    const token = await good(server);
    for (const spec of [{ token }, { token: "", query: { token } }]) {
      const client = await server.connect(spec);
      await client.refusedText(`{"type":"kit.no-such-type","token":"${token}"}`, "unknown_type");
      await client.refusedText(`{"type":5,"token":"${token}"}`, "invalid_message");
      const said = JSON.stringify(client.received);
      expect(!said.includes(token), "messages without the token", "the token in a message");
    }
  }),
  check("HDL-IDN-15", "refusal", "nor does a refusal", async (server) => {
    const token = forged(await good(server), { signature: "kitkitkit" });
    const answer = await server.request({ token: "", query: { token } });
    expectRefusal(answer, 401);
    const said = JSON.stringify([answer.headers, answer.body]);
    expect(!said.includes(token), "an answer without the token", "the token in the answer");
  }),
  check("HDL-IDN-14", "bearer", "a 401 names the scheme Bearer", async (server) => {
    const answer = await server.request({ token: "no.such.token" });
    expectRefusal(answer, 401);
    const scheme = field(answer, "WWW-Authenticate") ?? "none";
    expect(
      /^Bearer\b/i.test(scheme),
      "WWW-Authenticate: Bearer",
      `${scheme}, ${showAnswer(answer)}`,
    );
  }),
];
