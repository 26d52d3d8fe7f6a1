import type { Attack } from "./field.ts";
import { doorAttacks, flood } from "./door_attacks.ts";
import { messageAttacks } from "./message_attacks.ts";
import { readerAttacks } from "./reader_attacks.ts";

/**
 * All attacks by traffic, on one hub. The flood comes last, since after it others are refused for want of
 * what it used up; and long after whoever came most often, since a flood of addresses has newcomers start
 * with what the most restless of those had left that it drove out.
 */
export const attacks: readonly Attack[] = [
  ...doorAttacks,
  ...messageAttacks,
  ...readerAttacks,
  flood,
];
