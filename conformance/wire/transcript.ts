/**
 * What went over one TCP connection, both ways, with times, as a report shows it.
 *
 * @module
 */
import { toHex } from "./bytes.ts";

/** How many entries, and how many bytes of each, a transcript keeps. */
const LIMIT = { entries: 60, bytes: 160 } as const;

/** Who did it: `>` the kit, `<` the server. */
export type Direction = ">" | "<";

interface Entry {
  readonly at: number;
  readonly direction: Direction;
  readonly bytes: Uint8Array | null;
  readonly size: number;
  readonly note: string;
}

/** The first {@link LIMIT} entries of a connection; what came later is only counted. */
export class Transcript {
  readonly #name: string;
  readonly #started = performance.now();
  readonly #entries: Entry[] = [];
  readonly #secrets: readonly string[];
  #omitted = 0;

  /** `secrets` are strings (values of headers the user gave) that no report may show. */
  constructor(name: string, secrets: readonly string[] = []) {
    this.#name = name;
    this.#secrets = secrets.filter((secret) => secret.length > 0);
  }

  /** Notes bytes that were sent or received. */
  bytes(direction: Direction, bytes: Uint8Array): void {
    this.#add({ direction, bytes: bytes.slice(0, 2048), size: bytes.length, note: "" });
  }

  /** Notes an event that is no bytes: FIN, RST, an alert of TLS. */
  note(direction: Direction, note: string): void {
    this.#add({ direction, bytes: null, size: 0, note });
  }

  /** One line an entry: connection, milliseconds since it began, direction, content. */
  lines(): string[] {
    const lines = this.#entries.map((entry) =>
      `${this.#name} ${entry.at.toFixed(1).padStart(8)} ms ${entry.direction} ${this.#show(entry)}`
    );
    if (this.#omitted > 0) lines.push(`${this.#name} … ${this.#omitted} entries more`);
    return lines;
  }

  #add(entry: Omit<Entry, "at">): void {
    if (this.#entries.length >= LIMIT.entries) this.#omitted++;
    else this.#entries.push({ ...entry, at: performance.now() - this.#started });
  }

  #show({ bytes, size, note }: Entry): string {
    if (bytes === null) return note;
    const head = String.fromCharCode(...bytes);
    if (/^([A-Z]+ \S* ?HTTP\/|HTTP\/\d)/.test(head)) return JSON.stringify(this.#redact(head));
    const shown = toHex(bytes, LIMIT.bytes);
    return size > bytes.length ? `${shown} (${size} bytes in all)` : shown;
  }

  #redact(text: string): string {
    return this.#secrets.reduce((shown, secret) => shown.replaceAll(secret, "[not shown]"), text);
  }
}
