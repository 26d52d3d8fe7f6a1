/**
 * One connection of the reference server after its opening handshake.
 *
 * @module
 */
import { Buffer, isUtf8 } from "node:buffer";
import type { Socket } from "node:net";
import type { Agreement } from "../wire/deflate.ts";
import { ByteQueue } from "../wire/queue.ts";
import type { EchoMessage, InFrame, InState, OutFrame, Rules } from "./rules.ts";

const WINDOW = 32 * 1024;

interface Head extends InFrame {
  readonly size: number;
}

/** Reads frames, judges each by the rules, echoes messages. */
export class Endpoint {
  readonly #socket: Socket;
  readonly #rules: Rules;
  readonly #agreement: Agreement | null;
  readonly #received = new ByteQueue();
  #over = false;
  #opcode = 0;
  #compressed = false;
  #fragments: Uint8Array[] | null = null;
  #size = 0;
  /** The end of the text so far that may be cut inside a character. */
  #unchecked = new Uint8Array();
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
    this.#received.push(chunk);
    while (!this.#over || this.#rules.readsOn) {
      const declared = readHead(this.#received.peek());
      if (declared === undefined) return;
      const code = this.#judge(declared);
      if (code !== null) return this.#fail(code);
      const opcode = this.#rules.opcodeOf(declared);
      const head = { ...declared, opcode, length: this.#rules.lengthOf(declared) };
      const end = head.size + Number(head.length);
      if (this.#received.length < end) return;
      const body = this.#received.take(end).subarray(head.size);
      this.#frame(head, head.masked ? this.#rules.unmask(body, head.key) : body);
    }
  }

  #judge(head: Head): number | null {
    const { checkMask, checkRsv, checkOpcode, checkControl, checkOrder, checkLength } = this.#rules;
    const state = this.#state();
    for (const check of [checkMask, checkRsv, checkOpcode, checkControl, checkOrder, checkLength]) {
      const code = check(head, state);
      if (code !== null) return code;
    }
    if (head.opcode >= 8) return null;
    return this.#size + Number(head.length) > this.#rules.maxMessage ? 1009 : null;
  }

  #state(): InState {
    return {
      fragmented: this.#fragments !== null,
      fragments: this.#fragments?.length ?? 0,
      compressed: this.#compressed,
      agreement: this.#agreement,
    };
  }

  #frame({ fin, rsv, opcode }: Head, payload: Uint8Array): void {
    if (opcode === 8) return this.#close(payload);
    if (opcode === 9) return this.#sendAll(this.#rules.pong(payload, this.#state()));
    if (opcode === 10) return this.#sendAll(this.#rules.answerPong(payload));
    if (opcode > 2) return;
    if (opcode !== 0 || this.#fragments === null) {
      this.#opcode = opcode;
      this.#compressed = (rsv & 4) !== 0 && this.#agreement !== null;
      this.#fragments = [];
      this.#size = 0;
      this.#unchecked = new Uint8Array();
    }
    this.#fragments.push(payload);
    this.#size += payload.length;
    const text = this.#opcode === 1;
    if (!fin) {
      if (text && !this.#compressed) this.#checkPart(payload);
      return;
    }
    const whole = this.#rules.assemble(this.#fragments);
    this.#fragments = null;
    this.#size = 0;
    if (text && !this.#compressed && !this.#rules.checkText(whole, true)) return this.#fail(1007);
    const data = this.#compressed ? this.#inflate(whole) : whole;
    if (data === null) return;
    if (text && this.#compressed && !this.#rules.checkText(data, true)) return this.#fail(1007);
    for (const message of this.#rules.echo({ text, data })) this.#sendMessage(message);
  }

  /** Fails a text as soon as it can no longer become UTF-8. */
  #checkPart(payload: Uint8Array): void {
    const part = Buffer.concat([this.#unchecked, payload]);
    if (!this.#rules.checkText(part, false)) return this.#fail(1007);
    let cut = 0;
    while (cut < 3 && cut < part.length && !isUtf8(part.subarray(0, part.length - cut))) cut++;
    this.#unchecked = new Uint8Array(part.subarray(part.length - cut));
  }

  #inflate(payload: Uint8Array): Uint8Array | null {
    const result = this.#rules.inflate(payload, this.#windowIn, this.#rules.maxMessage);
    if ("code" in result) {
      this.#fail(result.code);
      return null;
    }
    if (this.#agreement !== null && this.#rules.keepsWindowIn(this.#agreement)) {
      this.#windowIn = moved(this.#windowIn, result.data);
    }
    return result.data;
  }

  #sendMessage({ text, data }: EchoMessage): void {
    const agreement = this.#agreement;
    const compressed = agreement === null
      ? null
      : this.#rules.compress(data, this.#windowOut, agreement);
    if (agreement !== null && compressed !== null && this.#rules.keepsWindowOut(agreement)) {
      this.#windowOut = moved(this.#windowOut, data);
    }
    const opcode = text ? 1 : 2;
    const frames = this.#rules.frames(opcode, compressed ?? data, compressed !== null);
    this.#sendAll(frames);
  }

  #close(body: Uint8Array): void {
    const code = this.#rules.checkClose(body);
    if (code !== null) return this.#fail(code);
    this.#finish(this.#rules.closeReply(body));
  }

  #fail(code: number): void {
    this.#finish(this.#rules.failure(code));
  }

  #finish(body: Uint8Array | null): void {
    if (this.#over && !this.#rules.closesAgain) return;
    this.#over = true;
    if (body !== null) this.#send({ fin: true, rsv: 0, opcode: 8, payload: body });
    this.#rules.end(this.#socket);
  }

  #sendAll(frames: readonly OutFrame[]): void {
    for (const frame of frames) this.#send(frame);
  }

  #send(frame: OutFrame): void {
    if (!this.#socket.destroyed && this.#socket.writable) {
      this.#rules.write(this.#socket, this.#rules.encode(frame));
    }
  }
}

/** The window after `data`. */
function moved(window: Uint8Array, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat([window, data]).subarray(-WINDOW));
}

function readHead(bytes: Uint8Array): Head | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  const marker = second & 0x7f;
  const lengthBytes = marker === 126 ? 2 : marker === 127 ? 8 : 0;
  const masked = second >= 0x80;
  const size = 2 + lengthBytes + (masked ? 4 : 0);
  if (bytes.length < size) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    fin: first >= 0x80,
    rsv: (first >> 4) & 7,
    opcode: first & 15,
    masked,
    key: bytes.slice(size - 4, size),
    length: lengthBytes === 0
      ? BigInt(marker)
      : lengthBytes === 2
      ? BigInt(view.getUint16(2))
      : view.getBigUint64(2),
    lengthBytes,
    size,
  };
}
