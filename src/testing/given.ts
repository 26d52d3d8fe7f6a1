/**
 * Makes tests that are given what `setup` makes, and let it go whatever happens.
 */
export function given<T extends AsyncDisposable, A extends readonly unknown[]>(
  setup: (...options: A) => Promise<T>,
): (test: (made: T) => Promise<void>, ...options: A) => () => Promise<void> {
  return (test, ...options) => async () => {
    const made = await setup(...options);
    try {
      await test(made);
    } finally {
      await made[Symbol.asyncDispose]();
    }
  };
}
