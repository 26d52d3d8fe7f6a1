/**
 * The client of a Heddle hub, for browsers, Deno, Bun and Node: `heddle/client`.
 *
 * @module
 */
export { HeddleError, type HeddleErrorCode } from "../base/errors.ts";
export { closeAction, closeTable } from "../protocol/close.ts";
export type { ErrorCode } from "../protocol/errors.ts";
export { Media } from "../protocol/event.ts";
export type { Features, Position } from "../protocol/messages.ts";
export { backoffDelay, type ReconnectOptions } from "./backoff.ts";
export { Client, type ClientPublished, createClient } from "./client.ts";
export { ClosedError, RefusedError } from "./errors.ts";
export type {
  AuthenticatedInfo,
  ClientEvents,
  ClientStatus,
  ConnectedInfo,
  DisconnectedInfo,
  ExhaustedInfo,
  FailedInfo,
  GapInfo,
  ReconnectingInfo,
  RecoveredInfo,
  ResumedInfo,
  TokenExpiringInfo,
  UnsubscribedInfo,
} from "./events.ts";
export type { RawMessage } from "./frames.ts";
export type { ClientMember, ClientPresence, HistoryOptions, HistoryPage } from "./history.ts";
export type { ClientOptions, TokenSource } from "./options.ts";
export type { QueueOptions } from "./queue.ts";
export type { RequestOptions } from "./requests.ts";
export type { ClientPublishOptions, ClientSendOptions, MessageOptions } from "./sender.ts";
export type { ClientSession } from "./session.ts";
export type { ClientSocket, ClientSocketConstructor } from "./socket.ts";
export type { StreamOptions } from "./stream.ts";
export type { SubscribeOptions, Subscription } from "./subscription.ts";
export type {
  ChannelOf,
  ChannelShape,
  ClientEvent,
  DataOf,
  EncodedMedia,
  EventHandler,
  EventOf,
  EventTypeOf,
  HubShape,
  MessageShape,
  MessageTypeOf,
  PayloadOf,
  Reply,
} from "./types.ts";
export type { TokenPlace } from "./url.ts";
