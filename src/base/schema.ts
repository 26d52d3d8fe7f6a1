/**
 * What is needed of a zod schema, and no more: so an application may bring its own copy of zod 4, and its
 * types need not be compared to those of ours.
 *
 * @module
 */

/** One thing that does not fit. */
export interface SchemaIssue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What does not fit. */
export interface SchemaError {
  readonly issues: readonly SchemaIssue[];
}

/** A schema of zod 4: takes anything, and gives what fits or says why not. */
export interface Schema {
  safeParse(value: unknown):
    | { readonly success: true; readonly data: unknown }
    | { readonly success: false; readonly error: SchemaError };
  /** Its types, as zod keeps them. */
  readonly _zod: { readonly input: unknown; readonly output: unknown };
}

/** What a schema takes. */
export type Input<S> = S extends { readonly _zod: { readonly input: infer I } } ? I : never;

/** What it gives. */
export type Output<S> = S extends { readonly _zod: { readonly output: infer O } } ? O : never;
