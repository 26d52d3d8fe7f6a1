/**
 * All cases of the channel level, in the order of PROTOCOL.md.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { cases as connecting } from "./connecting.ts";

/** Every case of Protocol 1. */
export const cases: readonly Case[] = [
  ...connecting,
];
