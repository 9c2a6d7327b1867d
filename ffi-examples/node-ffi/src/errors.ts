import { camelCased, camelPointer } from "./casing.js";
import type { DetailsOf, ErrorCode } from "./raw/contract.js";
import { type Handle, type Raw, Status, TxState } from "./raw/types.js";

/** The name of a status of cala.h, without its prefix. */
export type StatusName = Exclude<keyof typeof Status, "OK">;

/**
 * What a failure means for its transaction: `usable`: it can go on; `aborted`: roll it back; `retry`: it lost a race,
 * roll it back and run the whole transaction again.
 */
export type TransactionState = "usable" | "aborted" | "retry";

/** What every failure carries. */
export interface Failure {
  status: StatusName;
  code: ErrorCode;
  message: string;
  retryable?: boolean;
  sqlstate?: string;
  txState?: TransactionState;
  postingIndex?: number;
  details?: Record<string, unknown>;
  cause?: unknown;
}

/**
 * Base of every failure that the ledger reports. Decide by its class (or `status`),
 * compare `code` for exactly what happened.
 */
export class CalaError extends Error {
  /** What kind of failure; each has a class of its own. */
  readonly status: StatusName;
  /**
   * Exactly what failed: a stable dotted word, such as "account.locked".
   * A newer library may have more than its type names.
   */
  readonly code: ErrorCode;
  /** True when the same call may succeed if it is repeated; inside a transaction after a rollback. */
  readonly retryable: boolean;
  /** The database's SQLSTATE; "" when no database refused. */
  readonly sqlstate: string;
  /** What it means for the transaction that it happened in. */
  readonly txState: TransactionState;
  /** Which posting of a batch was refused, counted from 0; absent when the error is about none. */
  declare readonly postingIndex?: number;
  /**
   * More for programs: `pointer` (the JSON pointer of the place in the request), `accountId`, `column`,
   * ... After `is(code)` its type is that of the code.
   */
  readonly details: Record<string, unknown>;

  /** Two copies of this package in one program know each other's errors. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    const brand = Object.hasOwn(this, "brand") ? this.brand : undefined;
    return brand !== undefined && typeof value === "object" && value !== null && brand in value;
  }
  /** @internal */
  static brand?: symbol;

  constructor(failure: Failure) {
    super(failure.message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.name = new.target.name;
    this.status = failure.status;
    this.code = failure.code;
    this.retryable = failure.retryable ?? false;
    this.sqlstate = failure.sqlstate ?? "";
    this.txState = failure.txState ?? "usable";
    if (failure.postingIndex !== undefined && failure.postingIndex >= 0) this.postingIndex = failure.postingIndex;
    this.details = failure.details ?? {};
  }

  /** Whether it has that code: then `details` has its type, `error.is("account.locked") && error.details.accountId`. */
  is<Code extends ErrorCode>(code: Code): this is this & { readonly code: Code; readonly details: DetailsOf<Code> } {
    return this.code === code;
  }
}

/** The call itself is wrong: an order of calls, a handle, a transaction that is not open. */
export class MisuseError extends CalaError {}
/** The request is not right: keys, values, CEL; `details.pointer` names the place. */
export class InvalidError extends CalaError {}
/** What the request names does not exist. */
export class NotFoundError extends CalaError {}
/** An id, code or external id is taken, or something changed meanwhile. */
export class ConflictError extends CalaError {}
/** The ledger refuses: unbalanced, locked. Nothing was written. */
export class RejectedError extends CalaError {}
/** Too much at once; try again later. */
export class BusyError extends CalaError {}
/** Not finished within the time given. */
export class TimeoutError extends CalaError {}
/** Cancelled; nothing was written. Its `cause` is the reason of the AbortSignal. */
export class CancelledError extends CalaError {}
/** The ledger has been closed. */
export class ClosedError extends CalaError {}
/** The store cannot be reached or cannot work. */
export class UnavailableError extends CalaError {}
/** The library was not found. `details.tried` lists the places. */
export class LibraryMissingError extends UnavailableError {}
/** The store does not let us. */
export class PermissionError extends CalaError {}
/** Not with this store, schema version or build. */
export class UnsupportedError extends CalaError {}
/** Out of memory; nothing was written. */
export class NoMemoryError extends CalaError {}
/** A defect of the library. */
export class InternalError extends CalaError {}
/** The handle belongs to the parent process. */
export class ForkedError extends CalaError {}
/** The connection was lost during commit: post the same id again, or look it up. */
export class OutcomeUnknownError extends CalaError {}

const classes: Record<StatusName, typeof CalaError> = {
  MISUSE: MisuseError,
  INVALID: InvalidError,
  NOT_FOUND: NotFoundError,
  CONFLICT: ConflictError,
  REJECTED: RejectedError,
  BUSY: BusyError,
  TIMEOUT: TimeoutError,
  CANCELLED: CancelledError,
  CLOSED: ClosedError,
  UNAVAILABLE: UnavailableError,
  PERMISSION: PermissionError,
  UNSUPPORTED: UnsupportedError,
  NO_MEMORY: NoMemoryError,
  INTERNAL: InternalError,
  FORKED: ForkedError,
  OUTCOME_UNKNOWN: OutcomeUnknownError,
};

const named = { CalaError, LibraryMissingError, ...Object.fromEntries(Object.values(classes).map((c) => [c.name, c])) };
for (const [name, known] of Object.entries(named)) {
  known.brand = Symbol.for(`cala-ledger.${name}`);
  Object.defineProperty(known.prototype, known.brand, { value: true });
}

const statusNames = new Map<number, StatusName>();
for (const [name, value] of Object.entries(Status)) if (name !== "OK") statusNames.set(value, name as StatusName);

/** Where a program called: the frames above a method. */
export type Frames = { stack?: string };

/** The frames above `method`, taken while its caller is on the stack; written out only when they are asked for. */
export function calledHere(method: Function): Frames {
  const frames: Frames = {};
  Error.captureStackTrace(frames, method);
  return frames;
}

/** Gives a failure the stack of who called: it is made where nobody of the program's is on the stack any more. */
export function placed(error: unknown, frames: Frames): unknown {
  if (error instanceof CalaError) {
    const at = (frames.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
    // Bun drops frames that end in a call; then the error's own are the better ones.
    if (at.length > 0) error.stack = [`${error.name}: ${error.message}`, ...at].join("\n");
  }
  return error;
}

/** The same, of a promise. */
export function toldFrom<T>(frames: Frames, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw placed(error, frames);
  });
}

// Errors speak of the request as the program wrote it.
function inCamel(message: string, details: Record<string, unknown>): [string, Record<string, unknown>] {
  const { pointer } = details;
  if (typeof pointer !== "string") return [message, details];
  const camel = camelPointer(pointer);
  if (camel === pointer) return [message, details];
  let told = message.replaceAll(pointer, camel);
  const [key, ours] = [pointer, camel].map((path) => path.slice(path.lastIndexOf("/") + 1)) as [string, string];
  if (key !== ours) told = told.replace(new RegExp(`\\b${key}\\b`, "g"), ours);
  return [told, { ...details, pointer: camel }];
}

/** An error of the class of its status. */
export function failed(failure: Failure): CalaError {
  return new classes[failure.status](failure);
}

/** The name of a status; a value that this wrapper does not know counts as INTERNAL. */
export function statusName(status: number): StatusName {
  return statusNames.get(status) ?? "INTERNAL";
}

function stateName(state: number): TransactionState {
  return state === TxState.RETRY ? "retry" : state === TxState.ABORTED ? "aborted" : "usable";
}

/** What a cala_error says. The handle stays the caller's. */
export function errorOf(raw: Raw, error: Handle | null, cause?: unknown): CalaError {
  const said = JSON.parse(raw.cala_error_details(error) || "{}");
  const [message, details] = inCamel(raw.cala_error_message(error) ?? "", camelCased(said));
  return failed({
    status: statusName(raw.cala_error_status(error)),
    code: (raw.cala_error_code(error) ?? "") as ErrorCode,
    message,
    retryable: raw.cala_error_retryable(error) === 1,
    sqlstate: raw.cala_error_sqlstate(error) ?? "",
    txState: stateName(raw.cala_error_tx_state(error)),
    postingIndex: raw.cala_error_posting_index(error),
    details,
    cause,
  });
}

/** What an out_error cell says; frees it. */
export function taken(raw: Raw, cell: BigUint64Array): CalaError {
  const handle = raw.handle(cell);
  try {
    return errorOf(raw, handle);
  } finally {
    raw.cala_error_free(handle);
  }
}

/** The error of a completion record. */
export function recordError(status: number, text: string, cause?: unknown): CalaError {
  const data = JSON.parse(text);
  const [message, details] = inCamel(data.message, camelCased(data.details ?? {}));
  return failed({
    status: statusName(status),
    code: data.code,
    message,
    retryable: Boolean(data.retryable),
    sqlstate: data.sqlstate,
    txState: typeof data.tx_state === "number" ? stateName(data.tx_state) : data.tx_state,
    postingIndex: data.posting_index,
    details,
    cause,
  });
}
