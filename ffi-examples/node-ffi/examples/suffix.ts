// What makes the samples' codes unique in a store that lives on; it is not printed.
import { randomBytes } from "node:crypto";

/** "" for a ledger in memory. */
export function suffixFor(store: string): string {
  return store === "sqlite::memory:" ? "" : `-${randomBytes(6).toString("hex")}`;
}
