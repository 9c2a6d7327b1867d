// The names that the library tells SQLite's refusals by; node:sqlite gives their numbers only.
const sqliteNames: Record<number, string> = {
  3: "SQLITE_PERM",
  5: "SQLITE_BUSY",
  6: "SQLITE_LOCKED",
  7: "SQLITE_NOMEM",
  8: "SQLITE_READONLY",
  9: "SQLITE_INTERRUPT",
  10: "SQLITE_IOERR",
  11: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  17: "SQLITE_SCHEMA",
  18: "SQLITE_TOOBIG",
  19: "SQLITE_CONSTRAINT",
  26: "SQLITE_NOTADB",
};
const busySnapshot = 517;

// What Node says when there is no connection: connection_failure.
const unreachable = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
  // postgres.js, Bun.sql.
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "CONNECT_TIMEOUT",
  "ERR_POSTGRES_CONNECTION_CLOSED",
  "ERR_POSTGRES_CONNECTION_TIMEOUT",
]);
const terminated = /^Connection terminated( unexpectedly)?$|^Client has encountered a connection error/; // pg

/** What the database said, in an error of Prisma's: through a driver adapter, or through its own engine. */
export function saidToPrisma(error: any): { code: string; message: string } | undefined {
  if (typeof error?.clientVersion !== "string") return undefined;
  const { originalCode, originalMessage } = error.meta?.driverAdapterError?.cause ?? {};
  if (typeof originalCode === "string") return { code: originalCode, message: String(originalMessage) };
  return typeof error.meta?.code === "string" ? { code: error.meta.code, message: String(error.meta.message) } :
    undefined;
}

// Prisma's codes look like SQLSTATEs. Write conflict or deadlock;
// the server cannot be reached, has closed the connection.
const prismaStates: Record<string, string> = { P2034: "40001", P1001: "08006", P1002: "08006", P1017: "08006" };

/** The SQLSTATE (or SQLite's name) that an error itself has. */
export function stateOf(error: any): string | undefined {
  if (typeof error.clientVersion === "string" && /^P\d{4}$/.test(error.code)) {
    return saidToPrisma(error)?.code ?? prismaStates[error.code];
  }
  if (typeof error.errcode === "number") {
    return error.errcode === busySnapshot
      ? "SQLITE_BUSY_SNAPSHOT"
      : (sqliteNames[error.errcode & 0xff] ?? "SQLITE_ERROR");
  }
  // Bun.sql has the SQLSTATE in errno and a word of its own in code.
  if (typeof error.code === "string" ? unreachable.has(error.code) : terminated.test(error.message)) return "08006";
  for (const state of [error.errno, error.code, error.sqlstate]) {
    if (typeof state === "string" && /^([0-9A-Z]{5}|SQLITE_[A-Z_]+)$/.test(state)) return state;
  }
  return undefined;
}

/** What an error of a driver or an ORM is wrapped around. */
export function causeOf(error: any): unknown {
  // TypeORM, Objection, Sequelize; and what everybody else does.
  return [error.driverError, error.nativeError, error.parent, error.cause].find(
    (each) => typeof each === "object" && each,
  );
}

/**
 * Which database an error was said by, if one can tell. Not by 08 and 40, which stand for what Node and Prisma say too,
 * nor by the letters of one of Node's own, EPERM.
 */
export function saidBy(error: unknown): "sqlite" | "postgres" | undefined {
  const state = sqlstateOf(error);
  if (state?.startsWith("SQLITE_")) return "sqlite";
  return state !== undefined && /^(?!08|40|E)(?=.*\d)[0-9A-Z]{5}$/.test(state) ? "postgres" : undefined;
}

// What drivers say when their transaction is over: knex, Kysely, TypeORM, Bun.sql, pg-promise.
const endings = new RegExp(
  "^Transaction query already complete|^Transaction is already (committed|rolled back)$|" +
    "query runner was already released|after its transaction or savepoint ended|outside an expired connection|" +
    "^Querying against a released or lost connection",
);

/** Whether a driver, however deep an ORM has wrapped it, says that the transaction is over; nothing was sent then. */
export function saidOver(error: unknown): boolean {
  for (let depth = 0; depth < 8 && typeof error === "object" && error !== null; depth++) {
    if (endings.test((error as Error).message)) return true;
    error = causeOf(error);
  }
  return false;
}

/** The SQLSTATE (or SQLite's name) in what a driver threw, however deep it or an ORM has wrapped it. */
export function sqlstateOf(error: unknown): string | undefined {
  for (let depth = 0; depth < 8 && typeof error === "object" && error !== null; depth++) {
    const state = stateOf(error);
    if (state !== undefined) return state;
    error = causeOf(error);
  }
  return undefined;
}
