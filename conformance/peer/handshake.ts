/**
 * An opening handshake in the hands of a case: what was asked, what was answered, and what must hold
 * of it (RFC 6455 section 4).
 *
 * @module
 */
import { type Agreement, agreementOf, type Extension, parseExtensions } from "../wire/deflate.ts";
import {
  acceptOf,
  decodeResponse,
  headerList,
  headerValues,
  NotHttp,
  type Response,
} from "../wire/handshake.ts";
import { TimeOut, type Wire } from "../wire/socket.ts";
import type { Connection } from "./connection.ts";
import { Broken } from "./finding.ts";

/** What came in answer to a request; `response` is null where none came. */
export class Handshake {
  readonly wire: Wire;
  /** The Sec-WebSocket-Key of the request, unless the case sent another. */
  readonly key: string;
  readonly response: Response | null;
  /** Where no response came: what came instead. */
  readonly instead: string;
  readonly #open: (agreement: Agreement | null) => Connection;

  constructor(
    wire: Wire,
    key: string,
    answer: Answer,
    open: (agreement: Agreement | null) => Connection,
  ) {
    this.wire = wire;
    this.key = key;
    this.response = answer.response;
    this.instead = answer.instead;
    this.#open = open;
  }

  /** What was answered, in few words. */
  get observed(): string {
    return this.response === null
      ? this.instead
      : `${this.response.version} ${this.response.status} ${this.response.reason}`.trim();
  }

  /** What a wait that ran out waited for; null where an answer, or the end, came. */
  get awaited(): string | null {
    return this.response === null && this.wire.ending === null ? AWAITED : null;
  }

  /** All values of a header field of the response. */
  values(name: string): string[] {
    return this.response === null ? [] : headerValues(this.response, name);
  }

  /** The extensions that the response names. */
  extensions(): Extension[] {
    const header = this.values("Sec-WebSocket-Extensions").join(", ");
    const found = parseExtensions(header);
    if (found !== null) return found;
    throw new Broken({
      expected: "Sec-WebSocket-Extensions as RFC 6455 section 9.1 has it",
      observed: JSON.stringify(header),
    });
  }

  /**
   * The handshake was accepted as section 4.1 lets a client accept it: 101, Upgrade, Connection,
   * Sec-WebSocket-Accept. Returns the connection.
   */
  expectAccepted(): Connection {
    const wrong = this.whatIsWrong();
    if (wrong !== null) throw new Broken(wrong);
    return this.#open(this.#agreement());
  }

  /**
   * The handshake was refused: "return an HTTP response with an appropriate error code" (4.2.1).
   *
   * @param statuses those that fit @default any of 4xx and 5xx
   * @param options.silent a closed connection in place of an answer is right too, as for a request
   * that is no HTTP
   */
  expectRefused(
    statuses: readonly number[] = [],
    options: { readonly silent?: boolean } = {},
  ): void {
    const named = statuses.length === 0 ? "an error status (4xx)" : statuses.join(" or ");
    const expected = `the handshake refused with ${named}`;
    const { response } = this;
    const ended = response === null && this.wire.ending !== null;
    if (ended && options.silent === true) return;
    const status = response?.status ?? 0;
    const fits = statuses.length === 0 ? status >= 400 : statuses.includes(status);
    if (fits) return;
    throw new Broken({ expected, observed: this.observed, awaited: this.awaited });
  }

  /**
   * The protocol was not switched: any answer of HTTP but a 101, or a closed connection. For a
   * request that need not be refused, as one that asks for no upgrade.
   */
  expectNotSwitched(): void {
    const { response, wire } = this;
    if (response === null ? wire.ending !== null : response.status !== 101) return;
    const expected = "an answer of HTTP other than 101";
    throw new Broken({ expected, observed: this.observed, awaited: this.awaited });
  }

  /**
   * The handshake was accepted as it must be, or refused as {@link expectRefused} has it: the server
   * may do either. Returns the connection, or null.
   */
  expectDecided(
    statuses: readonly number[] = [],
    options: { readonly silent?: boolean } = {},
  ): Connection | null {
    if (this.response?.status === 101) return this.expectAccepted();
    this.expectRefused(statuses, options);
    return null;
  }

  /** What keeps the answer from being a right 101; null where nothing does. */
  whatIsWrong(): { expected: string; observed: string; awaited: string | null } | null {
    const { response } = this;
    if (response === null || response.status !== 101) {
      const { observed, awaited } = this;
      return { expected: "101 Switching Protocols", observed, awaited };
    }
    const accept = headerValues(response, "Sec-WebSocket-Accept");
    const has = (name: string, token: string) =>
      headerList(response, name).some((value) => value.toLowerCase() === token);
    const checks: readonly (readonly [boolean, string, readonly string[]])[] = [
      [has("Upgrade", "websocket"), "Upgrade: websocket", headerValues(response, "Upgrade")],
      [has("Connection", "upgrade"), "Connection: Upgrade", headerValues(response, "Connection")],
      [
        accept.length > 0 && accept.every((value) => value === acceptOf(this.key)),
        `Sec-WebSocket-Accept: ${acceptOf(this.key)}`,
        accept,
      ],
    ];
    for (const [kept, expected, values] of checks) {
      if (!kept) return { expected, observed: values.join(", ") || "none", awaited: null };
    }
    return null;
  }

  #agreement(): Agreement | null {
    const deflate = this.extensions().find(({ name }) => name === "permessage-deflate");
    if (deflate === undefined) return null;
    const agreement = agreementOf(deflate);
    if (typeof agreement !== "string") return agreement;
    const expected = "an answer to permessage-deflate as RFC 7692 section 7.1 has it";
    throw new Broken({ expected, observed: agreement });
  }
}

const AWAITED = "an answer to the opening handshake";

/** Whether a final response is yet to come (RFC 9110 section 15.2); a 101 is one. */
function isInterim({ status }: Response): boolean {
  return status < 200 && status !== 101;
}

/** What came in answer. */
export interface Answer {
  readonly response: Response | null;
  readonly instead: string;
}

/** Waits for the response head; what is no response is told, not thrown. */
export async function readAnswer(wire: Wire, timeout?: number): Promise<Answer> {
  try {
    const found = await wire.waitFor(AWAITED, () => {
      let decoded = decodeResponse(wire.peek());
      while (decoded !== undefined && isInterim(decoded.response)) {
        wire.take(decoded.length);
        decoded = decodeResponse(wire.peek());
      }
      if (decoded !== undefined) return decoded;
      return wire.ending === null ? undefined : wire.ending;
    }, timeout);
    if (found === "fin") return { response: null, instead: "TCP closed (FIN) without an answer" };
    if (found === "reset") return { response: null, instead: "TCP reset (RST) without an answer" };
    wire.take(found.length);
    return { response: found.response, instead: "" };
  } catch (error) {
    if (error instanceof NotHttp) return { response: null, instead: error.message };
    if (!(error instanceof TimeOut)) throw error;
    return { response: null, instead: `no answer in ${error.milliseconds} ms` };
  }
}
