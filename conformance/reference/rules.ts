/**
 * The decisions of the reference server, one function each. The strict ones below keep RFC 6455 and
 * RFC 7692; a broken or unusual server is these with one replaced.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { Buffer, isUtf8 } from "node:buffer";
import type { Socket } from "node:net";
import { type Agreement, type Extension, parseExtensions, withoutTail } from "../wire/deflate.ts";
import { deflateMatching } from "../wire/matching.ts";
import { inflateMessage, type Inflation } from "./inflate.ts";
import { type Leniency, type Request, STRICT, TOKEN } from "./request.ts";

/** A frame as it arrived. */
export interface InFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly key: Uint8Array;
  readonly length: bigint;
  readonly lengthBytes: 0 | 2 | 8;
}

/** A frame to send. */
export interface OutFrame {
  readonly fin: boolean;
  /** 4 is RSV1. */
  readonly rsv: number;
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** What a frame is judged against. */
export interface InState {
  /** A message is begun and not ended. */
  readonly fragmented: boolean;
  /** Its fragments so far. */
  readonly fragments: number;
  readonly compressed: boolean;
  readonly agreement: Agreement | null;
}

/** A message. */
export interface EchoMessage {
  readonly text: boolean;
  readonly data: Uint8Array;
}

/** An HTTP refusal. */
export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

type HandshakeCheck = (request: Request) => Refusal | null;
/** The close code that a frame is failed with, or null. */
type FrameCheck = (frame: InFrame, state: InState) => number | null;

/** Everything the server decides. */
export interface Rules {
  /** Asked before all else, with the number of connections that are open, this one among them. */
  readonly checkRoom: (connections: number) => Refusal | null;
  // Reading the request (RFC 9112).
  /** The bytes that wait, after more came. */
  readonly gather: (waiting: Uint8Array, chunk: Uint8Array) => Uint8Array;
  /** What is taken that the grammar of a request does not have. */
  readonly leniency: Leniency;
  // The opening handshake (RFC 6455 section 4.2), asked in this order.
  readonly checkMethod: HandshakeCheck;
  readonly checkTarget: HandshakeCheck;
  readonly checkHttpVersion: HandshakeCheck;
  readonly checkHost: HandshakeCheck;
  readonly checkBody: HandshakeCheck;
  readonly checkUpgrade: HandshakeCheck;
  readonly checkConnection: HandshakeCheck;
  readonly checkVersion: HandshakeCheck;
  readonly checkKey: HandshakeCheck;
  readonly checkSubprotocols: HandshakeCheck;
  /** The extensions that a header offers; null refuses the handshake. */
  readonly readOffers: (header: string) => readonly Extension[] | null;
  readonly acceptOf: (key: string) => string;
  readonly chooseSubprotocol: (offered: readonly string[]) => string | null;
  /** The answer to the extensions offered; null declines. */
  readonly chooseExtension: (
    offers: readonly Extension[],
  ) => { readonly header: string; readonly agreement: Agreement | null } | null;
  /** The header lines of the 101, to be changed. */
  readonly responseLines: (lines: readonly string[]) => readonly string[];
  /** The header lines of a refusal, to be changed; null closes without an answer. */
  readonly refusalLines: (lines: readonly string[]) => readonly string[] | null;
  /** What came in the segments of the request and belongs to the connection. */
  readonly early: (bytes: Uint8Array) => Uint8Array;
  // Frames received (section 5), asked in this order as soon as the head is there.
  readonly checkMask: FrameCheck;
  readonly checkRsv: FrameCheck;
  readonly checkOpcode: FrameCheck;
  readonly checkControl: FrameCheck;
  readonly checkOrder: FrameCheck;
  readonly checkLength: FrameCheck;
  /** The opcode that the frame is taken for. */
  readonly opcodeOf: (frame: InFrame) => number;
  /** The length of the payload that a head declares. */
  readonly lengthOf: (frame: InFrame) => bigint;
  readonly unmask: (payload: Uint8Array, key: Uint8Array) => Uint8Array;
  /** The message that its fragments make. */
  readonly assemble: (fragments: readonly Uint8Array[]) => Uint8Array;
  /**
   * Whether a whole text is UTF-8 (section 8.1), or what came of it since the last whole character
   * can become some.
   */
  readonly checkText: (text: Uint8Array, whole: boolean) => boolean;
  /** Decompresses a message; `window` is what was decompressed before. */
  readonly inflate: (payload: Uint8Array, window: Uint8Array, limit: number) => Inflation;
  /** Whether the window of the client's messages is carried from one to the next. */
  readonly keepsWindowIn: (agreement: Agreement) => boolean;
  /** The close code that the body of a Close frame is failed with, or null. */
  readonly checkClose: (body: Uint8Array) => number | null;
  // What is sent.
  /** The largest message taken, in bytes; above it 1009. */
  readonly maxMessage: number;
  readonly pong: (ping: Uint8Array, state: InState) => readonly OutFrame[];
  readonly answerPong: (pong: Uint8Array) => readonly OutFrame[];
  readonly echo: (message: EchoMessage) => readonly EchoMessage[];
  /** How a message that is ready to send becomes frames. */
  readonly frames: (
    opcode: number,
    payload: Uint8Array,
    compressed: boolean,
  ) => readonly OutFrame[];
  /** Compresses a message, or null to send it as it is; `window` is what was sent before. */
  readonly compress: (
    data: Uint8Array,
    window: Uint8Array,
    agreement: Agreement,
  ) => Uint8Array | null;
  /** Whether the window of the server's messages is carried from one to the next. */
  readonly keepsWindowOut: (agreement: Agreement) => boolean;
  readonly encode: (frame: OutFrame) => Uint8Array;
  readonly write: (socket: Socket, bytes: Uint8Array) => void;
  /** Body of the Close frame that answers one; null sends none. */
  readonly closeReply: (body: Uint8Array) => Uint8Array | null;
  /** Body of the Close frame that fails the connection; null sends none. */
  readonly failure: (code: number) => Uint8Array | null;
  /** Ends TCP once Close frames were sent. */
  readonly end: (socket: Socket) => void;
  /** Goes on reading after the connection was failed or closed. */
  readonly readsOn: boolean;
  /** Where it reads on, sends a Close frame once more for whatever asks for one. */
  readonly closesAgain: boolean;
  /** Runs when a connection is open, to send something unasked. */
  readonly greet: (send: (frame: OutFrame) => void) => void;
}

const bad: Refusal = { status: 400 };

/** The members of a comma list, in small letters. */
function listOf(request: Request, name: string): string[] {
  return membersOf(request, name).map((member) => member.toLowerCase());
}

/** The members of a comma list over all fields of that name (RFC 9110 section 5.6.1). */
export function membersOf(request: Request, name: string): string[] {
  return request.values(name).join(",").split(",")
    .map((part) => part.replace(/^[ \t]+|[ \t]+$/g, "")).filter((part) => part !== "");
}

/** A request target that names a resource: its path, alone or after http:// or https:// and a host. */
const TARGET =
  /^(https?:\/\/[\w.~!$&'()*+,;=%:[\]-]+)?\/([\w.~!$&'()*+,;=:@%/-]*)(\?[\w.~!$&'()*+,;=:@%/?-]*)?$/i;
const HOST = /^(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(:\d*)?$/i;

/** The rules of a server that keeps all requirements. */
export const strictRules: Rules = {
  checkRoom: () => null,
  gather: (waiting, chunk) => new Uint8Array(Buffer.concat([waiting, chunk])),
  leniency: STRICT,
  checkMethod: ({ method }) => method === "GET" ? null : { status: 405, headers: { Allow: "GET" } },
  checkTarget: ({ path }) => TARGET.test(path) ? null : bad,
  // A higher minor version is read as the highest known (RFC 9110 section 6.2).
  checkHttpVersion: ({ version }) => /^HTTP\/1\.[1-9]$/.test(version) ? null : { status: 505 },
  checkHost(request) {
    const hosts = request.values("host");
    return hosts.length === 1 && HOST.test(hosts[0] ?? "") ? null : bad;
  },
  checkBody(request) {
    const lengths = new Set(membersOf(request, "content-length"));
    const none = lengths.size === 0 || lengths.size === 1 && lengths.has("0");
    return none && request.values("transfer-encoding").length === 0 ? null : bad;
  },
  checkUpgrade: (request) => listOf(request, "upgrade").includes("websocket") ? null : bad,
  checkConnection: (request) => listOf(request, "connection").includes("upgrade") ? null : bad,
  checkVersion(request) {
    const versions = request.values("sec-websocket-version");
    if (versions.length === 1 && versions[0] === "13") return null;
    return { status: 426, headers: { Upgrade: "websocket", "Sec-WebSocket-Version": "13" } };
  },
  checkKey(request) {
    const keys = request.values("sec-websocket-key");
    return keys.length === 1 && /^[A-Za-z0-9+/]{22}==$/.test(keys[0] ?? "") ? null : bad;
  },
  checkSubprotocols(request) {
    const names = membersOf(request, "sec-websocket-protocol");
    const given = request.values("sec-websocket-protocol").length > 0;
    const valid = names.every((name) => TOKEN.test(name)) && new Set(names).size === names.length;
    return valid && given === names.length > 0 ? null : bad;
  },
  readOffers(header) {
    const offers = parseExtensions(header);
    return offers?.length === 0 ? null : offers;
  },
  acceptOf: (key) =>
    createHash("sha1").update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64"),
  chooseSubprotocol: (offered) => offered[0] ?? null,
  chooseExtension,
  responseLines: (lines) => lines,
  refusalLines: (lines) => lines,
  early: (bytes) => bytes,

  checkMask: ({ masked }) => masked ? null : 1002,
  checkRsv({ rsv, opcode }, { agreement }) {
    const allowed = agreement !== null && (opcode === 1 || opcode === 2) ? 4 : 0;
    return (rsv & ~allowed) === 0 ? null : 1002;
  },
  checkOpcode: ({ opcode }) => [0, 1, 2, 8, 9, 10].includes(opcode) ? null : 1002,
  checkControl: ({ opcode, fin, length }) => opcode >= 8 && (!fin || length > 125n) ? 1002 : null,
  checkOrder({ opcode }, { fragmented }) {
    if (opcode >= 8) return null;
    return (opcode === 0) === fragmented ? null : 1002;
  },
  checkLength({ length, lengthBytes }) {
    const least = length < 126n ? 0 : length < 65536n ? 2 : 8;
    return lengthBytes === least && length < 2n ** 63n ? null : 1002;
  },
  opcodeOf: ({ opcode }) => opcode,
  lengthOf: ({ length }) => length,
  unmask: (payload, key) => payload.map((byte, i) => byte ^ (key[i % 4] ?? 0)),
  assemble: (fragments) => new Uint8Array(Buffer.concat(fragments)),
  checkText: (text, whole) => isUtf8(text) || !whole && canBecomeUtf8(text),
  inflate: inflateMessage,
  keepsWindowIn: ({ clientNoContextTakeover }) => !clientNoContextTakeover,
  checkClose(body) {
    if (body.length === 0) return null;
    if (body.length === 1) return 1002;
    const code = (body[0] ?? 0) * 256 + (body[1] ?? 0);
    const known = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
    if (!known && (code < 3000 || code > 4999)) return 1002;
    return isUtf8(body.subarray(2)) ? null : 1007;
  },

  maxMessage: 64 * 1024 * 1024,
  pong: (payload) => [{ fin: true, rsv: 0, opcode: 10, payload }],
  answerPong: () => [],
  echo: (message) => [message],
  frames: (opcode, payload, compressed) => [
    { fin: true, rsv: compressed ? 4 : 0, opcode, payload },
  ],
  compress: (data, window, { serverMaxWindowBits }) =>
    withoutTail(deflateMatching(data, window, 2 ** serverMaxWindowBits)),
  keepsWindowOut: ({ serverNoContextTakeover }) => !serverNoContextTakeover,
  encode: encodeOut,
  write: (socket, bytes) => void socket.write(bytes),
  closeReply: (body) => body.subarray(0, 2),
  failure: (code) => Uint8Array.of(code >> 8, code & 0xff),
  end: (socket) => void socket.end(),
  readsOn: false,
  closesAgain: false,
  greet: () => {},
};

/** The bytes of a server's frame: unmasked, its length in as few bytes as hold it. */
export function encodeOut({ fin, rsv, opcode, payload }: OutFrame): Uint8Array {
  const { length } = payload;
  const size = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const bytes = new Uint8Array(2 + size + length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, (fin ? 0x80 : 0) | (rsv << 4) | opcode);
  view.setUint8(1, size === 0 ? length : size === 2 ? 126 : 127);
  if (size === 2) view.setUint16(2, length);
  if (size === 8) view.setBigUint64(2, BigInt(length));
  bytes.set(payload, 2 + size);
  return bytes;
}

/** Whether up to three more bytes make it UTF-8. */
function canBecomeUtf8(text: Uint8Array): boolean {
  for (let cut = 1; cut <= Math.min(3, text.length); cut++) {
    const lead = text[text.length - cut] ?? 0;
    if (lead < 0xc0) continue;
    const missing = (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2) - cut;
    if (missing <= 0) return false;
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const next = cut === 1 ? [low] : [];
    const filled = [...text.subarray(text.length - cut), ...next];
    while (filled.length < cut + missing) filled.push(0x80);
    return isUtf8(text.subarray(0, text.length - cut)) && isUtf8(Uint8Array.from(filled));
  }
  return false;
}

function chooseExtension(offers: readonly Extension[]): ReturnType<Rules["chooseExtension"]> {
  for (const { name, parameters } of offers) {
    if (name !== "permessage-deflate") continue;
    const given = new Map(parameters);
    if (given.size !== parameters.length) continue;
    const valid = parameters.every(([key, value]) => {
      if (key.endsWith("_no_context_takeover")) {
        return /^(server|client)_no/.test(key) && value === true;
      }
      if (key === "client_max_window_bits" && value === true) return true;
      return /^(server|client)_max_window_bits$/.test(key) && /^([89]|1[0-5])$/.test(String(value));
    });
    if (!valid) continue;
    const serverBits = Number(given.get("server_max_window_bits") ?? 15);
    const answer = ["permessage-deflate"];
    const serverNoContextTakeover = given.has("server_no_context_takeover");
    const clientNoContextTakeover = given.has("client_no_context_takeover");
    if (serverNoContextTakeover) answer.push("server_no_context_takeover");
    if (clientNoContextTakeover) answer.push("client_no_context_takeover");
    if (given.has("server_max_window_bits")) answer.push(`server_max_window_bits=${serverBits}`);
    return {
      header: answer.join("; "),
      agreement: {
        serverNoContextTakeover,
        clientNoContextTakeover,
        serverMaxWindowBits: serverBits,
        clientMaxWindowBits: 15,
      },
    };
  }
  return null;
}
