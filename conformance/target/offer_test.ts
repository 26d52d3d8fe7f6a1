import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BadProfile, parseOffer } from "./offer.ts";

const refused = (profile: unknown) =>
  assertThrows(() => parseOffer(JSON.stringify(profile)), BadProfile).message;

describe("a profile file", () => {
  it("is taken as it stands where all in it is right", () => {
    const profile = {
      url: "ws://127.0.0.1:{port}/ws",
      tokens: { roles: { admin: "a.b.c" } },
      channels: { "open.*": { permissions: { "*": ["subscribe"] }, presence: {} } },
      application: ["kit.echo"],
    };
    assertEquals<unknown>(parseOffer(JSON.stringify(profile)), profile);
    assertEquals(parseOffer("{}"), {});
  });

  it("is taken as the README of the kit shows it, and the README tells of each field", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const offer = parseOffer(/```json\n([^]*?)```/.exec(readme)![1]!);
    assertEquals(offer.tokens, { secret: "s3cret" });
    const known = refused({ nothing: 1 }).split("there are ")[1]!.split(", ");
    for (const field of known) assertStringIncludes(readme, `\`${field}\``);
  });

  it("is refused with the place, what stands there and what may", () => {
    assertStringIncludes(
      refused({ channels: { news: { permissions: { "*": ["read"] } } } }),
      'profile.channels.news.permissions.*[0]: must be subscribe, broadcast, not "read"',
    );
    assertStringIncludes(refused({ URL: "ws://x/" }), "profile.URL: unknown; there are url, rest");
    assertStringIncludes(refused({ anonymous: "yes" }), "must be true or false");
    assertStringIncludes(refused({ application: ["kit.fly"] }), "kit.publish");
    assertStringIncludes(refused([]), "profile: must be an object, not []");
  });

  it("is refused where a channel says nothing of permissions, or tokens come from two places", () => {
    assertStringIncludes(refused({ channels: { news: {} } }), "news.permissions: missing");
    assertStringIncludes(refused({ tokens: { secret: "x", command: "y" } }), "one of secret");
    assertStringIncludes(
      assertThrows(() => parseOffer("{"), BadProfile).message,
      "not JSON",
    );
  });
});
