import { checkSignal, onAbort } from "./aborts.js";
import { camelCased, snakeCased } from "./casing.js";
import {
  CalaError,
  CancelledError,
  InvalidError,
  MisuseError,
  errorOf,
  failed,
  recordError,
  statusName,
  taken,
} from "./errors.js";
import { type Adapter, type Store, answered, notAtOnce, ofAnother, overAlready } from "./adapters/adapter.js";
import { saidBy, saidOver, sqlstateOf } from "./adapters/sqlstate.js";
import { parsed, stringified } from "./json.js";
import type { Completions } from "./completions.js";
import type { ErrorCode, OperationName } from "./raw/contract.js";
import { type Handle, type Raw, Status, Step, operationNames } from "./raw/types.js";

/** What every operation takes besides its request. */
export interface CallOptions {
  /** Cancels the operation; it then fails with a CancelledError, or succeeds when its write was on the way already. */
  signal?: AbortSignal | undefined;
  /** Which trace it is part of, a W3C traceparent: the log records of this operation have it. */
  traceparent?: string | undefined;
}

/** An operation to be made: of which ledger, with what. */
export interface Call {
  raw: Raw;
  ledger: Handle;
  /** Integers beyond 2^53 of the answer become BigInts. */
  bigint: boolean;
  tx: Handle | null;
  name: OperationName;
  request: object;
  signal?: AbortSignal | undefined;
  traceparent?: string | undefined;
}

/** An operation in a transaction of the program's own, on a ledger that is kept in this database. */
export interface HostedCall extends Call {
  database: Store;
}

type Maker = Raw[`cala_${OperationName}`];
const known: ReadonlySet<string> = new Set(operationNames);

export function encoded(document: object): Buffer {
  return Buffer.from(stringified(snakeCased(document)));
}

// A number that is not a whole one has been rounded already, and JSON.stringify makes null of NaN.
function checkNumbers(value: unknown, pointer: string): void {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new InvalidError({
      status: "INVALID",
      code: "param.type",
      message: `${pointer} is the number ${value}: pass a string, exactly "10.50"; numbers may be whole ones up ` +
        `to 2^53`,
      details: { pointer },
    });
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) checkNumbers(inner, `${pointer}/${key}`);
}

// JSON would make text of a Date and null of undefined, and SQL of neither what was meant.
function checkTexts(params: unknown): void {
  if (!Array.isArray(params)) throw notText("params", params, "an array", "/params");
  for (let index = 0; index < params.length; index++) {
    const value = params[index];
    if (typeof value === "string" || value === null) continue;
    throw notText(`parameter ${index + 1}`, value, "a string or null", `/params/${index}`);
  }
}

function notText(what: string, value: any, wanted: string, pointer: string): InvalidError {
  const named = typeof value === "object" && value !== null;
  const kind = named ? `of class ${value.constructor?.name ?? "Object"}` : `of type ${typeof value}`;
  return new InvalidError({
    status: "INVALID",
    code: "request.malformed",
    message: `${what} is ${kind}, and must be ${wanted}: exec(sql, ["1", null])`,
    details: { pointer },
  });
}

function checkParams(name: OperationName, request: any): void {
  if (name === "tx_exec" && request.params !== undefined) checkTexts(request.params);
  // Those of cel_evaluate are a list of declarations; all others have the values.
  if (!Array.isArray(request?.params)) checkNumbers(request?.params, "/params");
  if (name !== "transaction_post_many" || !Array.isArray(request.postings)) return;
  request.postings.forEach((posting: any, index: number) => {
    try {
      checkNumbers(posting?.params, `/postings/${index}/params`);
    } catch (error) {
      throw error instanceof CalaError ? failed({ ...error, message: error.message, postingIndex: index }) : error;
    }
  });
}

function make({ raw, ledger, tx, name, request, signal, traceparent }: Call): Handle {
  if (!known.has(name)) {
    throw new MisuseError({ status: "MISUSE", code: "call.misuse", message: `there is no operation ${name}` });
  }
  checkParams(name, request);
  // What is not as it must be is refused before there is an operation to be freed.
  checkSignal(signal);
  if (traceparent !== undefined && typeof traceparent !== "string") throw noTrace();
  const text = encoded(request);
  const maker: Maker = raw[`cala_${name}`];
  const op = startable(raw, (op, error) => maker(ledger, tx, text, text.length, op, error));
  if (traceparent !== undefined) trace(raw, op, Buffer.from(traceparent));
  return op;
}

function trace(raw: Raw, op: Handle, text: Buffer): void {
  if (raw.cala_op_trace(op, text, text.length) === Status.OK) return;
  raw.cala_op_free(op);
  throw noTrace();
}

function noTrace(): InvalidError {
  return new InvalidError({
    status: "INVALID",
    code: "request.malformed",
    message: "traceparent is none: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    details: { pointer: "/traceparent" },
  });
}

// Where an operation and an error are made, one at a time: what is handed to C costs more to allocate than to fill.
const madeOp = new BigUint64Array(1);
const madeError = new BigUint64Array(1);

/** The operation that a function of the library makes at once; throws its error. */
export function startable(raw: Raw, maker: (op: BigUint64Array, error: BigUint64Array) => number): Handle {
  if (maker(madeOp, madeError) !== Status.OK) throw taken(raw, madeError);
  return raw.handle(madeOp) as Handle;
}

function cancelled(signal: AbortSignal): CalaError {
  return new CancelledError({
    status: "CANCELLED",
    code: "op.cancelled",
    message: "the operation was cancelled; nothing was written",
    cause: signal.reason,
  });
}

// These calls answer with a status alone.
const refusals: Record<number, { code: ErrorCode; message: string }> = {
  [Status.BUSY]: { code: "queue.full", message: "too many operations are in flight" },
  [Status.CLOSED]: { code: "ledger.closed", message: "the ledger has been closed" },
};

function refused(status: number): CalaError {
  const said = refusals[status] ?? { code: "call.misuse" as const, message: "the operation cannot be run" };
  return failed({ status: statusName(status), retryable: status === Status.BUSY, ...said });
}

/** Runs an operation on the library's own threads. */
export async function runOwn(call: Call, completions: Completions, owner: object): Promise<any> {
  if (call.signal?.aborted) throw cancelled(call.signal);
  return runStarted(call, make(call), completions, owner);
}

/** Runs an operation that has been made, and frees it. */
export function runStarted(
  { raw, signal, bigint = false }: Pick<Call, "raw" | "signal"> & { bigint?: boolean },
  op: Handle,
  completions: Completions,
  owner: object,
): Promise<any> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      raw.cala_op_free(op);
      throw cancelled(signal);
    }
    const forget = onAbort(signal, () => raw.cala_op_cancel(op));
    const finish = (status: number, text: string): void => {
      forget();
      raw.cala_op_free(op);
      if (status === Status.OK) resolve(camelCased(parsed(text, bigint)));
      else
        reject(recordError(status, text, signal?.aborted && status === Status.CANCELLED ? signal.reason : undefined));
    };
    const status = completions.start(owner, (queue, tag) => raw.cala_op_start(op, queue, null, tag), finish);
    if (status === Status.OK) return;
    forget();
    raw.cala_op_free(op);
    throw refused(status);
  });
}

function statementOf(raw: Raw, op: Handle): { sql: string; params: string[]; returnsRow: boolean } {
  const params: string[] = [];
  for (let index = 0; index < raw.cala_op_param_count(op); index++)
    params.push(raw.cala_op_param(op, index, null) ?? "");
  return { sql: raw.cala_op_sql(op, null) ?? "", params, returnsRow: raw.cala_op_sql_returns_row(op) === 1 };
}

function feed(raw: Raw, op: Handle, text: string | null): number {
  if (text === null) return raw.cala_op_feed(op, null, 0);
  const bytes = Buffer.from(text);
  return raw.cala_op_feed(op, bytes, bytes.length);
}

// What the driver threw, told to the library; a mistake in the call is the program's to see as it is.
function feedThrown(raw: Raw, op: Handle, error: unknown, { what = "the transaction", pass }: Adapter): number {
  if (error instanceof MisuseError) throw error;
  if (saidOver(error)) throw overAlready(what, pass ?? "pass it while it is open", error);
  const message = error instanceof Error ? error.message : String(error);
  return raw.cala_op_feed_error(op, sqlstateOf(error) ?? null, message.replaceAll("\0", ""));
}

// Runs every statement of an operation; answers with the last step and what the driver threw last.
async function drive(raw: Raw, op: Handle, adapter: Adapter): Promise<Driven> {
  let step = raw.cala_op_step(op);
  let thrown: unknown;
  while (step === Step.NEED_QUERY) {
    const { sql, params, returnsRow } = statementOf(raw, op);
    try {
      const answer = adapter.exec(sql, params, returnsRow);
      step = feed(raw, op, answered(isThenable(answer) ? await answer : answer));
    } catch (error) {
      thrown = error;
      step = feedThrown(raw, op, error, adapter);
    }
  }
  return { step, thrown };
}

const isThenable = (value: any): value is PromiseLike<string | null> => typeof value?.then === "function";

// The same without a promise anywhere.
function driveAtOnce(raw: Raw, op: Handle, adapter: Adapter): Driven {
  let step = raw.cala_op_step(op);
  let thrown: unknown;
  while (step === Step.NEED_QUERY) {
    const { sql, params, returnsRow } = statementOf(raw, op);
    try {
      const answer = adapter.exec(sql, params, returnsRow);
      if (isThenable(answer)) {
        answer.then(undefined, () => undefined);
        throw notAtOnce();
      }
      step = feed(raw, op, answered(answer));
    } catch (error) {
      thrown = error;
      step = feedThrown(raw, op, error, adapter);
    }
  }
  return { step, thrown };
}

type Driven = { step: number; thrown: unknown };

function resultOf(call: HostedCall, op: Handle, adapter: Adapter, { step, thrown }: Driven): any {
  const { raw, signal, bigint, database } = call;
  if (step === Step.DONE) return camelCased(parsed(raw.cala_op_result(op, null) ?? "null", bigint));
  if (step !== Step.FAILED) throw refused(-step);
  const error = errorOf(raw, raw.cala_op_error(op), thrown ?? (signal?.aborted ? signal.reason : undefined));
  // The driver of another database, whose kind was not known: it was sent what it cannot understand.
  if (adapter.store === undefined && (saidBy(thrown) ?? database) !== database) {
    throw ofAnother(adapter, database, { txState: error.txState, cause: thrown });
  }
  if (error.code === "store.refused" && error.sqlstate === "" && thrown !== undefined) {
    throw byItself(adapter, error, thrown);
  }
  throw error;
}

// Not the library's defect, nor anything that a database said.
function byItself({ what = "the driver" }: Adapter, { txState }: CalaError, cause: unknown): MisuseError {
  const message = `${what} refused by itself, or its error has no SQLSTATE: ` +
    `${cause instanceof Error ? cause.message : String(cause)}`;
  return new MisuseError({ status: "MISUSE", code: "adapter.refused", message, txState, cause });
}

/** Runs an operation whose statements a driver without promises runs. */
export function runHostedAtOnce(call: HostedCall, adapter: Adapter): any {
  const { raw, signal } = call;
  if (signal?.aborted) throw cancelled(signal);
  const op = make(call);
  try {
    return resultOf(call, op, adapter, driveAtOnce(raw, op, adapter));
  } finally {
    raw.cala_op_free(op);
  }
}

/** Runs an operation whose statements the program's driver runs. */
export async function runHosted(call: HostedCall, adapter: Adapter): Promise<any> {
  const { raw, signal } = call;
  if (signal?.aborted) throw cancelled(signal);
  const op = make(call);
  const forget = onAbort(signal, () => raw.cala_op_cancel(op));
  try {
    return resultOf(call, op, adapter, await drive(raw, op, adapter));
  } finally {
    forget();
    raw.cala_op_free(op);
  }
}
