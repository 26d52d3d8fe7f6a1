import { HeddleError } from "../base/errors.ts";
import { checkNames, checkType } from "../base/option_checks.ts";
import { isUserId, USER_ID_RULE } from "../protocol/names.ts";
import { type Authenticate, checkRole, DEFAULT_ROLE } from "./identity.ts";
import { tokenFrom } from "./token.ts";

/** Options of {@linkcode developmentAuth}. */
export interface DevelopmentAuthOptions {
  /** The role of who comes so. @default "viewer" */
  readonly role?: string;
  /** Told of each request that was believed. @default console.warn */
  readonly warn?: (message: string, fields: { readonly userId: string }) => void;
}

/**
 * Lets a request without a token say who makes it: by `user_id` in its query. Whoever reaches the server
 * can be anybody then, so it is for development alone, and says so each time. A request with a token, or
 * without `user_id`, is for the other authenticator.
 *
 * `display_name` of the query is among the claims. `client_id` is not taken: the hub gives each
 * connection its own, and a client that could choose would read what is for another's.
 *
 * The authenticator throws {@linkcode HeddleError} `unauthorized` for a `user_id` that can be none.
 *
 * @throws {HeddleError} `option_invalid`, naming the option that is wrong.
 *
 * @example
 * ```ts
 * import { allowAnonymous, createHub, developmentAuth } from "heddle";
 *
 * const auth = developmentAuth(allowAnonymous(), { warn() {} });
 * await using hub = createHub({ auth });
 * const { userId } = await hub.identify(new Request("http://localhost/ws?user_id=ann"));
 * if (userId !== "ann") throw new Error("not believed");
 * ```
 */
export function developmentAuth(
  otherwise: Authenticate,
  options: DevelopmentAuthOptions = {},
): Authenticate {
  checkType("developmentAuth: otherwise", otherwise ?? null, "function");
  checkNames("developmentAuth", options, ["role", "warn"]);
  const { role = DEFAULT_ROLE, warn = console.warn } = options;
  checkRole("developmentAuth.role", role);
  checkType("developmentAuth.warn", warn, "function");
  return (request) => {
    const query = new URL(request.url).searchParams;
    const userId = query.get("user_id") ?? "";
    if (userId === "" || tokenFrom(request) !== undefined) return otherwise(request);
    if (!isUserId(userId)) {
      throw new HeddleError("unauthorized", `user_id must have ${USER_ID_RULE}`);
    }
    warn("a client said who it is and showed no token: this is for development alone", { userId });
    const name = query.get("display_name");
    return { userId, role, claims: name === null ? {} : { display_name: name } };
  };
}
