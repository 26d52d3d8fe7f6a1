import { createHmac, timingSafeEqual } from "node:crypto";

/** What an HMAC is made with. */
export interface HmacKey {
  readonly secret: Uint8Array;
  readonly hash: "sha256" | "sha384" | "sha512";
}

/** Whether it is the HMAC of a text (RFC 2104), in a time that does not tell how much of it is right. */
export function isHmac(signature: Uint8Array, text: string, { secret, hash }: HmacKey): boolean {
  const right = createHmac(hash, secret).update(text).digest();
  return right.length === signature.length && timingSafeEqual(right, signature);
}
