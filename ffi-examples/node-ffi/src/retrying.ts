import { setTimeout as pause } from "node:timers/promises";
import { sqlstateOf } from "./adapters/sqlstate.js";
import { CalaError } from "./errors.js";

/** How often, and until when, a transaction is run again. */
export interface RetryOptions {
  /** How many times it is run at most. Default 5. */
  attempts?: number;
  /** No further attempt begins once it is aborted. */
  signal?: AbortSignal;
}

const serializationFailure = "40001";
const deadlock = "40P01";

/** Whether a transaction failed only because it lost a race, so that running it again may succeed. */
export function lostRace(error: unknown): boolean {
  if (error instanceof CalaError) {
    return error.txState === "retry" || (error.retryable && (error.status === "BUSY" || error.status === "CONFLICT"));
  }
  const state = sqlstateOf(error);
  return state === serializationFailure || state === deadlock || state?.startsWith("SQLITE_BUSY") === true;
}

/** Runs a whole transaction, begin to commit, again while it loses races. */
export async function retrying<T>(work: (attempt: number) => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 5, signal } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= attempts || signal?.aborted || !lostRace(error)) throw error;
    }
    // Two that collide again and again have to come apart.
    await pause(Math.random() * 5 * 2 ** attempt, undefined, signal ? { signal } : {});
  }
}
