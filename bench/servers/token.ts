/** What the tokens of the benchmark are signed with: no secret of anybody's. */
export const SECRET = "a secret of the benchmark, thirty-two bytes and more";
