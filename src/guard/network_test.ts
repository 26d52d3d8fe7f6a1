import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { networkOf } from "./network.ts";

describe("networkOf()", () => {
  it("counts an IPv4 address by itself, also where it is written as one of IPv6", () => {
    for (
      const text of ["192.0.2.7", "::ffff:192.0.2.7", "::FFFF:c000:207", "0:0:0:0:0:ffff:c000:0207"]
    ) {
      assertEquals(networkOf(text), "192.0.2.7");
    }
  });

  it("counts an IPv6 address by its first 64 bits, however it is written", () => {
    const same = [
      "2001:db8:1:2::1",
      "2001:0DB8:0001:0002:ffff:ffff:ffff:ffff",
      "2001:db8:1:2:3:4:5:6",
      "2001:db8:1:2::192.0.2.1",
      "2001:db8:1:2::1%eth0",
    ];
    for (const text of same) assertEquals(networkOf(text), "2001:db8:1:2::/64");
    assertEquals(networkOf("2001:db8:1:3::1"), "2001:db8:1:3::/64");
    assertEquals(networkOf("::1"), "0:0:0:0::/64");
    assertEquals(networkOf("::"), "0:0:0:0::/64");
    assertEquals(networkOf("fe80::"), "fe80:0:0:0::/64");
  });

  it("gives back what is no address", () => {
    for (const text of ["", "unknown", ":::", "1:2", "1::2::3", "g::1", "1:2:3:4:5:6:7:8:9"]) {
      assertEquals(networkOf(text), text);
    }
    assertEquals(networkOf("::1.2.3.256"), "::1.2.3.256");
  });
});
