/**
 * Holds PROTOCOL.md against its own rules and against the tables of the code.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { z } from "zod";
import { defaultPresence, defaultRetention } from "../src/channel/definition.ts";
import { closeTable } from "../src/protocol/close.ts";
import { decodeBinary } from "../src/protocol/decode.ts";
import { ENVELOPE_VERSION } from "../src/protocol/envelope.ts";
import { errorTable } from "../src/protocol/errors.ts";
import { Media } from "../src/protocol/event.ts";
import {
  clientSchemas,
  featuresSchema,
  MAX_CHANNELS_PER_REQUEST,
  MAX_CORRELATION_ID,
  MAX_HISTORY_LIMIT,
  MAX_MEMBER_METADATA,
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

const options = resolveOptions({ auth: () => ({ userId: null, role: "", claims: {} }) });
const { limits } = options;

function textOf(id: string): string {
  const found = requirements.find((requirement) => requirement.id === id);
  assert(found !== undefined, `there is no ${id}`);
  return found.text;
}

/** A number as the page writes it: 1,000. */
function grouped(number: number): string {
  return number.toLocaleString("en-US");
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1_000} seconds`;
}

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
    for (const [id] of page.split("## Retired")[0]!.matchAll(/HDL-[A-Z]+-\d+/g)) {
      assert(ids.has(id), id);
    }
  });

  it("are not those that were retired, and stand in their place", () => {
    const ids = new Set(requirements.map(({ id }) => id));
    for (const [retired, instead] of rows("Id", "In its place")) {
      assert(!ids.has(retired!), retired);
      assert(ids.has(instead!), instead);
    }
  });

  it("have every number of their area, retired ones counted", () => {
    const areas = new Map<string, Set<number>>();
    const retired = rows("Id", "In its place").map(([id]) => id!);
    for (const id of [...requirements.map(({ id }) => id), ...retired]) {
      const [, area, number] = id.split("-");
      const numbers = areas.get(area!) ?? new Set();
      areas.set(area!, numbers.add(Number(number)));
    }
    for (const [area, numbers] of areas) assertEquals(Math.max(...numbers), numbers.size, area);
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
    for (const [request, answer] of answers) {
      if (request === "ack") assertEquals(answer, "none");
      else assert(Object.hasOwn(serverSchemas, answer!), answer);
    }
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

  it("have the features that hello may ask for", () => {
    const documented = rows("Feature", "In `connected`").map(([name]) => bare(name));
    assertEquals(documented, Object.keys(featuresSchema.shape));
  });

  it("have the default limits of the hub", () => {
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
      connections_per_user: limits.connectionsPerUser,
      in_flight: limits.inFlight,
      in_flight_bytes: limits.inFlightBytes,
    });
  });

  it("have the default rates of the hub", () => {
    const number = (text: string | undefined) => Number(text!.replaceAll(",", ""));
    const documented = rows("Type", "`capacity`").map(([type, capacity, perSecond]) =>
      [bare(type), { capacity: number(capacity), perSecond: number(perSecond) }] as const
    );
    const { messages, connection, refusals, user } = options.rates!;
    assertEquals(new Map(documented), messages);
    const others = Object.fromEntries(
      rows("Limit", "Default").map(([name, value]) => [bare(name), value]),
    );
    assertEquals(others, {
      messages_per_second: String(connection?.limit),
      messages_per_minute: String(user?.limit ?? "none"),
      refusals_per_second: String(refusals?.limit),
    });
  });

  it("have the bounds that the code has", () => {
    assertMatch(page, new RegExp(`1 to ${MAX_CHANNELS_PER_REQUEST} strings`));
    assertMatch(page, new RegExp(`at most\\s+${MAX_CORRELATION_ID}\\s+characters`));
    assertMatch(page, new RegExp(`1 to ${MAX_TYPE_NAME}\\s+characters`));
    assertMatch(page, new RegExp(`1 to ${MAX_CHANNEL_NAME}\\s+characters of`));
    assertMatch(page, new RegExp(`version: ${ENVELOPE_VERSION}`));
    assertMatch(page, new RegExp(`from 0 to ${grouped(MAX_HISTORY_LIMIT)}: how many`));
    assertMatch(page, new RegExp(`from 1 to ${grouped(MAX_HISTORY_LIMIT)}: the most events`));
    assertMatch(page, new RegExp(`at most ${grouped(MAX_MEMBER_METADATA)}\\s+characters as JSON`));
  });

  it("have the defaults that the code has", () => {
    const { size, bytes, ttl } = defaultRetention;
    const kept = textOf("HDL-HIS-10");
    for (const part of [`${grouped(size)} events`, `${grouped(bytes)} bytes`, seconds(ttl)]) {
      assert(kept.includes(part), part);
    }
    const { interval, retries, waiting } = options.acknowledgement;
    assert(textOf("HDL-ACK-2").includes(`${seconds(interval)} and at most ${retries} times`));
    assert(textOf("HDL-ACK-9").includes(`${grouped(waiting)} wait`));
    assert(textOf("HDL-PRE-5").includes(`more than ${grouped(defaultPresence.maxMembers)}`));
    assert(textOf("HDL-PRE-8").includes(`${defaultPresence.coalesce} milliseconds`));
    assert(textOf("HDL-PRE-10").includes(seconds(defaultPresence.grace)));
  });
});

describe("The examples of PROTOCOL.md", () => {
  const sizes = { text: 10_240, subscribe: 65_536, binary: 1_048_576 };
  const [image, ping] = [...page.matchAll(/```hex\n([^`]*)```/g)]
    .map(([, hex]) => new Uint8Array(Buffer.from(hex!.replace(/\s/g, ""), "hex")));

  it("show an envelope of an image", () => {
    const inbound = decodeBinary(image!, sizes, undefined);
    assert(inbound.kind === "request" && inbound.request.type === "publish");
    assertEquals(inbound.request.channel, "camera");
    assertEquals(inbound.request.event_type, "image");
    assert(inbound.request.data instanceof Media);
    assertEquals(inbound.request.data.content, new Uint8Array([0xff, 0xd8, 0xff]));
  });

  it("show a compact COMPRESSED_JSON", () => {
    assertEquals(decodeBinary(ping!, sizes, "deflate"), {
      kind: "request",
      request: { type: "ping" },
    });
  });
});
