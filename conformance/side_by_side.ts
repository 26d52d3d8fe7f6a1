/**
 * Runs the same over many things, several at a time.
 *
 * @module
 */

/** Calls `action` with each item, `count` of them at a time, and waits for all. */
export async function sideBySide<T>(
  count: number,
  items: readonly T[],
  action: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await action(item);
  };
  await Promise.all(Array.from({ length: count }, worker));
}
