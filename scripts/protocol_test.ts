/**
 * Holds PROTOCOL.md against its own rules and against the tables of the code.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { z } from "zod";
import { closeTable } from "../src/protocol/close.ts";
import { decodeBinary } from "../src/protocol/decode.ts";
import { ENVELOPE_VERSION } from "../src/protocol/envelope.ts";
import { errorTable } from "../src/protocol/errors.ts";
import { Media } from "../src/protocol/event.ts";
import {
  clientSchemas,
  isReservedType,
  isUnofferedType,
  MAX_CHANNELS_PER_REQUEST,
  MAX_CORRELATION_ID,
  MAX_TYPE_NAME,
  serverSchemas,
} from "../src/protocol/messages.ts";
import { MAX_CHANNEL_NAME } from "../src/protocol/names.ts";
import { resolveOptions } from "../src/hub/options.ts";

const page = readFileSync(new URL("../conformance/PROTOCOL.md", import.meta.url), "utf8");

interface Requirement {
  readonly id: string;
  readonly text: string;
}

const requirements: readonly Requirement[] = page.split(/\n{2,}/).flatMap((paragraph) => {
  const match = /^\*\*(HDL-[A-Z]+-\d+)\*\* ([^]*)$/.exec(paragraph.trim());
  return match === null ? [] : [{ id: match[1]!, text: match[2]!.replaceAll("\n", " ") }];
});

/** The cells of the tables whose first column has this heading, without the heading. */
function rows(...heading: readonly string[]): readonly (readonly string[])[] {
  const tables = page.split(/\n{2,}/).filter((block) => block.startsWith("|"));
  const found = tables.map((table) => table.trim().split("\n").map(cells))
    .find(([first]) => heading.every((name, i) => first?.[i] === name));
  assert(found !== undefined, `there is no table ${heading.join(", ")}`);
  return found.slice(2);
}

function cells(line: string): string[] {
  return line.split("|").slice(1, -1).map((cell) => cell.trim());
}

function bare(cell: string | undefined): string {
  return (cell ?? "").replaceAll("`", "");
}

/** The fields of each message as the table `heading` has them: name, and whether it is required. */
function fieldsOf(direction: "Client" | "Server"): Record<string, Record<string, boolean>> {
  const section = page.split(`### ${direction} messages`)[1]!.split(/\n#/)[0]!;
  const table = section.split("\n").filter((line) => line.startsWith("|")).map(cells);
  const fields: Record<string, Record<string, boolean>> = {};
  let type = "";
  for (const [named, field, , required] of table) {
    if (named === "Request") break;
    if (named === "Type" || named?.startsWith("--")) continue;
    type = bare(named) || type;
    fields[type] ??= {};
    if (field !== "") fields[type]![bare(field)] = required === "yes";
  }
  return fields;
}

/** The same, as the schemas have it; what every message has is left out. */
function fieldsOfSchemas(schemas: typeof clientSchemas | typeof serverSchemas) {
  return Object.fromEntries(
    Object.entries(schemas).map(([type, { shape }]) => [
      type,
      Object.fromEntries(
        Object.entries<z.ZodType>(shape)
          .filter(([name]) => !["type", "timestamp", "correlation_id"].includes(name))
          .map(([name, schema]) => [name, !schema.safeParse(undefined).success]),
      ),
    ]),
  );
}

describe("The requirements of PROTOCOL.md", () => {
  it("are found, and no id stands anywhere else at the start of a line", () => {
    assert(requirements.length > 100, `${requirements.length} requirements`);
    assertEquals(page.match(/^\W*HDL-[A-Z]+-\d+\*\*/gm)?.length, requirements.length);
  });

  it("have unique ids", () => {
    const ids = requirements.map(({ id }) => id);
    assertEquals(ids.filter((id, i) => ids.indexOf(id) !== i), []);
  });

  it("are one sentence each", () => {
    for (const { id, text } of requirements) {
      const prose = text.replace(/`[^`]*`/g, "x");
      assertMatch(prose, /^[A-Zx][^]*\.$/, id);
      assert(!/[.!?]\s/.test(prose), `${id} has more than one sentence: ${prose}`);
    }
  });

  it("say exactly one MUST, SHOULD or MAY", () => {
    for (const { id, text } of requirements) {
      const words = text.match(/\b(MUST|SHOULD|MAY|SHALL|REQUIRED|RECOMMENDED|OPTIONAL)\b/g) ?? [];
      assertEquals(words.length, 1, `${id} says ${words.join(", ") || "none"}`);
      assert(["MUST", "SHOULD", "MAY"].includes(words[0]!), `${id} says ${words[0]}`);
    }
  });

  it("stand in for each other only where there is such an id", () => {
    const ids = new Set(requirements.map(({ id }) => id));
    for (const [id] of page.matchAll(/HDL-[A-Z]+-\d+/g)) assert(ids.has(id), id);
  });
});

describe("The tables of PROTOCOL.md", () => {
  it("have the client messages of the schemas, field by field", () => {
    assertEquals(fieldsOf("Client"), fieldsOfSchemas(clientSchemas));
  });

  it("have the server messages of the schemas, field by field", () => {
    assertEquals(fieldsOf("Server"), fieldsOfSchemas(serverSchemas));
  });

  it("name an answer for each request", () => {
    const answers = rows("Request", "Answer").map((row) => row.map(bare));
    assertEquals(answers.map(([request]) => request), Object.keys(clientSchemas));
    for (const [, answer] of answers) assert(Object.hasOwn(serverSchemas, answer!), answer);
  });

  it("have the errors of the code, recoverable or not", () => {
    const documented = rows("Code", "Recoverable")
      .map(([code, recoverable]) => [bare(code), recoverable === "yes"]);
    const known = Object.entries(errorTable).map(([code, rule]) => [code, rule.recoverable]);
    assertEquals(documented, known);
  });

  it("have the close codes of the code, with reason and action", () => {
    const documented = rows("Code", "Reason", "Action").map((row) => row.slice(0, 3));
    const known = Object.values(closeTable)
      .map(({ code, reason, action }) => [String(code), reason, action]);
    assertEquals(documented, known);
  });

  it("name every reserved type of the extensions", () => {
    const [requests, answers] = rows("Way", "Types")
      .map(([, types]) => bare(types).split(",").map((type) => type.trim()));
    for (const type of requests!) assert(isUnofferedType(type), type);
    for (const type of answers!) assert(isReservedType(type) && !isUnofferedType(type), type);
  });

  it("have the default limits of the hub", () => {
    const { limits } = resolveOptions({ auth: () => ({ userId: null, role: "", claims: {} }) });
    const documented = Object.fromEntries(
      rows("Name", "Unit", "Default").map(([name, , value]) => [
        bare(name),
        Number(value!.replaceAll(",", "")),
      ]),
    );
    assertEquals(documented, {
      text_bytes: limits.text,
      subscribe_bytes: limits.subscribe,
      binary_bytes: limits.binary,
      subscriptions: limits.subscriptions,
      in_flight: limits.inFlight,
    });
  });

  it("have the bounds that the code has", () => {
    assertMatch(page, new RegExp(`1 to ${MAX_CHANNELS_PER_REQUEST} strings`));
    assertMatch(page, new RegExp(`at most\\s+${MAX_CORRELATION_ID}\\s+characters`));
    assertMatch(page, new RegExp(`1 to ${MAX_TYPE_NAME}\\s+characters`));
    assertMatch(page, new RegExp(`1 to ${MAX_CHANNEL_NAME}\\s+characters of`));
    assertMatch(page, new RegExp(`version: ${ENVELOPE_VERSION}`));
  });
});

describe("The examples of PROTOCOL.md", () => {
  const limits = { text: 10_240, subscribe: 65_536, binary: 1_048_576 };
  const [image, ping] = [...page.matchAll(/```hex\n([^`]*)```/g)]
    .map(([, hex]) => new Uint8Array(Buffer.from(hex!.replace(/\s/g, ""), "hex")));

  it("show an envelope of an image", () => {
    const inbound = decodeBinary(image!, limits, undefined);
    assert(inbound.kind === "request" && inbound.request.type === "publish");
    assertEquals(inbound.request.channel, "camera");
    assertEquals(inbound.request.event_type, "image");
    assert(inbound.request.data instanceof Media);
    assertEquals(inbound.request.data.content, new Uint8Array([0xff, 0xd8, 0xff]));
  });

  it("show a compact COMPRESSED_JSON", () => {
    assertEquals(decodeBinary(ping!, limits, "deflate"), {
      kind: "request",
      request: { type: "ping" },
    });
  });
});
