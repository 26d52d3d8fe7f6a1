/**
 * One connection of the reference server after its opening handshake.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { type Agreement, TAIL } from "../wire/deflate.ts";
import { BadDeflate, inflate, TooMuch } from "../wire/inflate.ts";
import type { InFrame, OutFrame, Rules } from "./rules.ts";

const WINDOW = 32 * 1024;

interface Head extends InFrame {
  readonly size: number;
}

/** Reads frames, judges each by the rules, echoes messages. */
export class Endpoint {
  readonly #socket: Socket;
  readonly #rules: Rules;
  readonly #agreement: Agreement | null;
  #received: Buffer = Buffer.alloc(0);
  #over = false;
  #opcode = 0;
  #compressed = false;
  #fragments: Uint8Array[] | null = null;
  #windowIn = new Uint8Array();
  #windowOut = new Uint8Array();

  constructor(socket: Socket, rules: Rules, agreement: Agreement | null) {
    this.#socket = socket;
    this.#rules = rules;
    this.#agreement = agreement;
    rules.greet((frame) => this.#send(frame));
  }

  /** Takes what came. */
  receive(chunk: Uint8Array): void {
    if (this.#over && !this.#rules.readsOn) return;
    this.#received = Buffer.concat([this.#received, chunk]);
    while (!this.#over || this.#rules.readsOn) {
      const head = readHead(this.#received);
      if (head === undefined) return;
      const code = this.#judge(head);
      if (code !== null) return this.#fail(code);
      const end = head.size + Number(head.length);
      if (this.#received.length < end) return;
      const body = new Uint8Array(this.#received.subarray(head.size, end));
      this.#received = this.#received.subarray(end);
      this.#frame(head, head.masked ? this.#rules.unmask(body, head.key) : body);
    }
  }

  #judge(head: Head): number | null {
    const { checkMask, checkRsv, checkOpcode, checkControl, checkOrder, checkLength } = this.#rules;
    const state = {
      fragmented: this.#fragments !== null,
      compressed: this.#compressed,
      agreement: this.#agreement,
    };
    for (const check of [checkMask, checkRsv, checkOpcode, checkControl, checkOrder, checkLength]) {
      const code = check(head, state);
      if (code !== null) return code;
    }
    const before = this.#fragments?.reduce((sum, part) => sum + part.length, 0) ?? 0;
    return before + Number(head.length) > this.#rules.maxMessage ? 1009 : null;
  }

  #frame({ fin, rsv, opcode }: Head, payload: Uint8Array): void {
    if (opcode === 8) return this.#close(payload);
    if (opcode === 9) return this.#rules.pong(payload).forEach((frame) => this.#send(frame));
    if (opcode > 2) return;
    if (opcode !== 0 || this.#fragments === null) {
      this.#opcode = opcode;
      this.#compressed = (rsv & 4) !== 0 && this.#agreement !== null;
      this.#fragments = [];
    }
    this.#fragments.push(payload);
    const text = this.#opcode === 1;
    const whole = Buffer.concat(this.#fragments);
    if (text && !this.#compressed && !this.#rules.checkText(whole, fin)) return this.#fail(1007);
    if (!fin) return;
    this.#fragments = null;
    const data = this.#compressed ? this.#inflate(whole) : whole;
    if (data === null) return;
    if (text && this.#compressed && !this.#rules.checkText(data, true)) return this.#fail(1007);
    for (const message of this.#rules.echo({ text, data })) this.#sendMessage(message);
  }

  #inflate(payload: Uint8Array): Uint8Array | null {
    try {
      const input = Buffer.concat([payload, TAIL]);
      const { data } = inflate(input, this.#windowIn, this.#rules.maxMessage);
      if (this.#agreement?.clientNoContextTakeover === false) {
        this.#windowIn = new Uint8Array(Buffer.concat([this.#windowIn, data]).subarray(-WINDOW));
      }
      return data;
    } catch (error) {
      if (!(error instanceof BadDeflate)) throw error;
      this.#fail(error instanceof TooMuch ? 1009 : 1007);
      return null;
    }
  }

  #sendMessage({ text, data }: { readonly text: boolean; readonly data: Uint8Array }): void {
    const agreement = this.#agreement;
    const compressed = agreement === null
      ? null
      : this.#rules.compress(data, this.#windowOut, agreement);
    if (compressed !== null && agreement?.serverNoContextTakeover === false) {
      this.#windowOut = new Uint8Array(Buffer.concat([this.#windowOut, data]).subarray(-WINDOW));
    }
    const opcode = text ? 1 : 2;
    const frames = this.#rules.frames(opcode, compressed ?? data, compressed !== null);
    for (const frame of frames) this.#send(frame);
  }

  #close(body: Uint8Array): void {
    const code = this.#rules.checkClose(body);
    if (code !== null) return this.#fail(code);
    this.#finish(this.#rules.closeReply(body));
  }

  #fail(code: number): void {
    if (this.#over) return;
    this.#finish(this.#rules.failure(code));
  }

  #finish(body: Uint8Array | null): void {
    if (this.#over) return;
    this.#over = true;
    if (body !== null) this.#send({ fin: true, rsv: 0, opcode: 8, payload: body });
    this.#rules.end(this.#socket);
  }

  #send(frame: OutFrame): void {
    if (!this.#socket.destroyed && this.#socket.writable) {
      this.#rules.write(this.#socket, this.#rules.encode(frame));
    }
  }
}

function readHead(bytes: Buffer): Head | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  const marker = second & 0x7f;
  const lengthBytes = marker === 126 ? 2 : marker === 127 ? 8 : 0;
  const masked = second >= 0x80;
  const size = 2 + lengthBytes + (masked ? 4 : 0);
  if (bytes.length < size) return undefined;
  return {
    fin: first >= 0x80,
    rsv: (first >> 4) & 7,
    opcode: first & 15,
    masked,
    key: new Uint8Array(bytes.subarray(size - 4, size)),
    length: lengthBytes === 0
      ? BigInt(marker)
      : lengthBytes === 2
      ? BigInt(bytes.readUInt16BE(2))
      : bytes.readBigUInt64BE(2),
    lengthBytes,
    size,
  };
}
