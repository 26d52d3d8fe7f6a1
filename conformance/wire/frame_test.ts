import { describe, it } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { bytesOf, concat, fromHex, toHex } from "./bytes.ts";
import {
  applyMask,
  binary,
  close,
  closeBody,
  continuation,
  decodeFrame,
  encodeFrame,
  fragments,
  frame,
  type FrameSpec,
  OPCODE,
  ping,
  pong,
  text,
  Unreadable,
} from "./frame.ts";

const KEY = fromHex("37 fa 21 3d");
const hexOf = (spec: FrameSpec) => toHex(encodeFrame(spec, KEY));

describe("encodeFrame()", () => {
  it("writes the examples of RFC 6455 section 5.7", () => {
    const unmasked = { mask: false } as const;
    assertEquals(hexOf(text("Hello", unmasked)), "81 05 48 65 6c 6c 6f");
    assertEquals(hexOf(text("Hello")), "81 85 37 fa 21 3d 7f 9f 4d 51 58");
    assertEquals(hexOf(text("Hel", { ...unmasked, fin: false })), "01 03 48 65 6c");
    assertEquals(hexOf(continuation("lo", unmasked)), "80 02 6c 6f");
    assertEquals(hexOf(ping("Hello", unmasked)), "89 05 48 65 6c 6c 6f");
    assertEquals(hexOf(pong("Hello")), "8a 85 37 fa 21 3d 7f 9f 4d 51 58");
    const long = (length: number) => encodeFrame(binary(new Uint8Array(length), unmasked), KEY);
    assertEquals(toHex(long(256).subarray(0, 4)), "82 7e 01 00");
    assertEquals(toHex(long(65536).subarray(0, 10)), "82 7f 00 00 00 00 00 01 00 00");
  });

  it("takes as few bytes for the length as hold it, unless told otherwise", () => {
    const head = (length: number, fields = {}) =>
      toHex(
        encodeFrame(binary(new Uint8Array(length), { mask: false, ...fields }), KEY).subarray(
          0,
          10,
        ),
      );
    assertEquals(head(125).slice(0, 5), "82 7d");
    assertEquals(head(126).slice(0, 11), "82 7e 00 7e");
    assertEquals(head(65535).slice(0, 11), "82 7e ff ff");
    assertEquals(head(65536), "82 7f 00 00 00 00 00 01 00 00");
    assertEquals(head(0, { lengthBytes: 2 }), "82 7e 00 00");
    assertEquals(head(0, { lengthBytes: 8 }), "82 7f 00 00 00 00 00 00 00 00");
  });

  it("declares whatever length it is told, up to the highest bit", () => {
    const declared = (declaredLength: bigint) =>
      hexOf(binary("x", { declaredLength, mask: false, lengthBytes: 8 }));
    assertEquals(declared(2n ** 63n + 5n), "82 7f 80 00 00 00 00 00 00 05 78");
    assertEquals(declared(2n ** 64n - 1n), "82 7f ff ff ff ff ff ff ff ff 78");
    assertEquals(hexOf(binary("x", { declaredLength: 300, mask: false })), "82 7e 01 2c 78");
  });

  it("sets each bit of the first byte by itself", () => {
    const first = (fields: Partial<FrameSpec>, opcode = 0) =>
      encodeFrame({ opcode, payload: new Uint8Array(), fin: false, ...fields }, KEY)[0];
    assertEquals(first({ fin: true }), 0x80);
    assertEquals(first({ rsv1: true }), 0x40);
    assertEquals(first({ rsv2: true }), 0x20);
    assertEquals(first({ rsv3: true }), 0x10);
    for (let opcode = 0; opcode < 16; opcode++) assertEquals(first({}, opcode), opcode);
  });
});

describe("decodeFrame()", () => {
  it("gives back what encodeFrame() wrote, and says undefined before all of it is there", () => {
    const specs = fc.record({
      opcode: fc.nat(15),
      payload: fc.uint8Array({ maxLength: 300, size: "max" }),
      fin: fc.boolean(),
      rsv1: fc.boolean(),
      rsv2: fc.boolean(),
      rsv3: fc.boolean(),
      mask: fc.oneof(fc.constant(false as const), fc.uint8Array({ minLength: 4, maxLength: 4 })),
    });
    fc.assert(fc.property(specs, fc.nat(400), (spec, cut) => {
      const bytes = encodeFrame(spec, KEY);
      const { raw, masked, lengthBytes, ...read } = decodeFrame(concat([bytes, KEY])) ?? {};
      const { mask, ...sent } = spec;
      assertEquals(read, sent);
      assertEquals(raw, bytes);
      assertEquals(masked, mask !== false);
      assertEquals(lengthBytes, spec.payload.length < 126 ? 0 : 2);
      assertEquals(decodeFrame(bytes.subarray(0, Math.min(cut, bytes.length - 1))), undefined);
    }));
  });

  it("says how the length was written, also where fewer bytes hold it", () => {
    for (const lengthBytes of [0, 2, 8] as const) {
      const read = decodeFrame(encodeFrame(text("Hello", { lengthBytes }), KEY));
      assertEquals([read?.lengthBytes, read?.payload], [lengthBytes, bytesOf("Hello")]);
    }
  });

  it("refuses a length that it could never hold before waiting for it", () => {
    const bytes = encodeFrame(binary("", { declaredLength: 2n ** 60n, mask: false }), KEY);
    const error = assertThrows(() => decodeFrame(bytes), Unreadable);
    assert(error.message.includes(String(2n ** 60n)));
  });
});

describe("applyMask()", () => {
  it("undoes itself, at every length and with every key", () => {
    const key = fc.uint8Array({ minLength: 4, maxLength: 4 });
    fc.assert(fc.property(fc.uint8Array(), key, (payload, key) => {
      assertEquals(applyMask(applyMask(payload, key), key), payload);
    }));
  });

  it("takes byte i modulo 4 of the key for byte i", () => {
    assertEquals(toHex(applyMask(new Uint8Array(6), fromHex("01 02 03 04"))), "01 02 03 04 01 02");
  });
});

describe("fragments()", () => {
  it("makes a message of the first opcode, continuations, and FIN on the last alone", () => {
    const parts = fragments(OPCODE.text, "Hello", [2, 0], { rsv1: true });
    assertEquals(
      parts.map(({ opcode, fin, rsv1 = false, payload }) => [opcode, fin, rsv1, payload]),
      [
        [1, false, true, bytesOf("He")],
        [0, false, false, bytesOf("")],
        [0, true, false, bytesOf("llo")],
      ],
    );
  });

  it("adds no fragment where the lengths leave nothing over", () => {
    assertEquals(fragments(OPCODE.binary, "Hello", [5, 0]).map(({ payload }) => payload.length), [
      5,
      0,
    ]);
    assertEquals(fragments(OPCODE.binary, "", []).length, 1);
  });
});

describe("close()", () => {
  it("has the code in network byte order, then the reason", () => {
    assertEquals(toHex(closeBody(1000, "ok")), "03 e8 6f 6b");
    assertEquals(close(null).payload.length, 0);
    assertEquals(toHex(close(65535).payload), "ff ff");
    assertEquals(close(), frame(OPCODE.close, fromHex("03 e8")));
  });
});
