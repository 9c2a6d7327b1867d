import net from "node:net";
import { endianness } from "node:os";
import { camelCased } from "./casing.js";
import { taken } from "./errors.js";
import { library } from "./library.js";
import { watchSocket } from "./raw/socket.js";
import { type Handle, type Raw, RecordKind, Status } from "./raw/types.js";

/** What a ledger tells of its work. Nothing of the program's data is in it. */
export interface LogRecord {
  /** By the system's clock. */
  at: string;
  level: "error" | "warn" | "info" | "debug";
  /**
   * "operation.failed" and the like; "log.dropped" where `dropped` records were lost, because nobody read them in time.
   */
  event: string;
  /** The same in words. */
  message: string;
  operation?: string;
  traceparent?: string;
  code?: string;
  sqlstate?: string;
  tookMs?: number;
  lineMs?: number;
  sessionMs?: number;
  statement?: string;
  statementMs?: number;
  attempts?: number;
  after?: string;
  operations?: number;
  awayMs?: number;
  fromVersion?: number;
  toVersion?: number;
  dropped?: number;
}

/** Told of what a ledger reports. What it throws is passed over. */
export type Logger = (record: LogRecord) => unknown;

/** Told of the end of what was started: its status, and the answer or the error as JSON. */
type Finish = (status: number, text: string) => void;

/** What watches the queue's descriptor: net.Socket in Node, but not on Windows; Bun.connect in Bun. */
export interface Watch {
  ref(): void;
  unref(): void;
  end(): void;
}

const little = endianness() === "LE";
const usualSize = 256 * 1024;

export async function watchDescriptor(fd: number, readable: () => void): Promise<Watch> {
  const bun = (globalThis as any).Bun;
  if (!bun && process.platform === "win32") return watchSocket(fd, readable);
  if (!bun) {
    const socket = new net.Socket({ fd, readable: true, writable: false });
    socket.on("data", readable);
    return { ref: () => socket.ref(), unref: () => socket.unref(), end: () => socket.destroy() };
  }
  const socket = await bun.connect({ fd, socket: { data: readable } });
  return { ref: () => socket.ref(), unref: () => socket.unref(), end: () => socket.end() };
}

// What a logger throws, or its promise rejects with, is passed over: a log must not end the program.
async function told(logger: Logger, record: LogRecord): Promise<void> {
  try {
    await logger(record);
  } catch {
    // nobody is there to be told
  }
}

/**
 * One queue a thread, shared by all its ledgers: its records are read when its descriptor becomes readable. It keeps
 * the process alive while something is in flight, and only then.
 */
export class Completions {
  readonly #raw: Raw;
  readonly #queue: Handle;
  readonly #used = new BigUint64Array(1);
  // The owner is there so that what is in flight keeps it from being collected.
  readonly #pending = new Map<number, { owner: object; finish: Finish }>();
  readonly #loggers = new Map<number, Logger>();
  #buffer = Buffer.allocUnsafeSlow(usualSize);
  #watch!: Watch;
  #lastTag = 0;

  static #shared: Promise<Completions> | undefined;
  // Who uses it or waits for it to open: counted before the wait, so that nobody ends it meanwhile.
  static #users = 0;

  private constructor(raw: Raw, queue: Handle) {
    this.#raw = raw;
    this.#queue = queue;
  }

  /** This thread's queue, for one user more. */
  static async acquire(): Promise<Completions> {
    const opening = (Completions.#shared ??= Completions.#open());
    Completions.#users += 1;
    try {
      return await opening;
    } catch (error) {
      Completions.#users -= 1;
      if (Completions.#shared === opening) Completions.#shared = undefined;
      throw error;
    }
  }

  static async #open(): Promise<Completions> {
    const raw = await library();
    const cell = new BigUint64Array(1);
    const error = new BigUint64Array(1);
    if (raw.cala_queue_new(cell, error) !== Status.OK) throw taken(raw, error);
    const queue = raw.handle(cell) as Handle;
    const completions = new Completions(raw, queue);
    completions.#watch = await watchDescriptor(raw.cala_queue_fd(queue), () => completions.#read());
    completions.#watch.unref();
    return completions;
  }

  /** One user less; the last one ends the queue. */
  release(): void {
    Completions.#users -= 1;
    if (Completions.#users > 0) return;
    Completions.#shared = undefined;
    this.#watch.end();
    this.#raw.cala_queue_free(this.#queue);
  }

  /**
   * Starts something that ends with a record: `start` is called with the queue and the record's tag, and answers with a
   * status. When that is not OK there will be no record.
   */
  start(owner: object, start: (queue: Handle, tag: number) => number, finish: Finish): number {
    const tag = ++this.#lastTag;
    const status = start(this.#queue, tag);
    if (status !== Status.OK) return status;
    this.#pending.set(tag, { owner, finish });
    if (this.#pending.size === 1) this.#watch.ref();
    return status;
  }

  /**
   * Has a ledger's log come to a logger, until the function that it gives is called: `start` is called with the queue
   * and the records' tag, and says whether it went well.
   */
  hear(logger: Logger, start: (queue: Handle, tag: number) => boolean): () => void {
    const tag = ++this.#lastTag;
    if (start(this.#queue, tag)) this.#loggers.set(tag, logger);
    return () => this.#loggers.delete(tag);
  }

  #read(): void {
    for (;;) {
      const status = this.#raw.cala_queue_read(this.#queue, this.#buffer, this.#buffer.length, this.#used);
      const bytes = Number(this.#used[0]);
      if (status === Status.INVALID) {
        this.#buffer = Buffer.allocUnsafeSlow(bytes);
        continue;
      }
      if (status !== Status.OK || bytes === 0) break;
      this.#dispatch(bytes);
    }
    if (this.#buffer.length > usualSize) this.#buffer = Buffer.allocUnsafeSlow(usualSize);
  }

  #dispatch(bytes: number): void {
    const buffer = this.#buffer;
    const view = new DataView(buffer.buffer, buffer.byteOffset, bytes);
    for (let at = 0; at < bytes; at += view.getUint32(at, little)) {
      const begin = at + view.getUint16(at + 4, little);
      const text = buffer.toString("utf8", begin, begin + view.getUint32(at + 20, little));
      const tag = Number(view.getBigUint64(at + 8, little));
      this.#deliver(view.getUint16(at + 6, little), tag, view.getInt32(at + 16, little), text);
    }
  }

  #deliver(kind: number, tag: number, status: number, text: string): void {
    if (kind === RecordKind.LOG) return this.#tell(this.#loggers.get(tag), camelCased(JSON.parse(text)) as LogRecord);
    if (kind === RecordKind.DROPPED) {
      const message = "log records were lost, because nobody read them in time";
      const level = "warn" as const;
      const record = { at: new Date().toISOString(), level, event: "log.dropped", message, dropped: Number(text) };
      for (const logger of this.#loggers.values()) this.#tell(logger, record);
      return;
    }
    const waiting = this.#pending.get(tag);
    if (!waiting) return;
    this.#pending.delete(tag);
    if (this.#pending.size === 0) this.#watch.unref();
    waiting.finish(status, text);
  }

  // Later: the records after it are delivered first.
  #tell(logger: Logger | undefined, record: LogRecord): void {
    if (logger) queueMicrotask(() => void told(logger, record));
  }
}
