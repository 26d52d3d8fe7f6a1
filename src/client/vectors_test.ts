/**
 * Holds what the client makes of frames against the golden vectors.
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import { Media } from "../protocol/event.ts";
import { canonical, type Outcome, readVectors, type Vector } from "../testing/vectors.ts";
import { readFrame, type Received } from "./frames.ts";

const latin1 = new TextDecoder("latin1");

function outcomeOf({ raw, known }: Received): Outcome {
  if (known === undefined) return { kind: "other", type: raw.type };
  if (known.type !== "event" || !(known.data instanceof Media)) {
    return { kind: "message", message: known };
  }
  const { data: { kind, content, metadata }, ...message } = known;
  return { kind: "message", message, media: { kind, bytes: content, metadata } };
}

function comparable({ media, ...outcome }: Outcome): string {
  return canonical(
    media === undefined
      ? outcome
      : { ...outcome, media: { ...media, bytes: latin1.decode(media.bytes) } },
  );
}

function read({ input, granted }: Vector): Received {
  return readFrame(input, { limit: 1_048_576, granted });
}

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("The client and the golden vectors", () => {
  for (const file of ["server_messages", "envelopes", "compressed"]) {
    it(`agree on ${file}`, () => {
      const vectors = readVectors(file).filter(({ from }) => from !== "client");
      assert(vectors.length > 5, `${vectors.length} vectors`);
      for (const vector of vectors) {
        const { id, expect } = vector;
        if (expect.every(({ kind }) => kind === "error")) {
          const refusal = thrownBy(() => read(vector));
          assert(refusal instanceof HeddleError && refusal.code === "invalid_frame", id);
        } else {
          const permitted = expect.map(comparable);
          const shown = comparable(outcomeOf(read(vector)));
          if (!permitted.includes(shown)) assertEquals(shown, permitted.join("\nor "), id);
        }
      }
    });
  }
});
