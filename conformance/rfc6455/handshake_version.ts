/**
 * RFC 6455 sections 4.2.1 and 4.4: versions of the protocol.
 *
 * @module
 */
import { type Case, must } from "../case.ts";
import { Broken } from "../peer/finding.ts";

const refused = must(
  "RFC 6455",
  "4.2.2",
  "If this version does not match a version understood by the server, the server MUST abort the " +
    "WebSocket handshake described in this section and instead send an appropriate HTTP error code " +
    "(such as 426 Upgrade Required) and a |Sec-WebSocket-Version| header field indicating the " +
    "version(s) the server is capable of understanding.",
);

/** The cases of this section. */
export const cases: readonly Case[] = ["0", "7", "12", "14", "99", "255"].map((version): Case => ({
  id: `rfc6455/4.2.2/version-${version}-refused`,
  title: `version ${version} is refused, and the answer names version 13`,
  requirement: refused,
  async run(peer) {
    const handshake = await peer.handshake({ headers: { "Sec-WebSocket-Version": version } });
    handshake.expectRefused();
    const versions = handshake.values("Sec-WebSocket-Version").join(", ");
    if (!versions.split(/\s*,\s*/).includes("13")) {
      const observed = `${handshake.observed}, with ${versions || "no such field"}`;
      throw new Broken({ expected: "Sec-WebSocket-Version: 13", observed });
    }
  },
}));
