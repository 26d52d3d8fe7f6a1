import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import picocolors from "picocolors";
import { type Format, formatter, isEvent, readFrame } from "./format.ts";

const plain = picocolors.createColors(false);

function shown(format: Format, data: string | Uint8Array, isVerbose = false): string {
  return formatter(format, plain, isVerbose)(readFrame(data));
}

const event = '{"type":"event","channel":"metrics","event_type":"system_metrics",' +
  '"timestamp":"2024-12-29T12:00:00Z","data":{"cpu_percent":45.20,"tags":["a","b"]},"offset":1}';
const subscribed = '{"type":"subscribed","channels":["metrics"],"positions":{},' +
  '"correlation_id":"1","timestamp":"2024-12-29T12:00:00Z"}';

describe("formatter()", () => {
  it("writes a frame as JSON as it came", () => {
    assertEquals(shown("json", event), event);
    assertEquals(shown("json", subscribed), subscribed);
    assertEquals(shown("json", "[1,\n 2]"), "[1,2]");
  });

  it("keeps a line of JSON JSON, whatever came", () => {
    assertEquals(JSON.parse(shown("json", "no\nJSON")), "no\nJSON");
    assertEquals(JSON.parse(shown("json", new Uint8Array([1, 2]))), {
      encoding: "base64",
      content: "AQI=",
    });
  });

  it("writes time, channel, event type and data on one line", () => {
    assertEquals(
      shown("compact", event),
      '2024-12-29T12:00:00Z metrics system_metrics {"cpu_percent":45.2,"tags":["a","b"]}',
    );
    assertEquals(
      shown("compact", subscribed),
      '2024-12-29T12:00:00Z - subscribed {"channels":["metrics"]}',
    );
    assertEquals(
      shown("compact", '{"type":"pong","timestamp":"2024-12-29T12:00:00Z"}'),
      "2024-12-29T12:00:00Z - pong",
    );
  });

  it("indents, with plain lists on one line", () => {
    assertEquals(
      shown("pretty", event),
      "2024-12-29T12:00:00Z  metrics  system_metrics\n" +
        '  {\n    "cpu_percent": 45.2,\n    "tags": [ "a", "b" ]\n  }',
    );
  });

  it("colours names and values", () => {
    const colors = picocolors.createColors(true);
    const text = formatter("pretty", colors, false)(readFrame(event));
    assertEquals(text.includes(colors.cyan("metrics")), true);
    assertEquals(text.includes(`${colors.blue('"cpu_percent"')}: ${colors.yellow("45.2")}`), true);
  });

  it("leaves out what is for programs, but where it is verbose", () => {
    assertEquals(shown("compact", subscribed, true).includes('"positions":{}'), true);
  });

  it("lets nothing through that steers a terminal", () => {
    const steering = "\u001b[2J\u009b2J\u202e\r\u0007";
    for (const format of ["json", "compact", "pretty"] as const) {
      for (
        const frame of [
          JSON.stringify({ type: steering, channel: steering }),
          JSON.stringify({
            type: "event",
            channel: steering,
            event_type: steering,
            data: steering,
          }),
          steering,
        ]
      ) {
        const text = shown(format, frame);
        assertEquals(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u.test(text), false, text);
      }
    }
  });
});

describe("isEvent()", () => {
  it("tells events from answers, those without a type included", () => {
    assertEquals(isEvent(readFrame(event)), true);
    assertEquals(isEvent(readFrame('{"channel":"metrics","event_type":"x","data":1}')), true);
    assertEquals(isEvent(readFrame(subscribed)), false);
    assertEquals(isEvent(readFrame('{"type":"published","channel":"metrics"}')), false);
    assertEquals(isEvent(readFrame("[]")), false);
  });
});
