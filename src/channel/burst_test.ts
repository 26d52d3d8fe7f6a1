import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { FakeSocket } from "../testing/fake_socket.ts";
import { Burst, type Place } from "./burst.ts";
import type { Member } from "./fanout.ts";

/** Joins texts, and notes what it handed over. */
class Lines extends Burst<string, string> {
  readonly #places = new Map<Member, Place>();
  readonly handed: { readonly member: Member; readonly line: string }[] = [];
  joins = 0;
  scheduled = 0;

  send(members: ReadonlySet<Member>, item: string, leftOut: readonly Member[] = []): void {
    this.push(members, item, item.length, leftOut);
  }

  protected override place(member: Member): Place {
    const place = this.#places.get(member) ?? { turn: 0, from: 0, groups: 0 };
    this.#places.set(member, place);
    return place;
  }

  protected override join(items: readonly string[]): string {
    this.joins++;
    return items.join(" ");
  }

  protected override hand(member: Member, line: string): void {
    this.handed.push({ member, line });
  }

  protected override schedule(): void {
    this.scheduled++;
  }

  /** All that a member was handed, in order. */
  of(member: Member): string[] {
    return this.handed.filter((one) => one.member === member).flatMap(({ line }) =>
      line.split(" ")
    );
  }
}

function newMember(): Member {
  return { socket: new FakeSocket(), isReady: true, room: Infinity, hand() {}, strained() {} };
}

type Step = readonly [
  what: "send" | "send" | "send to all but" | "add" | "delete" | "settle" | "flush",
  member: number,
  group: number,
];

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.tuple(
    fc.constantFrom<Step[0][]>(
      "send",
      "send",
      "send to all but",
      "add",
      "delete",
      "settle",
      "flush",
    ),
    fc.nat(3),
    fc.nat(2),
  ),
  { maxLength: 60 },
);

describe("Burst", () => {
  it("hands each member what was sent to its groups while it was in them, in that order", () => {
    fc.assert(fc.property(steps, (steps) => {
      const burst = new Lines();
      const members = Array.from({ length: 4 }, newMember);
      const groups = Array.from({ length: 3 }, () => new Set<Member>());
      const expected = new Map(members.map((member) => [member, [] as string[]]));
      steps.forEach(([what, who, where], i) => {
        const member = members[who]!;
        const group = groups[where]!;
        if (what === "send" || what === "send to all but") {
          const leftOut = what === "send" || !group.has(member) ? [] : [member];
          burst.send(group, `${i}`, leftOut);
          for (const each of group) {
            if (leftOut[0] !== each) expected.get(each)!.push(`${i}`);
          }
        } else if (what === "flush") burst.flush();
        else {
          burst.settle(member);
          // From here it may be written to in another way: nothing may be left for it.
          assertEquals(burst.of(member), expected.get(member)!);
          if (what === "add") group.add(member);
          if (what === "delete") group.delete(member);
        }
      });
      burst.flush();
      for (const member of members) assertEquals(burst.of(member), expected.get(member)!);
    }));
  });

  it("makes what many members get once", () => {
    const burst = new Lines();
    const members = new Set(Array.from({ length: 100 }, newMember));
    const others = new Set([...members].slice(50));
    burst.send(members, "a");
    burst.send(others, "b");
    burst.send(members, "c");
    burst.flush();
    assertEquals(burst.handed.map(({ line }) => line), [
      ...Array<string>(50).fill("a c"),
      ...Array<string>(50).fill("a b c"),
    ]);
    assertEquals(burst.joins, 2);
  });

  it("asks for its flush, and hands over before that what would be too much", () => {
    const burst = new Lines();
    const members = new Set([newMember()]);
    const item = "x".repeat(40_000);
    for (let i = 0; i < 5; i++) burst.send(members, item);
    assertEquals([burst.handed.length, burst.scheduled], [4, 5]);
    burst.flush();
    burst.flush();
    assertEquals(burst.handed.length, 5);
  });

  it("takes any number of groups", () => {
    const burst = new Lines();
    const member = newMember();
    for (let i = 0; i < 100; i++) burst.send(new Set([member]), `${i}`);
    burst.flush();
    assertEquals(burst.of(member), Array.from({ length: 100 }, (_, i) => `${i}`));
    assert(burst.handed.length < 10);
  });
});
