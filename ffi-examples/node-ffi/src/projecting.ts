import { setTimeout as pause } from "node:timers/promises";
import type { HostHandle } from "./adapters/detect.js";
import { CalaError } from "./errors.js";
import type { Ledger } from "./ledger.js";
import { lostRace, pauseAfter } from "./retrying.js";
import type { OwnTransaction, TransactionScope } from "./transactions.js";
import type * as t from "./types.js";

/** What a projection is made of. */
export interface ProjectionOptions<Connection> {
  /** The listener whose place it goes on from; the ledger keeps it. */
  name: string;
  /** Writes what follows from an event, on the connection of its transaction. */
  apply(connection: Connection, event: t.Event): unknown;
  /** Empties the tables, for `rebuild`. */
  clear?(connection: Connection): unknown;
  /** Only events of these types. */
  types?: t.EventType[];
  /** Only what belongs to this journal. */
  journalId?: t.Id;
  /** With the entries of transactions. */
  entries?: boolean;
  /** With the balances of accounts, as a transaction left them. */
  balances?: boolean;
  /** How many events a transaction has, 1 to 1000. Default 100. */
  pageSize?: number;
}

/** One in the program's own transactions. */
export interface HostProjectionOptions<Connection> extends ProjectionOptions<Connection> {
  /**
   * Begins a transaction of the program's, gives its handle to `work`, and commits, or rolls back when `work` fails.
   */
  transaction(work: (connection: Connection) => Promise<unknown>): Promise<unknown>;
}

const attempts = 10;

/**
 * Applies events to tables of the program's, a page in one transaction together with its place: each exactly once,
 * whatever is killed when, and however many processes do it. See `docs/projection.md`.
 */
export class Projection<Connection> {
  readonly #ledger: Ledger;
  readonly #options: ProjectionOptions<Connection> & Partial<HostProjectionOptions<Connection>>;

  /** @internal */
  constructor(ledger: Ledger, options: ProjectionOptions<Connection> & Partial<HostProjectionOptions<Connection>>) {
    this.#ledger = ledger;
    this.#options = options;
  }

  /** Applies what is new, page after page. Gives how many events that were. */
  async catchUp(): Promise<number> {
    // By itself: a transaction that begins a listener sees no events yet.
    await this.#run((_, where) => this.#kept(where));
    for (let applied = 0; ; ) {
      const page = await this.#run((connection, where) => this.#step(connection, where));
      applied += page.items.length;
      if (!page.hasNextPage) return applied;
    }
  }

  /**
   * Empties the tables by `clear` and forgets the place, in one transaction, and applies all events anew. Gives how
   * many events that were. NotFoundError event.pruned where the first ones are no longer there:
   * nothing is emptied then.
   */
  async rebuild(): Promise<number> {
    const { name, clear } = this.#options;
    if (!clear) throw new TypeError("a projection that is rebuilt needs clear");
    // By itself, so that there is a place to be removed.
    await this.#run((_, where) => this.#kept(where));
    await this.#run(async (connection, where) => {
      // First: whoever has written and not yet committed has that row. What it wrote is there to be cleared then.
      await where.listeners().remove({ name });
      await clear(connection);
      await this.#kept(where);
    });
    return this.catchUp();
  }

  async #kept(where: TransactionScope): Promise<number> {
    return (await where.listeners().place({ name: this.#options.name, from: "start" })).place;
  }

  async #step(connection: Connection, where: TransactionScope): Promise<t.EventPage> {
    const { name, apply, types, journalId, entries, balances, pageSize } = this.#options;
    const place = await this.#kept(where);
    const asked = { types, journalId, entries, balances, limit: pageSize, after: place };
    const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
    const page = await where.events().list(given);
    for (const event of page.items) await apply(connection, event);
    if (page.place > place) await where.listeners().ack({ name, place: page.place, expectedPlace: place });
    return page;
  }

  // Runs a transaction, again where another was faster.
  async #run<T>(work: (connection: Connection, where: TransactionScope) => Promise<T>): Promise<T> {
    const { transaction } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        if (!transaction) return await this.#own(work);
        let done: { value: T } | undefined;
        await transaction(async (connection) => {
          done = undefined;
          const value = await work(connection, this.#ledger.in(connection as HostHandle));
          done = { value };
          return value;
        });
        if (!done) throw new TypeError("the transaction of a projection has to run its work, and to fail where " +
          "that fails");
        return (done as { value: T }).value;
      } catch (error) {
        const moved = error instanceof CalaError && (error.code === "listener.changed" ||
          error.code === "listener.not_found");
        if (attempt === attempts || !(moved || lostRace(error))) throw error;
      }
      await pause(pauseAfter(attempt));
    }
  }

  async #own<T>(work: (connection: Connection, where: TransactionScope) => Promise<T>): Promise<T> {
    const tx: OwnTransaction = await this.#ledger.begin();
    try {
      const done = await work(tx as Connection, tx);
      await tx.commit();
      return done;
    } finally {
      await tx[Symbol.asyncDispose]();
    }
  }
}
