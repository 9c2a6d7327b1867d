import { UnsupportedError } from "../errors.js";
import { type Adapter, textOf } from "./adapter.js";

interface Statement {
  get(...params: any[]): any;
  run(...params: any[]): any;
}

/** better-sqlite3's Database, node:sqlite's DatabaseSync, bun:sqlite's Database. */
export interface SqliteDatabase {
  /** better-sqlite3, bun:sqlite. */
  inTransaction?: boolean;
  /** node:sqlite, from Node 22.16 on. */
  isTransaction?: boolean;
  prepare(sql: string): Statement;
  exec(sql: string): unknown;
}

const [oldestMajor, oldestMinor] = [3, 35];
const recentEnough = new WeakSet<object>();

// RETURNING came with 3.35; an older SQLite would answer with a syntax error.
function checkVersion(database: SqliteDatabase): void {
  if (recentEnough.has(database)) return;
  const version = String(Object.values(database.prepare("SELECT sqlite_version()").get())[0]);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    throw new UnsupportedError({
      status: "UNSUPPORTED",
      code: "store.too_old",
      message: `the driver has SQLite ${version}; the ledger needs ${oldestMajor}.${oldestMinor} or newer`,
    });
  }
  recentEnough.add(database);
}

const prepared = new WeakMap<object, Map<string, Statement>>();

// The ledger's few statements cost more to prepare than to run; a migration's are run once.
function prepare(database: SqliteDatabase, sql: string, keep: boolean): Statement {
  if (!keep) return database.prepare(sql);
  const statements = prepared.get(database) ?? new Map<string, Statement>();
  prepared.set(database, statements);
  const statement = statements.get(sql) ?? database.prepare(sql);
  statements.set(sql, statement);
  return statement;
}

export function sqliteAdapter(database: SqliteDatabase): Adapter {
  checkVersion(database);
  const exec = (sql: string, params: string[], returnsRow: boolean): string | null => {
    const statement = prepare(database, sql, params.length > 0);
    if (returnsRow) {
      const row = statement.get(...params);
      return row ? textOf(Object.values(row)[0]) : null;
    }
    statement.run(...params);
    return null;
  };
  return {
    connection: database,
    exec,
    inTransaction: () => database.inTransaction ?? database.isTransaction,
    synchronous: true,
    store: "sqlite",
    what: "the SQLite connection",
    pass: "run BEGIN before and COMMIT after, or call `sync` in the driver's transaction()",
  };
}
