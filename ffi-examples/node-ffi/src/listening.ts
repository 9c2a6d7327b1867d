import { endianness } from "node:os";
import { camelCased } from "./casing.js";
import { type Watch, watchDescriptor } from "./completions.js";
import { recordError, taken } from "./errors.js";
import { parsed } from "./json.js";
import { type Handle, type Raw, RecordKind, Status } from "./raw/types.js";
import type * as t from "./types.js";

/** What a listener is opened with. */
export interface ListenOptions {
  /** Where it begins, behind that: "start", "now" or the place of an event. Default "now". */
  from?: "start" | "now" | number;
  /** A listener whose place the ledger keeps, where `listeners().ack` moves it. */
  name?: string;
  /** Only events of these types. */
  types?: t.EventType[];
  /** Only what belongs to this journal. */
  journalId?: t.Id;
  /** With the entries of transactions. */
  entries?: boolean;
  /** With the balances of accounts, as a transaction left them. */
  balances?: boolean;
  /** How many events the library reads ahead at most, 1 to 10000. Default 500. */
  buffer?: number;
  /** How long what others commit may go unseen, in milliseconds. Default 100. */
  pollMs?: number;
}

const little = endianness() === "LE";
const usualSize = 64 * 1024;

/**
 * Events as they happen, in order, each at least once, none missed: `for await (const event of await ledger.listen())`.
 * Leaving the loop closes it; it ends when its ledger is closed. What is not taken waits in the ledger. It keeps the
 * process alive while somebody waits for the next event.
 */
export class Listening implements AsyncIterableIterator<t.Event> {
  readonly #raw: Raw;
  readonly #queue: Handle;
  readonly #listener: Handle;
  readonly #bigint: boolean;
  readonly #ready: t.Event[] = [];
  #done = 0; // the place of the last event that was given out, while others are ready
  readonly #used = new BigUint64Array(1);
  #buffer = Buffer.allocUnsafeSlow(usualSize);
  #failure: Error | undefined;
  #watch: Watch | undefined;
  #closed = false;
  #more: (() => void) | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #left: (listening: Listening) => unknown;

  private constructor(raw: Raw, queue: Handle, listener: Handle, bigint: boolean,
    left: (listening: Listening) => unknown) {
    this.#raw = raw;
    this.#queue = queue;
    this.#listener = listener;
    this.#bigint = bigint;
    this.#left = left;
  }

  /** @internal */
  static async open(
    raw: Raw, ledger: Handle, options: Buffer, bigint: boolean, left: (listening: Listening) => unknown,
  ): Promise<Listening> {
    const cell = new BigUint64Array(1);
    const error = new BigUint64Array(1);
    if (raw.cala_queue_new(cell, error) !== Status.OK) throw taken(raw, error);
    const queue = raw.handle(cell) as Handle;
    const waiting = raw.waiting.cala_listener_open(ledger, options, options.length, queue, null, 0, cell, error);
    if ((await waiting) !== Status.OK) {
      raw.cala_queue_free(queue);
      throw taken(raw, error);
    }
    const listening = new Listening(raw, queue, raw.handle(cell) as Handle, bigint, left);
    listening.#watch = await watchDescriptor(raw.cala_queue_fd(queue), () => listening.#wake());
    listening.#watch.unref();
    return listening;
  }

  /** The place up to which this gave out all there is: to be acknowledged as soon as what it gave is dealt with. */
  get reached(): number {
    if (this.#closed) return -1;
    return this.#ready.length > 0 ? this.#done : this.#raw.cala_listener_reached(this.#listener);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<t.Event, undefined>> {
    const answer = this.#turn.then(() => this.#next());
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async #next(): Promise<IteratorResult<t.Event, undefined>> {
    while (!this.#closed) {
      if (this.#ready.length === 0) this.#read();
      const event = this.#ready.shift();
      if (event) {
        this.#done = event.place;
        return { done: false, value: event };
      }
      if (this.#failure) {
        const failure = this.#failure;
        this.close();
        throw failure;
      }
      this.#watch?.ref();
      await new Promise<void>((resolve) => (this.#more = resolve));
      if (!this.#closed) this.#watch?.unref();
    }
    return { done: true, value: undefined };
  }

  /** Closes it. */
  return(): Promise<IteratorResult<t.Event, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Closes it: whoever waits for the next event gets none. Closing twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch?.end();
    this.#raw.cala_listener_free(this.#listener);
    this.#raw.cala_queue_free(this.#queue);
    this.#left(this);
    this.#wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #wake(): void {
    const more = this.#more;
    this.#more = undefined;
    more?.();
  }

  #read(): void {
    this.#done = this.#raw.cala_listener_reached(this.#listener);
    const status = this.#raw.cala_queue_read(this.#queue, this.#buffer, this.#buffer.length, this.#used);
    const bytes = Number(this.#used[0]);
    if (status === Status.INVALID) {
      this.#buffer = Buffer.allocUnsafeSlow(bytes);
      return this.#read();
    }
    if (status !== Status.OK) return;
    const view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, bytes);
    for (let at = 0; at < bytes; at += view.getUint32(at, little)) {
      if (view.getUint16(at + 6, little) !== RecordKind.EVENT) continue;
      const begin = at + view.getUint16(at + 4, little);
      const text = this.#buffer.toString("utf8", begin, begin + view.getUint32(at + 20, little));
      const state = view.getInt32(at + 16, little);
      if (state === Status.OK) this.#ready.push(camelCased(parsed(text, this.#bigint)) as t.Event);
      else this.#failure = recordError(state, text);
    }
  }
}
