/**
 * Header fields that hold lists (RFC 9110 section 5.6.1), and the grammar of those that a handshake
 * has (RFC 6455 section 4.3).
 *
 * @module
 */

const TOKEN_CHARACTER = "[!#$%&'*+.^_`|~0-9A-Za-z-]";
const TOKEN = new RegExp(`^${TOKEN_CHARACTER}+$`);
/** What a string in quotes says must be a token too (RFC 6455 section 9.1). */
const PARAMETER = new RegExp(
  `^${TOKEN_CHARACTER}+(?:[ \\t]*=[ \\t]*(?:${TOKEN_CHARACTER}+|"(?:\\\\?${TOKEN_CHARACTER})+"))?$`,
);
/** `trim()` would take a no-break space for a blank. */
const BEYOND_ASCII = /[^\t\x20-\x7e]/;

/** The members of a list, without blanks around them; empty ones are passed over. */
export function listOf(field: string | null): string[] {
  return membersOf(field ?? "", ",").filter((member) => member !== "");
}

/** Whether a field is a list of one token or more: `1#token`. */
export function isTokenList(field: string): boolean {
  return isList(field, (member) => TOKEN.test(member));
}

/** Whether a field is a list of one extension or more: `1#(token *( ";" parameter ))`. */
export function isExtensionList(field: string): boolean {
  // A comma or semicolon in quotes is in no token, so that nothing good is taken apart wrongly.
  return isList(field, (member) => {
    const [name = "", ...parameters] = membersOf(member, ";");
    return TOKEN.test(name) && parameters.every((parameter) => PARAMETER.test(parameter));
  });
}

function isList(field: string, isMember: (member: string) => boolean): boolean {
  const members = listOf(field);
  return !BEYOND_ASCII.test(field) && members.length > 0 && members.every(isMember);
}

function membersOf(field: string, separator: string): string[] {
  return field.split(separator).map((member) => member.trim());
}
