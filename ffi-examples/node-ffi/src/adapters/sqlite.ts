import { UnsupportedError } from "../errors.js";
import { type Adapter, textOf } from "./adapter.js";

/** better-sqlite3's Database, node:sqlite's DatabaseSync, bun:sqlite's Database. */
export interface SqliteDatabase {
  prepare(sql: string): { get(...params: any[]): any; run(...params: any[]): any };
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

export function sqliteAdapter(database: SqliteDatabase): Adapter {
  checkVersion(database);
  const exec = (sql: string, params: string[], returnsRow: boolean): string | null => {
    const statement = database.prepare(sql);
    if (returnsRow) {
      const row = statement.get(...params);
      return row ? textOf(Object.values(row)[0]) : null;
    }
    statement.run(...params);
    return null;
  };
  return { connection: database, exec };
}
