import { CalaError, InvalidError } from "./errors.js";
import type { Scope } from "./scope.js";
import type * as t from "./types.js";

/** What `recover` goes by. */
export interface RecoverOptions {
  /**
   * What the program decided of one that is prepared. Undefined: nothing is decided, it is left as it is. Nothing is
   * guessed. What it throws ends the recovery.
   */
  decided(prepared: t.Prepared): t.PreparedOutcome | undefined | Promise<t.PreparedOutcome | undefined>;
  /** What is younger is left alone. Default 0. */
  minAgeMs?: number;
}

/** One that could not be finished now. */
export interface NotFinished {
  prepared: t.Prepared;
  error: CalaError;
}

/** What a recovery did. Each prepared transaction that was old enough is in one of these. */
export interface Recovered {
  committed: t.Prepared[];
  rolledBack: t.Prepared[];
  /** Somebody else has ended these meanwhile. */
  ended: t.Prepared[];
  /** Of these the program decided nothing. */
  left: t.Prepared[];
  /** Another session is at these (prepared.busy), or they are another user's (store.permission). */
  failed: NotFinished[];
}

const optionKeys = new Set(["decided", "minAgeMs"]);
const later = new Set<string>(["prepared.busy", "store.permission"]);

function malformed(message: string): InvalidError {
  return new InvalidError({ status: "INVALID", code: "request.malformed", message });
}

/** Ends what is prepared as the program decided. */
export async function recover(ledger: Scope, options: RecoverOptions): Promise<Recovered> {
  const unknown = Object.keys(options).find((key) => !optionKeys.has(key));
  if (unknown !== undefined) throw malformed(`recover has no option ${unknown}`);
  const { minAgeMs = 0 } = options;
  if (!Number.isSafeInteger(minAgeMs) || minAgeMs < 0) {
    throw malformed(`minAgeMs is ${minAgeMs}, and must be a whole number of milliseconds`);
  }
  if (typeof options.decided !== "function") throw malformed("recover needs decided, a function");
  const done: Recovered = { committed: [], rolledBack: [], ended: [], left: [], failed: [] };
  const all: t.Prepared[] = [];
  for await (const prepared of ledger.prepared().list()) all.push(prepared);
  for (const prepared of all) {
    if (prepared.ageMs < minAgeMs) continue;
    const outcome = await options.decided(prepared);
    if (outcome === undefined || outcome === null) {
      done.left.push(prepared);
      continue;
    }
    try {
      const finished = await ledger.prepared().finish({ gid: prepared.gid, outcome });
      (finished.outcome === "commit" ? done.committed : done.rolledBack).push(prepared);
    } catch (error) {
      if (!(error instanceof CalaError)) throw error;
      if (error.code === "prepared.not_found") done.ended.push(prepared);
      else if (later.has(error.code)) done.failed.push({ prepared, error });
      else throw error;
    }
  }
  return done;
}
