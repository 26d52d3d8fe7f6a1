/**
 * Heddle: an embeddable realtime channel hub for Deno, Bun and Node.
 *
 * @module
 */
export { acceptWebSocket, standardSocket } from "./src/adapter/standard.ts";
export { type Clock, type ManualClock, manualClock, systemClock } from "./src/base/clock.ts";
export { HeddleError, type HeddleErrorCode } from "./src/base/errors.ts";
export { type Random, seededRandom, systemRandom } from "./src/base/random.ts";
export { SlidingWindow, type WindowRule } from "./src/base/sliding_window.ts";
export { type BucketRule, TokenBucket } from "./src/base/token_bucket.ts";
export type { Input, Output, Schema, SchemaError, SchemaIssue } from "./src/base/schema.ts";
export type { MaybePromise } from "./src/base/maybe_promise.ts";
export type {
  Broker,
  BrokerSubscription,
  Gap,
  HistoryPage,
  HistoryQuery,
  Placed,
  PublishTerms,
  Retention,
  SessionRecord,
  SessionStore,
  UnacknowledgedEvent,
} from "./src/broker/broker.ts";
export type {
  Entrant,
  Member,
  PresenceList,
  PresenceStore,
  PresenceTerms,
} from "./src/broker/presence.ts";
export { memoryBroker } from "./src/broker/memory.ts";
export type { MemoryBrokerOptions } from "./src/broker/memory_options.ts";
export type { ConflationKey } from "./src/channel/conflation.ts";
export {
  channel,
  type ChannelDefinition,
  type ChannelDefinitions,
  type ChannelOptions,
  conflate,
  type EventSchemas,
  type Overflow,
  type Priority,
} from "./src/channel/definition.ts";
export type { Socket, SocketCapabilities } from "./src/channel/socket.ts";
export {
  allowAnonymous,
  ANONYMOUS_ROLE,
  anonymousIdentity,
  type Authenticate,
  DEFAULT_ROLE,
  type Identity,
} from "./src/guard/identity.ts";
export { developmentAuth, type DevelopmentAuthOptions } from "./src/guard/development.ts";
export {
  type EnvironmentOrigins,
  LOCAL_ORIGINS,
  type OriginOptions,
  OriginPolicy,
  originsFor,
  type Target,
} from "./src/guard/origin.ts";
export type { ProxyOptions, Source } from "./src/guard/proxies.ts";
export type { ClaimOptions, Claims } from "./src/guard/claims.ts";
export { GlobalLimit } from "./src/guard/global_limit.ts";
export { KeyedLimit, type KeyedLimitOptions } from "./src/guard/keyed_limit.ts";
export { networkOf } from "./src/guard/network.ts";
export type { RateLimit, RateLimitStats, RateRule } from "./src/guard/rate_limit.ts";
export { Refusal } from "./src/guard/refusal.ts";
export type { ThrottleOptions } from "./src/guard/throttle.ts";
export {
  type TokenIssuer,
  tokenIssuer,
  type TokenIssuerOptions,
  type TokenRequest,
} from "./src/guard/issuer.ts";
export { type FromClaims, jwtAuth, type JwtAuthOptions } from "./src/guard/jwt.ts";
export type { GoodTokenOptions } from "./src/guard/good_tokens.ts";
export type { JwksOptions } from "./src/guard/jwks.ts";
export type { Algorithm, AsymmetricAlgorithm, KeyMaterial } from "./src/guard/key.ts";
export { type Lookup, type LookupOptions, withLookup } from "./src/guard/lookup.ts";
export { type RequestTrace } from "./src/guard/renewal.ts";
export type { RequestHead } from "./src/guard/request_head.ts";
export { type FoundToken, tokenFrom } from "./src/guard/token.ts";
export type { Action, Permissions } from "./src/guard/permissions.ts";
export type { DiscoveryDocument } from "./src/http/discovery.ts";
export {
  type PeerAddress,
  type RouteOptions,
  routes,
  type UpgradeHandler,
} from "./src/http/routes.ts";
export type { AcknowledgementOptions, DeliveryOutcome } from "./src/hub/acknowledgements.ts";
export type { Admission, RequestOrigin } from "./src/hub/admission.ts";
export type { DrainOptions } from "./src/hub/drain.ts";
export {
  type FeedHooks,
  type FeedOptions,
  Feeds,
  stockFeeds,
  type SystemSample,
} from "./src/hub/feeds.ts";
export {
  type AnyHub,
  type ChannelInfo,
  type ConnectionFilter,
  createHub,
  Hub,
  type Peer,
} from "./src/hub/hub.ts";
export type { Revocation } from "./src/hub/identities.ts";
export type { ConnectionInfo, HubStats, RateStats } from "./src/hub/info.ts";
export type { Limits } from "./src/hub/limits.ts";
export type { Logger } from "./src/hub/logger.ts";
export type { MemberInfo, PresenceInfo } from "./src/hub/presence.ts";
export type { RateOptions, ResolvedRates } from "./src/hub/rate_options.ts";
export type { RoomRequest } from "./src/hub/rooms.ts";
export {
  message,
  type MessageContext,
  type MessageDefinition,
  type MessageDefinitions,
} from "./src/hub/message.ts";
export type {
  Delivery,
  Ending,
  FanoutMode,
  Heartbeat,
  HubOptions,
  SessionOptions,
  UserLimitPolicy,
} from "./src/hub/options.ts";
export type {
  ChannelNames,
  DefinitionOf,
  EventsOf,
  Published,
  Publisher,
  PublishOptions,
} from "./src/hub/publication.ts";
export { type Settings, settingsFromEnvironment } from "./src/hub/settings/settings.ts";
export type { Environment } from "./src/hub/settings/variables.ts";
export {
  type ActionExecuted,
  type ClientConnected,
  type ClientDisconnected,
  type LogLevel,
  type ServerStatus,
  type Signal,
  type StockChannels,
  stockChannels,
  type SystemMetrics,
} from "./src/hub/stock.ts";
export {
  type CloseAction,
  closeAction,
  type CloseName,
  type CloseRule,
  closeTable,
} from "./src/protocol/close.ts";
export type {
  CompressionAlgorithm,
  CompressionLevel,
  CompressionOptions,
  CompressionRule,
} from "./src/protocol/compression.ts";
export type { Frame, Variant } from "./src/protocol/encode.ts";
export type { MediaKind } from "./src/protocol/envelope.ts";
export { type ErrorCode, type ErrorRule, errorTable } from "./src/protocol/errors.ts";
export { type ChannelEvent, type Exclusion, Media, type NewEvent } from "./src/protocol/event.ts";
export { describeIssue } from "./src/protocol/issue.ts";
export { type Position, SUBPROTOCOL } from "./src/protocol/messages.ts";
