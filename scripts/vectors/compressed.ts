/**
 * The vectors of compressed messages: what is in them, what they say of it, how large it is.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { deflateSync } from "node:zlib";
import type { Vector } from "./bytes.ts";
import {
  algorithms,
  compressors,
  invalid,
  ping,
  taken,
  tooLarge,
  vectorOf,
} from "./compression.ts";
import { gzip } from "./deflate.ts";

const vectors: Vector[] = [];

function add(...args: Parameters<typeof vectorOf>): void {
  vectors.push(vectorOf(...args));
}

const ok = (requirements: readonly string[] = ["HDL-CMP-1"]) => ({ requirements, expect: [taken] });

for (const algorithm of algorithms) {
  add(algorithm, "each algorithm, at any time", algorithm, compressors[algorithm](ping), ok());
  add(
    `${algorithm}-granted-another`,
    "also where another was granted",
    algorithm,
    compressors[algorithm](ping),
    {
      ...ok(),
      granted: algorithm === "zlib" ? "gzip" : "zlib",
    },
  );
}
for (const algorithm of ["gzip", "zlib", "deflate"] as const) {
  add(
    `${algorithm}-compact`,
    "empty metadata stand for what was granted",
    algorithm,
    compressors[algorithm](ping),
    {
      ...ok(["HDL-CMP-3"]),
      metadata: "",
      granted: algorithm,
    },
  );
}
add("compact-braces", "{} are empty metadata too", "gzip", gzip(ping), {
  ...ok(["HDL-CMP-3"]),
  metadata: "{}",
  granted: "gzip",
});
add("compact-nothing-granted", "empty metadata where nothing was granted", "gzip", gzip(ping), {
  requirements: ["HDL-CMP-3"],
  metadata: "",
});
add(
  "compact-another-granted",
  "empty metadata stand for what was granted and nothing else",
  "gzip",
  gzip(ping),
  {
    requirements: ["HDL-CMP-3", "HDL-CMP-5"],
    metadata: "",
    granted: "deflate",
  },
);
const page = Buffer.from("ab562aa92c4855b2522ac8cc4b57aa0500", "hex");
add("page", "the example of PROTOCOL.md", "deflate", page, {
  ...ok(["HDL-CMP-3"]),
  metadata: "",
  granted: "deflate",
});

// What is in it is a message like any other.
const said = {
  type: "publish",
  channel: "a",
  event_type: "said",
  data: "weft and warp ".repeat(60),
};
const words = JSON.stringify(said);
for (const algorithm of algorithms) {
  add(
    `${algorithm}-long`,
    "long enough for codes of its own",
    algorithm,
    compressors[algorithm](words),
    {
      requirements: ["HDL-CMP-1"],
      text: words,
      expect: [{ kind: "request", message: said }],
    },
  );
}
const contents:
  readonly (readonly [id: string, about: string, text: string, ...expect: Vector["expect"]])[] = [
    ["correlated", "with a correlation id", '{"type":"ping","correlation_id":"z1"}', {
      kind: "request",
      message: { type: "ping", correlation_id: "z1" },
    }],
    ["unicode", "UTF-8", '{"type":"ping","correlation_id":"ü🧵"}', {
      kind: "request",
      message: { type: "ping", correlation_id: "ü🧵" },
    }],
    ["no-json", "no JSON", "ping", { kind: "error", code: "invalid_json" }],
    ["empty", "no text", "", { kind: "error", code: "invalid_json" }],
    ["no-object", "no object", "[1]", invalid],
    ["misfit", "wrong fields", '{"type":"subscribe","correlation_id":"z2"}', {
      ...invalid,
      correlation_id: "z2",
    }],
    ["server-type", "a type that only servers send", '{"type":"pong"}', {
      kind: "error",
      code: "unknown_type",
    }],
  ];
for (const [id, about, text, ...expect] of contents) {
  add(`content-${id}`, `what is in it: ${about}`, "zlib", deflateSync(text), {
    requirements: ["HDL-CMP-1"],
    text,
    expect,
  });
}
const latin = Buffer.from('{"type":"ping","x":"\xfc"}', "latin1");
add(
  "content-latin-1",
  "a text that is not UTF-8 is no JSON, nor is the payload well-formed",
  "none",
  latin,
  {
    requirements: ["HDL-CMP-1", "HDL-MSG-2"],
    metadata: { original_size: latin.length },
    expect: [invalid, { kind: "error", code: "invalid_json" }],
  },
);

// The metadata.
const z = deflateSync(ping);
const CMP = { requirements: ["HDL-CMP-1", "HDL-CMP-5"] };
for (const [id, value] of Object.entries({ unknown: "lz4", case: "GZIP", number: 1, null: null })) {
  add(`algorithm-${id}`, "an algorithm that is not in the list", "zlib", z, {
    requirements: ["HDL-CMP-1"],
    metadata: { compression: value },
  });
}
add("algorithm-missing", "sizes without an algorithm", "zlib", z, {
  requirements: ["HDL-CMP-3"],
  granted: "zlib",
  metadata: { compression: undefined },
});
add("algorithm-wrong", "data of another algorithm", "gzip", z, {});
add("unknown-fields", "unknown fields are ignored", "zlib", z, {
  ...ok(["HDL-MSG-7"]),
  metadata: { level: 9, channel: 5 },
});
for (const field of ["original_size", "compressed_size"]) {
  const right = field === "original_size" ? ping.length : z.length;
  const name = field.replace("_", "-");
  const wrong = {
    less: right - 1,
    more: right + 1,
    zero: 0,
    negative: -right,
    fraction: right + 0.5,
  };
  for (const [id, value] of Object.entries({ ...wrong, string: String(right), null: null })) {
    add(`${name}-${id}`, "a size that is not right", "zlib", z, { metadata: { [field]: value } });
  }
  add(`${name}-missing`, "a size that is not told", "zlib", z, {
    ...CMP,
    metadata: { [field]: undefined },
  });
}
add("none-original-size-more", "without compression too", "none", Buffer.from(ping), {
  metadata: { original_size: ping.length + 1 },
});

// How large it may become.
const CMP6 = ["HDL-CMP-6", "HDL-LIM-2"];
const padded = (size: number) => `${ping}${" ".repeat(size - ping.length)}`;
const bomb = " ".repeat(4 * 1_048_576);
for (const algorithm of ["gzip", "zlib", "deflate"] as const) {
  const compress = compressors[algorithm];
  add(`${algorithm}-largest`, "10,240 bytes when inflated", algorithm, compress(padded(10_240)), {
    ...ok(CMP6),
    text: padded(10_240),
  });
  add(`${algorithm}-too-large`, "10,241 bytes when inflated", algorithm, compress(padded(10_241)), {
    requirements: CMP6,
    text: padded(10_241),
    expect: [tooLarge],
  });
  add(`${algorithm}-bomb`, "4 MiB of blanks, told", algorithm, compress(bomb), {
    requirements: CMP6,
    text: bomb,
    expect: [tooLarge],
  });
  add(
    `${algorithm}-bomb-hidden`,
    "4 MiB of blanks that say that they are 15 bytes",
    algorithm,
    compress(bomb),
    {
      requirements: ["HDL-CMP-5", ...CMP6],
      expect: [tooLarge, invalid],
    },
  );
  add(
    `${algorithm}-bomb-compact`,
    "4 MiB of blanks with empty metadata",
    algorithm,
    compress(bomb),
    {
      requirements: ["HDL-CMP-3", ...CMP6],
      metadata: "",
      granted: algorithm,
      expect: [tooLarge],
    },
  );
}
add("size-told-too-large", "15 bytes that say that they are 2^53 - 1", "zlib", z, {
  requirements: ["HDL-CMP-5", ...CMP6],
  metadata: { original_size: Number.MAX_SAFE_INTEGER },
  expect: [invalid, tooLarge],
});
const many = '{"type":"subscribe","channels":["a"],"x":"' + "x".repeat(65_536 - 44) + '"}';
add("subscribe-largest", "a subscribe may have 65,536 bytes when inflated", "gzip", gzip(many), {
  requirements: ["HDL-LIM-7", "HDL-LIM-2"],
  text: many,
  expect: [{ kind: "request", message: { type: "subscribe", channels: ["a"] } }],
});

// What a server sends.
const pong = { type: "pong", timestamp: "2026-03-04T05:06:07.089Z", correlation_id: "z3" };
const answer = JSON.stringify(pong);
for (const algorithm of ["gzip", "zlib", "deflate"] as const) {
  for (const compact of [false, true]) {
    add(
      `server-${algorithm}${compact ? "-compact" : ""}`,
      compact ? "by what was granted, with compact" : "by what was granted",
      algorithm,
      compressors[algorithm](answer),
      {
        requirements: [compact ? "HDL-CMP-4" : "HDL-CMP-2"],
        from: "server",
        granted: algorithm,
        text: answer,
        expect: [{ kind: "message", message: pong }],
        ...(compact ? { metadata: "" } : {}),
      },
    );
  }
}
const batch = { type: "batch", messages: [pong, { ...pong, correlation_id: "z4" }] };
add("server-batch", "a batch may come compressed too", "gzip", gzip(JSON.stringify(batch)), {
  requirements: ["HDL-CMP-2", "HDL-BAT-2"],
  from: "server",
  granted: "gzip",
  text: JSON.stringify(batch),
  expect: [{ kind: "message", message: batch }],
});

/** All of them; `page` stands in PROTOCOL.md. */
export const compressed: readonly Vector[] = vectors;
