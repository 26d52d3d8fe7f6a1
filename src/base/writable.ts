/** An object while it is made, field by field: on Node 20 to spread its parts costs several times as much. */
export type Writable<T> = { -readonly [K in keyof T]: T[K] };
