import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { HeddleError } from "../base/errors.ts";
import { adler32, crc32, openGzip, openZlib } from "./container.ts";

const encoder = new TextEncoder();
const DIGITS = encoder.encode("123456789");

/** A gzip member whose header has `flags` and then `fields`. */
function gzipWith(flags: number, fields: readonly number[]): Uint8Array {
  const plain = new Uint8Array(gzipSync(DIGITS));
  const head = plain.slice(0, 10);
  head[3] = flags;
  return new Uint8Array([...head, ...fields, ...plain.subarray(10)]);
}

/** The CRC-16 of a header: the low half of its CRC-32. */
function withHeaderCrc(flags: number, fields: readonly number[]): Uint8Array {
  const bytes = gzipWith(flags | 0x02, fields);
  const crc = crc32(bytes.subarray(0, 10 + fields.length));
  return gzipWith(flags | 0x02, [...fields, crc & 0xff, crc >> 8 & 0xff]);
}

function assertBroken(fn: () => unknown, includes: string): void {
  assertEquals(assertThrows(fn, HeddleError, includes).code, "inflate_failed");
}

describe("crc32()", () => {
  it("gives the published check value", () => {
    assertEquals(crc32(DIGITS), 0xcbf43926);
    assertEquals(crc32(new Uint8Array()), 0);
  });
});

describe("adler32()", () => {
  it("gives the published check value", () => {
    assertEquals(adler32(DIGITS), 0x091e01de);
    assertEquals(adler32(new Uint8Array()), 1);
  });

  it("does not overflow over a megabyte of 0xff", () => {
    const size = 1 << 20;
    let a = 1n;
    let b = 0n;
    for (let i = 0; i < size; i++) {
      a = (a + 255n) % 65521n;
      b = (b + a) % 65521n;
    }
    assertEquals(adler32(new Uint8Array(size).fill(0xff)), Number(b << 16n | a));
  });
});

describe("openGzip()", () => {
  const body = openGzip(gzipSync(DIGITS)).body;
  const name = [...encoder.encode("a.txt"), 0];
  const extra = [4, 0, 1, 2, 3, 0];

  it("finds the body behind every field a header may have", () => {
    const headers = [
      gzipWith(0x01, []),
      gzipWith(0x04, extra),
      gzipWith(0x08, name),
      gzipWith(0x10, name),
      gzipWith(0x1c, [...extra, ...name, ...name]),
      withHeaderCrc(0, []),
      withHeaderCrc(0x1c, [...extra, ...name, ...name]),
    ];
    for (const bytes of headers) {
      const opened = openGzip(bytes);
      assertEquals(new Uint8Array(opened.body), new Uint8Array(body));
      opened.verify(DIGITS);
    }
  });

  it("refuses a header that does not fit its CRC-16", () => {
    assertBroken(() => openGzip(gzipWith(0x02, [0, 0])), "CRC-16");
  });

  it("refuses reserved flags", () => {
    for (const flag of [0x20, 0x40, 0x80]) {
      assertBroken(() => openGzip(gzipWith(flag, [])), "reserved");
    }
  });

  it("refuses another magic number or method", () => {
    const good = gzipWith(0, []);
    for (const at of [0, 1, 2]) {
      const bytes = new Uint8Array(good);
      bytes[at]! ^= 1;
      assertBroken(() => openGzip(bytes), "not gzip's");
    }
  });

  it("refuses fields that run past the end", () => {
    const head = [0x1f, 0x8b, 8];
    const rest = [0, 0, 0, 0, 0, 3];
    for (const fields of [[0x04, ...rest, 0xff, 0xff], [0x08, ...rest, 65, 65], [0x1c, ...rest]]) {
      const bytes = new Uint8Array([...head, ...fields, ...new Uint8Array(8).fill(1)]);
      assertBroken(() => openGzip(bytes), "cut short");
    }
  });

  it("refuses an output of another size or CRC-32", () => {
    const { verify } = openGzip(gzipWith(0, []));
    assertBroken(() => verify(DIGITS.subarray(1)), "another size");
    assertBroken(() => verify(encoder.encode("123456780")), "CRC-32");
  });
});

describe("openZlib()", () => {
  it("refuses a preset dictionary", () => {
    assertBroken(() => openZlib(new Uint8Array([0x78, 0xbb, 0, 0, 0, 0, 0, 0])), "dictionary");
  });

  it("refuses a method, window or check that is not zlib's", () => {
    for (const head of [[0x77, 0x85], [0x88, 0x1c], [0x78, 0x9d]]) {
      assertBroken(() => openZlib(new Uint8Array([...head, 3, 0, 0, 0, 0, 1])), "not zlib's");
    }
  });
});
