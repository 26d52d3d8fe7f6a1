/**
 * Imports a package of `bench/peers/package.json`, which is installed for the benchmark alone; so its types are
 * declared where it is used.
 *
 * @throws {Error} that says how to install it, where it is not.
 */
export async function peer<T>(name: string): Promise<T> {
  try {
    return await import(name) as T;
  } catch (cause) {
    throw new Error(
      `${name} is not installed: run npm install --prefix bench/peers`,
      { cause },
    );
  }
}
