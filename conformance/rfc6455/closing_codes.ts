/**
 * RFC 6455 sections 5.5.1 and 7.4: status codes of Close frames.
 *
 * @module
 */
import { type Case, must, should } from "../case.ts";
import { close } from "../wire/frame.ts";
import { VALIDATED } from "./validated.ts";

const answered = must(
  "RFC 6455",
  "5.5.1",
  "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint " +
    "MUST send a Close frame in response. (When sending a Close frame in response, the endpoint " +
    "typically echos the status code it received.)",
);

/** 1012 to 1014 were registered after RFC 6455, as 7.4.2 has it: a server may not know them yet. */
const registered = should(
  "RFC 6455",
  "7.4.2",
  "Status codes in the range 1000-2999 are reserved for definition by this protocol, its future " +
    "revisions, and extensions specified in a permanent and readily available public specification. " +
    "… (5.5.1) If an endpoint receives a Close frame and did not previously send a Close frame, the " +
    "endpoint MUST send a Close frame in response.",
);

const notUsed = must(
  "RFC 6455",
  "7.4.2",
  `Status codes in the range 0-999 are not used. ${VALIDATED}`,
);

const neverSent = must(
  "RFC 6455",
  "7.4.1",
  "1005 is a reserved value and MUST NOT be set as a status code in a Close control frame by an " +
    "endpoint. … 1006 is a reserved value and MUST NOT be set as a status code in a Close control " +
    "frame by an endpoint. … 1015 is a reserved value and MUST NOT be set as a status code in a Close " +
    `control frame by an endpoint. ${VALIDATED}`,
);

/** No sentence says that they are refused but 10.7, since a later revision may define some. */
const undefinedYet = should(
  "RFC 6455",
  "7.4.2",
  "(5.5.1) the first two bytes of the body MUST be a 2-byte unsigned integer (in network byte " +
    "order) representing a status code with value /code/ defined in Section 7.4. … (10.7) If the " +
    "invalid data was received after a successful WebSocket handshake, the endpoint SHOULD send a " +
    "Close frame with an appropriate status code (Section 7.4) before proceeding to _Close the " +
    "WebSocket Connection_.",
);

const ANSWERED = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011],
  ...[3000, 3001, 3500, 3998, 3999, 4000, 4001, 4500, 4998, 4999],
];

const REFUSED = [
  { codes: [0, 1, 99, 500, 998, 999], requirement: notUsed },
  { codes: [1005, 1006, 1015], requirement: neverSent },
  { codes: [1004, 1016, 1017, 1100, 1500, 1999, 2000, 2001, 2999], requirement: undefinedYet },
  { codes: [5000, 5001, 9999, 32767, 32768, 65535], requirement: undefinedYet },
];

/** The cases of these sections. */
export const cases: readonly Case[] = [
  ...ANSWERED.map((code): Case => ({
    id: `rfc6455/5.5.1/close-${code}-answered`,
    title: `a Close frame with ${code} is answered with one`,
    requirement: answered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(close(code));
      await connection.expectClosed([code, 1000, null]);
    },
  })),
  ...[1012, 1013, 1014].map((code): Case => ({
    id: `rfc6455/7.4.2/close-${code}-answered`,
    title: `a Close frame with ${code}, registered since, is answered with one`,
    requirement: registered,
    async run(peer) {
      const connection = await peer.connect();
      connection.send(close(code));
      await connection.expectClosed([code, 1000, 1002, null]);
    },
  })),
  ...REFUSED.flatMap(({ codes, requirement }) =>
    codes.map((code): Case => ({
      id: `rfc6455/${requirement.section}/close-${code}-refused`,
      title: `a Close frame with ${code} fails the connection`,
      requirement,
      async run(peer) {
        const connection = await peer.connect();
        connection.send(close(code));
        await connection.expectFailed([1002]);
      },
    }))
  ),
];
