/**
 * What is found out about a server before the first case: that it answers, accepts, echoes, deflates.
 *
 * @module
 */
import { bytesOf, concat, equalBytes, toHex } from "../wire/bytes.ts";
import { awakeNow } from "../wire/clock.ts";
import { parseExtensions } from "../wire/deflate.ts";
import { ping } from "../wire/frame.ts";
import { TimeOut } from "../wire/socket.ts";
import type { Connection } from "../peer/connection.ts";
import { Broken, type Finding, Flooded, Refused } from "../peer/finding.ts";
import { type Facts, Peer, type PeerOptions, PLAIN_OFFER } from "../peer/peer.ts";
import { textMessage } from "../peer/sender.ts";

/** Why a run could not be. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
  readonly code: "bad_options" | "unreachable" | "no_http_answer" | "floods" | "not_started";
  constructor(code: CannotRun["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** What the probe found; `refused` where an honest opening handshake got no right 101. */
export type Probe =
  | {
    readonly kind: "open";
    readonly facts: Facts;
    /** To a message and a Ping came nothing at all. */
    readonly silent: boolean;
  }
  | { readonly kind: "refused"; readonly finding: Finding; readonly transcript: readonly string[] };

/** Does the endpoint echo? */
export type EchoOption = "auto" | "yes" | "no";

/** How often a server that does not admit the first connection is asked again. */
const TRIES = 3;

/** How long an echo may come after the Pong of a Ping sent later, in milliseconds. */
const ECHO_LINGER = 1000;

/** Pings and Pongs without being asked, in the time that one answer may take, that no server means well. */
const FLOOD = 200;

/** What is known before anything was asked. */
const NOTHING_KNOWN: Facts = { echoes: false, greetings: 0, deflate: false, offer: null };

/** Finds out about the server. @throws CannotRun */
export async function probe(options: Omit<PeerOptions, "facts">, echo: EchoOption): Promise<Probe> {
  const peer = new Peer({ ...options, facts: NOTHING_KNOWN });
  try {
    const handshake = await firstAnswer(peer);
    const finding = handshake.whatIsWrong();
    if (finding !== null) return { kind: "refused", finding, transcript: peer.transcript() };
    const found = echo === "no"
      ? { echoes: false, greetings: 0, silent: false }
      : await findEcho(handshake.expectAccepted(), options);
    const echoes = echo === "auto" ? found.echoes : echo === "yes";
    const greetings = echoes ? found.greetings : 0;
    peer.abandon();
    const deflate = await findDeflate(options);
    return {
      kind: "open",
      facts: { ...NOTHING_KNOWN, echoes, greetings, deflate },
      silent: found.silent,
    };
  } finally {
    peer.abandon();
  }
}

async function firstAnswer(peer: Peer) {
  for (let tries = 1;; tries++) {
    try {
      const handshake = await peer.handshake();
      if (handshake.response !== null) return handshake;
      const { host, port } = peer.target;
      if (tries === TRIES) {
        throw new CannotRun("no_http_answer", `${host}:${port}: ${handshake.instead}`);
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (tries === TRIES) throw new CannotRun("unreachable", error.message);
    }
  }
}

/** Sends a message that no server would send by itself, and sees whether it comes back. */
async function findEcho(
  connection: Connection,
  { random, patience }: Pick<PeerOptions, "random" | "patience">,
): Promise<{ readonly echoes: boolean; readonly greetings: number; readonly silent: boolean }> {
  const message = textMessage(`heddle ${toHex(random.bytes(8))}`);
  let deadline = awakeNow() + patience.timeout;
  const fence = concat([bytesOf("probe-"), random.bytes(4)]);
  connection.sendMessage(message);
  connection.send(ping(fence));
  let greetings = 0;
  let silent = true;
  let unasked = 0;
  try {
    for (;;) {
      const got = await connection.next("an echo", deadline - awakeNow());
      silent = false;
      if (got.kind === "pong" && equalBytes(got.payload, fence)) {
        deadline = Math.min(deadline, awakeNow() + ECHO_LINGER);
      } else if (got.kind === "ping" || got.kind === "pong") unasked++;
      if (got.kind === "message") {
        if (equalBytes(got.message.data, message.data)) return { echoes: true, greetings, silent };
        greetings++;
      }
      if (got.kind === "end" || got.kind === "garbage") break;
    }
  } catch (error) {
    if (error instanceof Flooded) {
      throw new CannotRun("floods", `the server floods: ${error.finding.observed}`);
    }
    if (!(error instanceof TimeOut)) throw error;
    if (unasked > FLOOD) {
      throw new CannotRun("floods", `the server floods: ${unasked} Pings and Pongs unasked`);
    }
  }
  return { echoes: false, greetings: 0, silent };
}

/** Whether permessage-deflate is answered at all; a wrong answer is for the cases to judge. */
async function findDeflate(options: Omit<PeerOptions, "facts">): Promise<boolean> {
  const headers = { "Sec-WebSocket-Extensions": PLAIN_OFFER };
  for (let tries = 1; tries <= TRIES; tries++) {
    const peer = new Peer({ ...options, facts: NOTHING_KNOWN, insists: false });
    try {
      const handshake = await peer.handshake({ headers });
      const header = handshake.values("Sec-WebSocket-Extensions").join(", ");
      const extensions = parseExtensions(header);
      return extensions?.some(({ name }) => name === "permessage-deflate") ?? header !== "";
    } catch (error) {
      if (error instanceof Broken) return false;
      if (!(error instanceof Refused)) throw error;
    } finally {
      peer.abandon();
    }
    // A server with room for one connection may not know yet that the one before is gone.
    await new Promise((resolve) => setTimeout(resolve, 50 * tries));
  }
  return false;
}
