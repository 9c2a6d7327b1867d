import { type Frames, calledHere, toldFrom } from "./errors.js";
import type { CallOptions } from "./operation.js";
import type { OperationName, Page, PageRequest, RequestOf, ResultOf } from "./types.js";

/** What operations are called on: a ledger, or a transaction. */
export interface Caller {
  call<Name extends OperationName>(
    name: Name,
    request: RequestOf<Name>,
    options?: CallOptions,
  ): Promise<ResultOf<Name>>;
  /** Set where `call` answers at once, in truth. */
  readonly atOnce?: boolean;
}

/** A list of a synchronous transaction's: iterated with `for` it fetches page after page; `page()` asks for one. */
export class SyncListing<T> implements Iterable<T> {
  readonly #call: (request: PageRequest) => Page<T>;
  readonly #request: PageRequest;

  constructor(call: (request: PageRequest) => Page<T>, request: PageRequest) {
    this.#call = call;
    this.#request = request;
  }

  /** The page that the request describes. */
  page(): Page<T> {
    return this.#call(this.#request);
  }

  /** Every item, from the page that the request describes to the last one. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    let after = this.#request.after;
    for (;;) {
      const page = this.#call({ ...this.#request, after });
      yield* page.items;
      if (!page.hasNextPage) return;
      after = page.endCursor;
    }
  }
}

/** The operations that answer a page of a list, which goes on from a cursor. */
export type ListName = {
  [Name in OperationName]: ResultOf<Name> extends Page<any> ? (RequestOf<Name> extends PageRequest ? Name : never) :
    never;
}[OperationName];
type ItemOf<Name extends ListName> = ResultOf<Name>["items"][number];

/** The list of an operation, in the kind that its caller answers with. */
export function listed<Name extends ListName>(
  caller: Caller,
  name: Name,
  request: RequestOf<Name>,
  options?: CallOptions,
): Listing<ItemOf<Name>> {
  const page = (asked: PageRequest): Promise<any> => caller.call(name, asked as RequestOf<Name>, options);
  if (!caller.atOnce) return new Listing(page, request);
  return new SyncListing(page as (asked: PageRequest) => any, request) as unknown as Listing<ItemOf<Name>>;
}

/**
 * A list: iterated with `for await` it fetches page after page; `page()` asks for one page alone. Nothing is asked
 * before that.
 */
export class Listing<T> implements AsyncIterable<T> {
  readonly #call: (request: PageRequest) => Promise<Page<T>>;
  readonly #request: PageRequest;

  constructor(call: (request: PageRequest) => Promise<Page<T>>, request: PageRequest) {
    this.#call = call;
    this.#request = request;
  }

  /** The page that the request describes. */
  page(): Promise<Page<T>> {
    return this.#call(this.#request);
  }

  /** Every item, from the page that the request describes to the last one. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return this.#walk(calledHere(this[Symbol.asyncIterator]));
  }

  // Pages after the first are asked for where Bun knows of no caller.
  async *#walk(frames: Frames): AsyncGenerator<T, void, undefined> {
    let after = this.#request.after;
    for (;;) {
      const page = await toldFrom(frames, this.#call({ ...this.#request, after }));
      yield* page.items;
      if (!page.hasNextPage) return;
      after = page.endCursor;
    }
  }
}
