/**
 * All broken servers of Protocol 1 there are.
 *
 * @module
 */
import { around } from "./around.ts";
import { binary } from "./binary.ts";
import type { Broken } from "./breakage.ts";
import { closing } from "./closing.ts";
import { connecting } from "./connecting.ts";
import { messages } from "./messages.ts";
import { order } from "./order.ts";
import { past } from "./past.ts";
import { presence } from "./presence.ts";
import { publishing } from "./publishing.ts";
import { rates } from "./rates.ts";
import { sessions } from "./sessions.ts";
import { subscribing } from "./subscribing.ts";

/** Every one, an area of PROTOCOL.md after the other. */
export const broken: readonly Broken[] = [
  ...connecting,
  ...messages,
  ...order,
  ...subscribing,
  ...past,
  ...sessions,
  ...publishing,
  ...presence,
  ...closing,
  ...rates,
  ...binary,
  ...around,
];
