/**
 * RFC 6455 sections 4.2.2 and 10.2: Origin, which a server may judge or not.
 *
 * @module
 */
import { type Case, must, should } from "../case.ts";
import { decided } from "./handshake_variants.ts";

const judged = must(
  "RFC 6455",
  "4.2.2",
  "If the server does not wish to accept this connection, it MUST return an appropriate HTTP error " +
    "code (e.g., 403 Forbidden) and abort the WebSocket handshake described in this section.",
);
const forbidden = should(
  "RFC 6455",
  "10.2",
  "If the origin indicated is unacceptable to the server, then it SHOULD respond to the WebSocket " +
    "handshake with a reply containing HTTP 403 Forbidden status code.",
);

const origin = (value: string | readonly string[]) => ({ headers: { Origin: value } });

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...decided(judged, {
    "origin-null": { what: "the origin null", request: origin("null") },
    "origin-empty": { what: "an empty origin", request: origin("") },
    "origin-of-an-extension": {
      what: "the origin of a browser's extension",
      request: origin("moz-extension://0b5a7f0e-3a52-4b3e-9d06-9a6bd5c5a8f1"),
    },
    "origin-no-url": { what: "an origin that is none", request: origin("heddle <>") },
    "origin-doubled": {
      what: "two origins",
      request: origin(["https://heddle.example", "https://other.example"]),
    },
  }),
  {
    id: "rfc6455/4.2.2/origin-of-its-own",
    title: "the server's own origin is accepted or refused",
    requirement: judged,
    async run(peer) {
      const { secure, authority } = peer.target;
      const handshake = await peer.handshake(origin(`${secure ? "https" : "http"}://${authority}`));
      handshake.expectDecided([], { silent: true });
    },
  },
  ...decided(forbidden, {
    "origin-of-another": {
      what: "the origin of another site",
      request: origin("https://heddle.example"),
    },
  }, [403]),
];
