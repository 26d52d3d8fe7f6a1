/**
 * What a role may do in a channel.
 *
 * @module
 */

/** Something a role may do: get a channel's events, or publish to it. */
export type Action = "subscribe" | "broadcast";

/**
 * What each role may do. A role that is not listed has what `*` has; where `*` is not listed either, it
 * has nothing.
 */
export type Permissions = Readonly<Record<string, readonly Action[]>>;

/** Where a channel says nothing: whoever may connect may listen, only the application publishes. */
export const defaultPermissions: Permissions = { "*": ["subscribe"] };

/** Whether `role` may do `action`. */
export function permits(permissions: Permissions, role: string, action: Action): boolean {
  const key = Object.hasOwn(permissions, role) ? role : "*";
  return Object.hasOwn(permissions, key) && permissions[key]!.includes(action);
}
