const CHUNK = 0x8000;
const ALPHABET = new TextEncoder().encode(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
);

/** Writes bytes as base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  }
  return btoa(binary);
}

/** What a runtime has that writes base64 itself; Node 20 does not. */
interface Base64Writer {
  toBase64?(
    options: { readonly alphabet: "base64url"; readonly omitPadding: true },
  ): string;
}

/** Writes a few bytes as base64url without padding (RFC 4648 section 5). */
export function toBase64Url(bytes: Uint8Array): string {
  const writer = bytes as Base64Writer;
  return writer.toBase64?.({ alphabet: "base64url", omitPadding: true }) ?? writeBase64Url(bytes);
}

function writeBase64Url(bytes: Uint8Array): string {
  const codes: number[] = [];
  for (let i = 0; i < bytes.length; i += 3) {
    const bits = bytes[i]! << 16 | (bytes[i + 1] ?? 0) << 8 | (bytes[i + 2] ?? 0);
    const digits = Math.min(4, Math.ceil((bytes.length - i) * 8 / 6));
    for (let digit = 0; digit < digits; digit++) {
      codes.push(ALPHABET[bits >> (18 - 6 * digit) & 63]!);
    }
  }
  return String.fromCharCode(...codes);
}
