import { describe, it } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { inflateMessage } from "../reference/inflate.ts";
import { bytesOf, concat } from "./bytes.ts";
import {
  type Agreement,
  agreementOf,
  MessageDeflater,
  MessageInflater,
  parseExtensions,
  storedBlocks,
} from "./deflate.ts";
import { BadDeflate, inflate } from "./inflate.ts";
import { deflateMatching } from "./matching.ts";

const agreement: Agreement = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

/** Data that compresses: few different bytes, repeated runs. */
const data = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }).map((runs) =>
  concat(runs.flatMap((run) => [run, run, Uint8Array.of(run.length), run]))
);

describe("MessageDeflater", () => {
  it("yields what zlib inflates, message after message, with the window carried on", () => {
    fc.assert(fc.property(fc.array(data, { maxLength: 6 }), (messages) => {
      const deflater = new MessageDeflater(agreement);
      let window = new Uint8Array();
      for (const message of messages) {
        const inflated = inflateMessage(deflater.compress(message), window, 1e6);
        assertEquals(inflated, { data: message });
        window = concat([window, message]).slice(-32768);
      }
    }));
  });

  it("reaches back into earlier messages, but never further than the window agreed", () => {
    const noise = Uint8Array.from({ length: 700 }, (_, i) => (i * i * 31 + (i >> 3) * 7) & 0xff);
    for (const clientMaxWindowBits of [8, 9, 15]) {
      const deflater = new MessageDeflater({ ...agreement, clientMaxWindowBits });
      const inflater = new MessageInflater(agreement);
      inflater.decompress(deflater.compress(noise));
      const { data, farthest } = inflater.decompress(deflater.compress(noise));
      assertEquals(data, noise);
      assert(farthest <= 2 ** clientMaxWindowBits);
      if (clientMaxWindowBits === 15) assertEquals(farthest, 700);
    }
  });

  it("makes blocks of the kind that was asked for", () => {
    const message = Uint8Array.from({ length: 5000 }, (_, i) => ((i * i * 7919) % 1013) ** 2 >> 13);
    for (const [blocks, type] of [["zlib", "dynamic"], ["fixed", "fixed"], ["stored", "stored"]]) {
      const options = { blocks: blocks as "zlib" | "fixed" | "stored" };
      const compressed = new MessageDeflater(agreement).compress(message, options);
      const inflated = new MessageInflater(agreement).decompress(compressed);
      assertEquals(inflated.data, message);
      assertEquals(inflated.blocks[0]?.type, type);
    }
  });
});

describe("inflate", () => {
  it("gives what zlib was given, whatever the level and strategy", () => {
    const level = fc.integer({ min: 0, max: 9 });
    const strategy = fc.constantFrom(
      constants.Z_DEFAULT_STRATEGY,
      constants.Z_FIXED,
      constants.Z_HUFFMAN_ONLY,
    );
    fc.assert(fc.property(data, level, strategy, (bytes, level, strategy) => {
      const compressed = deflateRawSync(bytes, { level, strategy });
      assertEquals(inflate(compressed, new Uint8Array(), 1e6).data, bytes);
    }));
  });

  it("goes on after a block with BFINAL, from the next byte (RFC 7692 section 7.2.3.4)", () => {
    const hello = Uint8Array.of(0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00);
    const inflated = new MessageInflater(agreement).decompress(hello);
    assertEquals(inflated.data, bytesOf("Hello"));
    assertEquals(inflated.blocks, [{ type: "fixed", final: true }, {
      type: "stored",
      final: false,
    }]);
  });

  it("reads several stored blocks", () => {
    const blocks = concat([storedBlocks(bytesOf("Hello, world"), 5), Uint8Array.of(0)]);
    assertEquals(new MessageInflater(agreement).decompress(blocks).data, bytesOf("Hello, world"));
  });

  it("refuses a reserved block, a distance before the start, data cut off, and too much", () => {
    const cases: readonly (readonly [number[], string])[] = [
      [[0x07], "reserved type"],
      [[0xf3, 0x48], "ends inside"],
      [[0x00, 0x05, 0x00, 0xfa, 0xfe, 1, 2, 3, 4, 5], "not true"],
    ];
    for (const [bytes, reason] of cases) {
      const run = () => inflate(Uint8Array.from(bytes), new Uint8Array(), 100);
      assertThrows(run, BadDeflate, reason);
    }
    const back = deflateMatching(bytesOf("Hello"), bytesOf("Hello"), 32768);
    assertThrows(() => inflate(back, new Uint8Array(), 100), BadDeflate, "too far back");
    const bomb = deflateRawSync(new Uint8Array(10_000));
    assertThrows(() => inflate(bomb, new Uint8Array(), 9_999), BadDeflate, "more than 9999");
  });
});

describe("parseExtensions", () => {
  it("reads names and parameters, tokens and quoted strings", () => {
    assertEquals(
      parseExtensions('a; b=1; c="\\2-3", ,permessage-deflate ;server_max_window_bits = 9'),
      [
        { name: "a", parameters: [["b", "1"], ["c", "2-3"]] },
        { name: "permessage-deflate", parameters: [["server_max_window_bits", "9"]] },
      ],
    );
    assertEquals(parseExtensions(" , "), []);
  });

  it("reads nothing where a header is no list of extensions", () => {
    for (const header of ["a; =1", "a;", "a b", 'a; b="', 'a; b=""', 'a; b="2, 3"', 'a"', "a;;b"]) {
      assertEquals(parseExtensions(header), null, header);
    }
  });

  it("tells what is wrong with an answer of permessage-deflate", () => {
    const of = (header: string) => {
      const [extension] = parseExtensions(header) ?? [];
      return extension === undefined ? null : agreementOf(extension);
    };
    assertEquals(of("permessage-deflate; server_max_window_bits=16"), "server_max_window_bits=16");
    assertEquals(of("permessage-deflate; x"), "the parameter x is unknown");
    assertEquals(of("permessage-deflate; client_max_window_bits=9; server_no_context_takeover"), {
      ...agreement,
      clientMaxWindowBits: 9,
      serverNoContextTakeover: true,
    });
  });
});
