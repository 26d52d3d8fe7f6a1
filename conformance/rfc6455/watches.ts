/**
 * Rules for whatever a server sends, watched in every case (`peer/watch.ts`).
 *
 * @module
 */
import { type Case, must, type Requirement } from "../case.ts";
import { findingOf, Skipped } from "../peer/finding.ts";
import type { Peer } from "../peer/peer.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import type { WatchRule } from "../peer/watch.ts";
import { close, ping } from "../wire/frame.ts";

function watch(name: string, watches: WatchRule, title: string, requirement: Requirement): Case {
  const deflate = requirement.spec === "RFC 7692";
  return {
    id: `${deflate ? "rfc7692" : "rfc6455"}/${requirement.section}/server-${name}`,
    title,
    requirement,
    watches,
    ...(deflate ? { needs: ["deflate"] } : {}),
    async run(peer) {
      try {
        await bringOut(peer, deflate);
      } catch (error) {
        // That is another requirement's: this one speaks of what the server sends, whatever it is.
        const finding = findingOf(error);
        if (finding === null) throw error;
        const { expected, observed, awaited } = finding;
        throw new Skipped(`watched until ${expected} was due: ${observed}`, awaited ?? expected);
      }
    },
  };
}

/** Has the server send one of each that there is something to watch of. */
async function bringOut(peer: Peer, compress: boolean): Promise<void> {
  const connection = await peer.connect({ deflate: compress });
  await connection.exchange(textMessage("Hello, Hello, Hello"), { compress });
  await connection.exchange(binaryMessage(new Uint8Array(126)), { compress });
  await connection.exchange(binaryMessage(new Uint8Array(65536)), { compress });
  connection.send(ping("Hello"), close(1000));
  await connection.expectClosed([1000, null]);
}

/** The cases that watch. */
export const cases: readonly Case[] = [
  watch(
    "never-masks",
    "masked",
    "no frame of the server is masked",
    must("RFC 6455", "5.1", "A server MUST NOT mask any frames that it sends to the client."),
  ),
  watch(
    "sets-no-reserved-bits",
    "rsv",
    "no frame of the server has a reserved bit set that no extension gives a meaning",
    must(
      "RFC 6455",
      "5.2",
      "RSV1, RSV2, RSV3: 1 bit each MUST be 0 unless an extension is negotiated that defines " +
        "meanings for non-zero values.",
    ),
  ),
  watch(
    "uses-no-reserved-opcode",
    "reserved-opcode",
    "no frame of the server has a reserved opcode",
    must(
      "RFC 6455",
      "5.2",
      "%x3-7 are reserved for further non-control frames … %xB-F are reserved for further control " +
        "frames … (6.1) The opcode (frame-opcode) of the first frame containing the data MUST be " +
        "set to the appropriate value from Section 5.2",
    ),
  ),
  watch(
    "minimal-length",
    "long-length",
    "every frame of the server has its length in as few bytes as hold it",
    must(
      "RFC 6455",
      "5.2",
      "Note that in all cases, the minimal number of bytes MUST be used to encode the length",
    ),
  ),
  watch(
    "control-frames-125-bytes",
    "control-length",
    "no control frame of the server is longer than 125 bytes",
    must(
      "RFC 6455",
      "5.5",
      "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.",
    ),
  ),
  watch(
    "control-frames-unfragmented",
    "control-fragment",
    "no control frame of the server is fragmented",
    must("RFC 6455", "5.4", "Control frames themselves MUST NOT be fragmented."),
  ),
  watch(
    "fragments-in-order",
    "fragment-order",
    "the server begins no message inside another and continues none that it did not begin",
    must(
      "RFC 6455",
      "5.4",
      "The fragments of one message MUST NOT be interleaved between the fragments of another message " +
        "unless an extension has been negotiated that can interpret the interleaving.",
    ),
  ),
  watch(
    "text-is-utf8",
    "text-utf8",
    "every text message of the server is UTF-8",
    must("RFC 6455", "5.6", "the whole message MUST contain valid UTF-8."),
  ),
  watch(
    "close-bodies",
    "close-body",
    "the body of every Close frame of the server is empty, or a code and a reason in UTF-8",
    must(
      "RFC 6455",
      "5.5.1",
      "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer (in " +
        "network byte order) representing a status code with value /code/ defined in Section 7.4. " +
        "Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/",
    ),
  ),
  watch(
    "close-codes",
    "close-code",
    "no Close frame of the server has a code that must not be in one",
    must(
      "RFC 6455",
      "7.4.1",
      "1005 is a reserved value and MUST NOT be set as a status code in a Close control frame by an " +
        "endpoint. … (7.4.2) Status codes in the range 0-999 are not used. … (5.5.1) the first two bytes of " +
        "the body MUST be a 2-byte unsigned integer … representing a status code with value /code/ " +
        "defined in Section 7.4.",
    ),
  ),
  watch(
    "no-data-after-close",
    "after-close",
    "the server sends no data frame after its Close frame",
    must(
      "RFC 6455",
      "5.5.1",
      "The application MUST NOT send any more data frames after sending a Close frame.",
    ),
  ),
  watch(
    "rsv1-on-first-fragments-alone",
    "rsv1-place",
    "the server sets RSV1 on no control frame and on no fragment but the first of a message",
    must(
      "RFC 7692",
      "6.1",
      'An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first ' +
        "fragments of a data message.",
    ),
  ),
  watch(
    "compresses-by-deflate",
    "bad-deflate",
    "every compressed message of the server is DEFLATE",
    must(
      "RFC 7692",
      "7.2.1",
      "Compress all the octets of the payload of the message using DEFLATE. … (RFC 6455, 5.2) MUST be " +
        "0 unless an extension is negotiated that defines meanings for non-zero values.",
    ),
  ),
  watch(
    "within-its-window",
    "window-bits",
    "the server reaches back no farther than the window that it agreed to",
    must(
      "RFC 7692",
      "7.1.2.1",
      "By including this parameter in an extension negotiation offer, a client limits the LZ77 " +
        "sliding window size that the server will use to compress messages. … (7.2.1) the server MUST " +
        "NOT use an LZ77 sliding window longer than the w-th power of 2 bytes to compress messages to " +
        "send.",
    ),
  ),
];
