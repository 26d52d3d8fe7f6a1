/**
 * All broken servers there are.
 *
 * @module
 */
import type { Breakage } from "./breakage.ts";
import { control } from "./control.ts";
import { deflate } from "./deflate.ts";
import { frames } from "./frames.ts";
import { handshake } from "./handshake.ts";
import { messages } from "./messages.ts";
import { texts } from "./texts.ts";

/** Every broken server, in the order of the specifications' sections. */
export const breakages: readonly Breakage[] = [
  ...handshake,
  ...frames,
  ...messages,
  ...control,
  ...texts,
  ...deflate,
];
