import { HeddleError } from "../base/errors.ts";
import { attempt, type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import { checkHandshake, selectSubprotocol } from "../guard/handshake.ts";
import { type Authenticate, checkIdentity, type Identity } from "../guard/identity.ts";
import type { Source } from "../guard/proxies.ts";
import { redact } from "../guard/redact.ts";
import { Refusal } from "../guard/refusal.ts";
import { type RequestTrace, SECRET_PARAMETERS } from "../guard/renewal.ts";
import { ask, type RequestHead } from "../guard/request_head.ts";
import { parametersOf } from "../guard/request_url.ts";
import { isTokenSubprotocol, tokenFrom } from "../guard/token.ts";
import { MAX_RECONNECTION_TOKEN } from "../protocol/messages.ts";
import type { Logger } from "./logger.ts";
import type { ResolvedOptions } from "./options.ts";
import type { RoomRequest } from "./rooms.ts";

/** What the adapter knows of a request beside its head. */
export interface RequestOrigin {
  /** The IP address at the other end of the socket. */
  readonly address: string;
  /** The path's segment after the endpoint's, decoded, where there is one: the id of a room to join. */
  readonly room?: string;
}

/** The right to open one connection: what `hub.admit` found out about a request. */
export interface Admission {
  readonly identity: Identity;
  /** The client's IP address: that of the socket, or what a proxy that is believed tells. */
  readonly address: string;
  /** The subprotocol to answer with; the adapter sends the header where there is one, and only then. */
  readonly subprotocol?: string | undefined;
  /** The token of a session that the request asks to resume. */
  readonly reconnectionToken?: string | undefined;
  /** The client id of the open connection whose session it says it will resume by message. */
  readonly resumes?: string | undefined;
  /** What is kept of the request, for the tokens that come later. */
  readonly request?: RequestTrace | undefined;
  /** How many revocations and changes of role the hub had been told of when the request came. */
  readonly changes?: number | undefined;
  /** The room that the connection joins. */
  readonly room?: RoomRequest | undefined;
}

/** What a request says of itself, once it may be upgraded. */
export type Judged = Pick<
  Admission,
  "identity" | "subprotocol" | "reconnectionToken" | "resumes"
>;

/**
 * Judges a request before the upgrade.
 *
 * @throws {Refusal} where it may not be upgraded.
 */
export function judge(
  request: RequestHead,
  source: Source,
  { auth, logger, origins }: Pick<ResolvedOptions, "auth" | "logger" | "origins">,
): MaybePromise<Judged> {
  checkHandshake(request);
  origins.check(request.headers.get("origin"), source);
  const subprotocol = selectSubprotocol(request);
  return whenReady(identify(request, auth, logger), (identity) => ({
    identity,
    subprotocol,
    reconnectionToken: parameterOf(request, "reconnection_token"),
    resumes: parameterOf(request, "resumes"),
  }));
}

/** What names a session. One that is too long stands for none, and is not kept. */
function parameterOf(
  request: RequestHead,
  name: "reconnection_token" | "resumes",
): string | undefined {
  const [value] = parametersOf(request, name);
  return value !== undefined && value.length > MAX_RECONNECTION_TOKEN ? "too long" : value;
}

/**
 * Finds out who makes a request, fail-closed.
 *
 * @throws {Refusal} 401 where the credential does not hold, 503 where that cannot be found out.
 */
export function identify(
  request: RequestHead,
  auth: Authenticate,
  logger: Logger,
): MaybePromise<Identity> {
  return whenReady(
    attempt(() => whenReady(ask(auth, request), (identity) => checkIdentity(identity))),
    (identity) => identity,
    (thrown) => {
      throw refusalOf(thrown, request, logger);
    },
  );
}

function refusalOf(thrown: unknown, request: RequestHead, logger: Logger): Refusal {
  // An authenticator of the application's own may say what it was given.
  const error = redact(thrown, secretsOf(request));
  if (error instanceof HeddleError && error.code === "unavailable") {
    logger.error("who connects cannot be found out", { error });
    return new Refusal(503, "unavailable", "credentials cannot be checked now; try again", {
      "Retry-After": "5",
    });
  }
  if (error instanceof HeddleError && error.code === "option_invalid") {
    // A damaged key shows only when the first token is checked: the server's fault, not the peer's.
    logger.error("credentials cannot be checked", { error });
    return new Refusal(500, "internal", "the server cannot check credentials");
  }
  if (error instanceof HeddleError) return unauthorized(request, error);
  // What an application's own authenticator throws may hold anything, so the peer is not told.
  logger.warn("authentication failed", { error });
  return unauthorized(
    request,
    new HeddleError("unauthorized", "the credential was not accepted"),
  );
}

/** The challenge names no error where no credential came (RFC 6750 section 3.1). */
function unauthorized(request: RequestHead, { code, message }: HeddleError): Refusal {
  const error = carriesToken(request) ? ', error="invalid_token"' : "";
  return new Refusal(401, code === "token_expired" ? code : "unauthorized", message, {
    "WWW-Authenticate": `Bearer realm="heddle"${error}`,
  });
}

function carriesToken(request: RequestHead): boolean {
  try {
    return tokenFrom(request) !== undefined;
  } catch {
    return true;
  }
}

/** Whatever in a request may be a credential, as it stands there. */
function secretsOf(request: RequestHead): readonly string[] {
  const { headers } = request;
  const parameters = SECRET_PARAMETERS.flatMap((name) => parametersOf(request, name));
  const authorization = headers.get("authorization") ?? "";
  const offered = (headers.get("sec-websocket-protocol") ?? "").split(",");
  const secrets = [
    ...parameters,
    authorization,
    authorization.replace(/^\S+\s+/, ""),
    headers.get("cookie") ?? "",
    ...offered.map((name) => name.trim()).filter(isTokenSubprotocol)
      .flatMap((name) => [name, name.slice(name.indexOf(".") + 1)]),
  ];
  // A short one would be found in ordinary words, and nobody can keep it secret.
  return secrets.filter((secret) => secret.length >= 8);
}
