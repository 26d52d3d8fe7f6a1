import { assert } from "@std/assert";
import { describe, it } from "node:test";
import { type HmacKey, isHmac } from "./hmac.ts";

const utf8 = new TextEncoder();

/** RFC 4231 section 4.3, test case 2. */
const vectors: readonly (readonly [HmacKey["hash"], string])[] = [
  ["sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
  [
    "sha384",
    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e" +
    "8e2240ca5e69e2c78b3239ecfab21649",
  ],
  [
    "sha512",
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554" +
    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
  ],
];

describe("isHmac()", () => {
  it("knows those of RFC 4231, and takes no other bytes, fewer or more", () => {
    for (const [hash, hex] of vectors) {
      const key = { secret: utf8.encode("Jefe"), hash };
      const right = Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16));
      const holds = (signature: Uint8Array) =>
        isHmac(signature, "what do ya want for nothing?", key);
      assert(holds(right), hash);
      for (let i = 0; i < right.length; i++) {
        const changed = right.slice();
        changed[i]! ^= 1;
        assert(!holds(changed), `${hash}, byte ${i}`);
      }
      for (const bytes of [right.slice(1), right.slice(0, -1), new Uint8Array(0)]) {
        assert(!holds(bytes), `${hash}, ${bytes.length} bytes`);
      }
      assert(!holds(Uint8Array.of(...right, 0)), `${hash}, a byte more`);
      assert(!isHmac(right, "what do ya want for nothing!", key), `${hash}, another text`);
    }
  });
});
