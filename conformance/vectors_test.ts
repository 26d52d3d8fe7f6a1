/**
 * Holds the golden vectors against PROTOCOL.md, their README, and zlib.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { gunzipSync, inflateRawSync, inflateSync } from "node:zlib";

type Parts = string | readonly (string | { readonly repeat: string; readonly times: number })[];

interface Vector {
  readonly id: string;
  readonly about: string;
  readonly requirements: readonly string[];
  readonly expect: readonly { readonly kind: string; readonly code?: string }[];
  readonly granted?: string;
  readonly hex?: Parts;
  readonly [field: string]: unknown;
}

const folder = new URL("./vectors/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), "utf8");
const page = read("../PROTOCOL.md");
const readme = read("README.md");
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const vectorsOf = (file: string): readonly Vector[] => JSON.parse(read(file)).vectors;
const all = files.flatMap((file) => vectorsOf(file).map((vector) => ({ file, vector })));

/** The first column of the tables of a section, without the back-quotes. */
function named(text: string, heading: string): ReadonlySet<string> {
  const section = text.split(new RegExp(`^##+ ${heading}$`, "m"))[1]!.split(/^##/m)[0]!;
  return new Set(Array.from(section.matchAll(/^\| `([^`]+)`/gm), ([, name]) => name!));
}

describe("The golden vectors", () => {
  it("are in files that the README tells of", () => {
    assert(all.length > 500, `${all.length} vectors`);
    for (const file of files) assert(readme.includes(`| \`${file}\``), file);
  });

  it("have unique ids that start with their file's name", () => {
    const ids = all.map(({ vector }) => vector.id);
    assertEquals(ids.filter((id, i) => ids.indexOf(id) !== i), []);
    for (const { file, vector: { id } } of all) {
      assertMatch(id, /^[a-z_]+\/[\w-]+$/);
      assertEquals(`${id.split("/")[0]}.json`, file);
    }
  });

  it("follow from requirements that hold", () => {
    const ids = new Set(Array.from(page.matchAll(/^\*\*(HDL-[A-Z]+-\d+)\*\* /gm), ([, id]) => id!));
    for (const { vector: { id, requirements } } of all) {
      assert(requirements.length > 0, `${id} follows from nothing`);
      for (const requirement of requirements) assert(ids.has(requirement), `${id}: ${requirement}`);
    }
  });

  it("have one input, and outcomes of the README's kinds with the protocol's codes", () => {
    const kinds = named(readme, "Outcomes");
    const codes = named(page, "Errors");
    for (const { vector } of all) {
      const { id, about, expect } = vector;
      const inputs = ["json", "text", "hex", "name", "code"].filter((field) => field in vector);
      assertEquals(inputs.length, 1, `${id}: ${inputs.join()}`);
      assert(about.length > 0 && expect.length > 0, id);
      for (const { kind, code } of expect) {
        assert(kinds.has(kind), `${id}: ${kind}`);
        assert(code === undefined || codes.has(code), `${id}: ${code}`);
      }
    }
  });

  it("judge every error code and every close code of PROTOCOL.md", () => {
    const errors = new Set(vectorsOf("errors.json").map(({ code }) => code));
    for (const code of named(page, "Errors")) assert(errors.has(code), code);
    const closes = new Set(vectorsOf("close_codes.json").map(({ code }) => code));
    const section = page.split("## Closing")[1]!.split(/^##/m)[0]!;
    const told = Array.from(section.matchAll(/^\| (\d{4}) /gm), ([, code]) => Number(code));
    assert(told.length > 10);
    for (const code of told) assert(closes.has(code), `${code}`);
  });

  it("hold every request and every message of a server, and each field of them", () => {
    for (const [heading, file] of [["Client", "client"], ["Server", "server"]] as const) {
      const good = vectorsOf(`${file}_messages.json`).flatMap(({ expect }) =>
        expect.flatMap((outcome) => "message" in outcome ? [outcome["message"] as object] : [])
      );
      const section = page.split(`### ${heading} messages`)[1]!.split(/^##/m)[0]!;
      let type = "";
      for (const line of section.split("\n| Request")[0]!.split("\n")) {
        const [, name, field] = /^\| (\S*) +\| (\S*) +\| /.exec(line) ?? [];
        if (name === undefined || name === "Type" || name.startsWith("--")) continue;
        type = name.replaceAll("`", "") || type;
        const bare = field!.replaceAll("`", "");
        assert(
          good.some((message) =>
            Object.hasOwn(message, bare || "type") && "type" in message && message.type === type
          ),
          `no vector of ${file}_messages.json has ${type} with ${bare}`,
        );
      }
    }
  });

  it("are taken by zlib where they are to be taken, and not where their data are damaged", () => {
    const open = { gzip: gunzipSync, zlib: inflateSync, deflate: inflateRawSync } as const;
    for (const { id, hex, granted, expect } of vectorsOf("compressed.json")) {
      const bytes = bytesOf(hex!);
      const payloadAt = 8 + bytes.readUInt16BE(2);
      const { compression = granted } = payloadAt === 8
        ? {}
        : JSON.parse(bytes.subarray(8, payloadAt).toString());
      const inflate = open[compression as keyof typeof open];
      if (inflate === undefined) continue;
      if (expect.some(({ kind }) => kind !== "error")) {
        if (id !== "compressed/deflate-stored-complement") inflate(bytes.subarray(payloadAt));
      } else if (/\/(gzip|zlib|deflate)-.*(cut|wrong|too-far|no-such|type-3|not-last)/.test(id)) {
        let taken = true;
        try {
          inflate(bytes.subarray(payloadAt));
        } catch {
          taken = false;
        }
        assert(!taken, `zlib takes ${id}`);
      }
    }
  });
});

function bytesOf(parts: Parts): Buffer {
  const list = typeof parts === "string" ? [parts] : parts;
  const text = list.map((part) => typeof part === "string" ? part : part.repeat.repeat(part.times));
  return Buffer.from(text.join(""), "hex");
}
