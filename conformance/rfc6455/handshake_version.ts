/**
 * RFC 6455 sections 4.2.1 and 4.4: versions of the protocol.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { Broken, Skipped } from "../peer/finding.ts";
import type { Handshake } from "../peer/handshake.ts";
import { accepted, NOT_AS_DESCRIBED, refused } from "./handshake_variants.ts";

const mismatch = must(
  "RFC 6455",
  "4.2.2",
  "If this version does not match a version understood by the server, the server MUST abort the " +
    "WebSocket handshake described in this section and instead send an appropriate HTTP error code " +
    "(such as 426 Upgrade Required) and a |Sec-WebSocket-Version| header field indicating the " +
    "version(s) the server is capable of understanding.",
);
const thirteen = must(
  "RFC 6455",
  "4.2.1",
  `${NOT_AS_DESCRIBED} … A |Sec-WebSocket-Version| header field, with a value of 13.`,
);
const once = must(
  "RFC 6455",
  "11.3.5",
  "However, the |Sec-WebSocket-Version| header field MUST NOT appear more than once in an HTTP request. … " +
    `(4.2.1) ${NOT_AS_DESCRIBED}`,
);

const version = (value: string | readonly string[] | null) => ({
  headers: { "Sec-WebSocket-Version": value },
});

/** Those of the drafts, which a server may speak as well (section 4.4). */
const DRAFTS = ["0", "4", "5", "6", "7", "8"];

function expectVersions(handshake: Handshake): void {
  handshake.expectRefused();
  const versions = handshake.values("Sec-WebSocket-Version").join(", ");
  if (versions.split(",").map((one) => one.trim()).includes("13")) return;
  const observed = `${handshake.observed}, with ${versions || "no such field"}`;
  throw new Broken({ expected: "Sec-WebSocket-Version: 13", observed });
}

/** The cases of this section. */
export const cases: readonly Case[] = [
  ...["0", "7", "8", "12", "14", "25", "99", "255"].map((value): Case => ({
    id: `rfc6455/4.2.2/version-${value}-refused`,
    title: `version ${value} is refused, and the answer names version 13`,
    requirement: mismatch,
    async run(peer) {
      const handshake = await peer.handshake(version(value));
      if (DRAFTS.includes(value) && handshake.response?.status === 101) {
        // One that takes any version speaks none of the drafts.
        expectVersions(await peer.handshake(version("99")));
        throw new Skipped(`the server speaks version ${value} too, as section 4.4 lets it`);
      }
      expectVersions(handshake);
    },
  })),
  {
    id: "rfc9110/15.5.22/426-names-the-protocol",
    title: "an answer of 426 has an Upgrade field that names websocket",
    requirement: must(
      "RFC 9110",
      "15.5.22",
      "The server MUST send an Upgrade header field in a 426 response to indicate the required " +
        "protocol(s) (Section 7.8).",
    ),
    async run(peer) {
      const handshake = await peer.handshake(version("99"));
      if (handshake.response?.status !== 426) {
        const { observed, awaited } = handshake;
        throw new Skipped(`the server does not answer 426, but: ${observed}`, awaited);
      }
      const upgrade = handshake.values("Upgrade").join(", ");
      if (/\bwebsocket\b/i.test(upgrade)) return;
      throw new Broken({ expected: "Upgrade: websocket", observed: upgrade || "none" });
    },
  },
  ...refused(thirteen, {
    "version-missing": { what: "a handshake without a version", request: version(null) },
    "version-empty": { what: "an empty version", request: version("") },
    "version-with-a-leading-zero": { what: "version 013", request: version("013") },
    "version-with-a-sign": { what: "version +13", request: version("+13") },
    "version-with-a-fraction": { what: "version 13.0", request: version("13.0") },
    "version-in-hexadecimal": { what: "version 0xd", request: version("0xd") },
    "version-with-a-space-inside": { what: "version 1 3", request: version("1 3") },
    "version-with-letters-after": { what: "version 13a", request: version("13a") },
    "version-in-quotes": { what: 'version "13"', request: version('"13"') },
    "version-in-words": { what: "version thirteen", request: version("thirteen") },
    "version-list": { what: "the list of versions 13, 8", request: version("13, 8") },
    "version-above-255": { what: "version 269, which is 13 in a byte,", request: version("269") },
  }),
  ...refused(once, {
    "version-doubled": { what: "two lines of version 13", request: version(["13", "13"]) },
    "version-doubled-with-another": { what: "versions 8 and 13", request: version(["8", "13"]) },
  }),
  ...accepted(thirteen, {
    "version-between-blanks": { what: "version 13 between blanks", request: version("\t 13 \t") },
  }),
];
