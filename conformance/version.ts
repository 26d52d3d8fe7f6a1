/** Name and version of the kit, as reports carry them. */
export const KIT = "heddle-conformance 0.1.0";
