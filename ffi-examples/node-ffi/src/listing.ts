import type { CallOptions } from "./operation.js";
import type { OperationName } from "./raw/types.js";
import type { Page, PageRequest } from "./types.js";

/** What operations are called on: a ledger, or a transaction. */
export interface Caller {
  call(name: OperationName, request?: object, options?: CallOptions): Promise<any>;
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

/** The list of an operation, in the kind that its caller answers with. */
export function listed<T>(
  caller: Caller,
  name: OperationName,
  request: PageRequest,
  options?: CallOptions,
): Listing<T> {
  if (!caller.atOnce) return new Listing(caller, name, request, options);
  const list = new SyncListing<T>((asked) => caller.call(name, asked, options) as any, request);
  return list as unknown as Listing<T>;
}

/**
 * A list: iterated with `for await` it fetches page after page; `page()` asks for one page alone. Nothing is asked
 * before that.
 */
export class Listing<T> implements AsyncIterable<T> {
  readonly #caller: Caller;
  readonly #name: OperationName;
  readonly #request: PageRequest;
  readonly #options: CallOptions | undefined;

  constructor(caller: Caller, name: OperationName, request: PageRequest, options?: CallOptions) {
    this.#caller = caller;
    this.#name = name;
    this.#request = request;
    this.#options = options;
  }

  /** The page that the request describes. */
  page(): Promise<Page<T>> {
    return this.#caller.call(this.#name, this.#request, this.#options);
  }

  /** Every item, from the page that the request describes to the last one. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let after = this.#request.after;
    for (;;) {
      const page: Page<T> = await this.#caller.call(this.#name, { ...this.#request, after }, this.#options);
      yield* page.items;
      if (!page.hasNextPage) return;
      after = page.endCursor;
    }
  }
}
