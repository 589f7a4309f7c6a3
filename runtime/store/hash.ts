import { createHash } from "node:crypto";

/** What tells one text from another in a record: the first 16 hexadecimal digits of its SHA-256. */
export function shortHash(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
