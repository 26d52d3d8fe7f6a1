/**
 * Bytes, and how a report shows them.
 *
 * @module
 */

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The UTF-8 of `text`; bytes are returned as they are. */
export function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? encoder.encode(text) : text;
}

/** One array of all the parts, in their order. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether both hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The text that `bytes` are the UTF-8 of, or null where they are not valid UTF-8 (RFC 3629). */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return null;
  }
}

/** The bytes that a string of hexadecimal digits names; blanks are ignored. */
export function fromHex(digits: string): Uint8Array {
  const packed = digits.replaceAll(/\s/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(packed)) throw new TypeError(`not hexadecimal: ${digits}`);
  return Uint8Array.from(packed.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** The bytes in hexadecimal, `81 05 48`, at most `limit` of them, then how many were left out. */
export function toHex(bytes: Uint8Array, limit = 64): string {
  const shown = Array.from(bytes.subarray(0, limit), (byte) => byte.toString(16).padStart(2, "0"));
  const rest = bytes.length - shown.length;
  return shown.join(" ") + (rest > 0 ? ` … (${rest} bytes more)` : "");
}

/** Bytes as a person reads them: quoted where printable ASCII, else hexadecimal. */
export function show(bytes: Uint8Array, limit = 48): string {
  const printable = bytes.subarray(0, limit).every((byte) => byte >= 0x20 && byte < 0x7f);
  if (bytes.length === 0) return '""';
  if (!printable) return toHex(bytes, limit);
  const text = JSON.stringify(String.fromCharCode(...bytes.subarray(0, limit)));
  return bytes.length > limit ? `${text} … (${bytes.length} bytes)` : text;
}
