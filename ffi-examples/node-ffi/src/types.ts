// The documents of the operations, in camelCase: made from cala.h, but for what a method makes of them.
import type { PageEnd } from "./raw/contract.js";

export type * from "./raw/contract.js";

/** A page of a list. endCursor is absent when the page is empty. */
export interface Page<T> extends PageEnd {
  items: T[];
}
