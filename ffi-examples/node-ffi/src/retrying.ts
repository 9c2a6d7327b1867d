import { setTimeout as pause } from "node:timers/promises";
import { causeOf, stateOf } from "./adapters/sqlstate.js";
import { CalaError } from "./errors.js";
import { libraryAtOnce } from "./library.js";

/** How often, and until when, a transaction is run again. */
export interface RetryOptions {
  /** How many times it is run at most. Default 10. */
  attempts?: number;
  /** No further attempt begins once it is aborted. */
  signal?: AbortSignal;
}

/**
 * Whether a transaction failed only because it lost a race, so that running it again may succeed. The library says so:
 * of the ledger's errors with `txState` "retry", of the driver's by its SQLSTATE (40001, 40P01) or SQLite's name of its
 * code (SQLITE_BUSY); also when such an error is the cause of the one that is given.
 */
export function lostRace(error: unknown): boolean {
  for (let depth = 0; depth < 8 && typeof error === "object" && error !== null; depth++) {
    if (error instanceof CalaError) return error.txState === "retry";
    const state = stateOf(error);
    if (state !== undefined && libraryAtOnce().cala_lost_race(state) === 1) return true;
    error = causeOf(error);
  }
  return false;
}

// 2 to 4 ms, then twice as much each time, 256 ms at most; at random, so that two that met do not meet again.
export function pauseAfter(attempt: number): number {
  const most = 2 ** Math.min(attempt + 1, 8);
  return most / 2 + (Math.random() * most) / 2;
}

/** Runs a whole transaction, begin to commit, again while it loses races. */
export async function retrying<T>(work: (attempt: number) => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 10, signal } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= attempts || signal?.aborted || !lostRace(error)) throw error;
    }
    await pause(pauseAfter(attempt), undefined, signal ? { signal } : {});
  }
}
