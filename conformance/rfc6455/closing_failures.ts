/**
 * RFC 6455 section 7.1.7: how a server fails a connection, whatever for.
 *
 * @module
 */
import { type Case, must, should } from "../case.ts";
import type { Connection } from "../peer/connection.ts";
import { Broken } from "../peer/finding.ts";
import { showIncoming } from "../peer/incoming.ts";
import { bytesOf, equalBytes, fromHex } from "../wire/bytes.ts";
import { frame, type FrameSpec, ping, text } from "../wire/frame.ts";

const closesTcp = must(
  "RFC 6455",
  "7.1.7",
  "Similarly, to do so, the server MUST _Close the WebSocket Connection_, and SHOULD log the problem. … (7.1.1) To _Close the WebSocket Connection_, " +
    "an endpoint closes the underlying TCP connection.",
);

const sendsClose = should(
  "RFC 6455",
  "7.1.7",
  "If _The WebSocket Connection is Established_ prior to the point where the endpoint is required to " +
    "_Fail the WebSocket Connection_, the endpoint SHOULD send a Close frame with an appropriate " +
    "status code (Section 7.4) before proceeding to _Close the WebSocket Connection_.",
);

const readsNoMore = must(
  "RFC 6455",
  "7.1.7",
  "An endpoint MUST NOT continue to attempt to process data (including a responding Close frame) " +
    "from the remote endpoint after being instructed to _Fail the WebSocket Connection_.",
);

/** Violations that a MUST of the specification has fail, and the code that fits. */
const VIOLATIONS: Readonly<
  Record<string, { readonly frames: readonly FrameSpec[]; readonly code: number }>
> = {
  "reserved-opcode": { frames: [frame(3, "bad")], code: 1002 },
  "reserved-bit": { frames: [text("bad", { rsv3: true })], code: 1002 },
  "bad-utf8": { frames: [text(fromHex("ff"))], code: 1007 },
};

/**
 * Reads to the end of TCP and throws at what shows that data was processed still. A Pong before the
 * Close frame shows nothing: a server may read frames before it looks into the text before them.
 */
async function expectNothingProcessed(connection: Connection, echoes: boolean): Promise<void> {
  const expected = "the end of TCP, and nothing in answer to what came after the violation";
  let failed = false;
  for (;;) {
    const got = await connection.next("the end of TCP");
    if (got.kind === "end") return;
    if (got.kind === "close") failed = true;
    const answered = echoes && got.kind === "message" || got.kind === "garbage" ||
      failed && got.kind === "pong" && equalBytes(got.payload, bytesOf("after"));
    if (answered) throw new Broken({ expected, observed: showIncoming(got) });
  }
}

/** The cases of this section. */
export const cases: readonly Case[] = Object.entries(VIOLATIONS).flatMap((
  [name, { frames, code }],
): Case[] => [{
  id: `rfc6455/7.1.7/tcp-closed-after-${name}`,
  title: `a connection that is failed (${name}) is closed down to TCP`,
  requirement: closesTcp,
  async run(peer) {
    const connection = await peer.connect();
    connection.send(...frames);
    await connection.expectTcpClosed();
  },
}, {
  id: `rfc6455/7.1.7/close-frame-${code}-for-${name}`,
  title: `a connection that is failed (${name}) is closed with a Close frame of ${code}`,
  requirement: sendsClose,
  async run(peer) {
    const connection = await peer.connect();
    connection.send(...frames);
    const expected = `a Close frame ${code}`;
    for (;;) {
      const got = await connection.next(expected);
      if (got.kind === "close" && got.code === code) return;
      if (got.kind === "close" || got.kind === "end" || got.kind === "garbage") {
        throw new Broken({ expected, observed: showIncoming(got) });
      }
    }
  },
}, {
  id: `rfc6455/7.1.7/nothing-processed-after-${name}`,
  title: `after a violation (${name}) no message is processed, nor a Ping once it is failed`,
  requirement: readsNoMore,
  async run(peer) {
    const connection = await peer.connect();
    connection.send(...frames, text("after"), ping("after"));
    await expectNothingProcessed(connection, peer.facts.echoes);
  },
}]);
