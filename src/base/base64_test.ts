import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toBase64, toBase64Url } from "./base64.ts";

describe("toBase64() and toBase64Url()", () => {
  it("write what RFC 4648 section 10 says", () => {
    const encoded = ["", "f", "fo", "foo", "foob", "fooba", "foobar"]
      .map((text) => toBase64(new TextEncoder().encode(text)));
    assertEquals(encoded, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
  });

  it("write any bytes as Node's Buffer does", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assertEquals(toBase64(bytes), Buffer.from(bytes).toString("base64"));
      assertEquals(toBase64Url(bytes), Buffer.from(bytes).toString("base64url"));
    }));
  });

  it("write more bytes than one call can take as arguments", () => {
    const bytes = new Uint8Array(1_000_003).map((_, i) => i);
    assertEquals(toBase64(bytes), Buffer.from(bytes).toString("base64"));
  });
});
