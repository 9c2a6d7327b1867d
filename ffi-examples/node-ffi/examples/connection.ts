// The program's own connection, for samples that run on both stores: what they need of any driver. SQLite: node:sqlite
// or bun:sqlite; PostgreSQL: pg.
import pg from "pg";
import type { HostHandle } from "cala-ledger";

/** A connection that begins and commits where it is told to. */
export interface Connection {
  handle: HostHandle;
  /** Runs a statement, with ? for its parameters; gives the rows. */
  run(sql: string, ...params: (string | number | null)[]): Promise<any[]>;
  end(): Promise<void>;
}

export const isSqlite = (store: string): boolean => store.startsWith("sqlite:");

/** A connection to the database that a ledger's store is in. */
export async function connect(store: string): Promise<Connection> {
  return isSqlite(store) ? sqlite(store.slice("sqlite:".length)) : postgres(store);
}

async function postgres(connectionString: string): Promise<Connection> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return {
    handle: client,
    run: async (sql, ...params) => {
      let number = 0;
      return (await client.query(sql.replace(/\?/g, () => `$${++number}`), params)).rows;
    },
    end: () => client.end(),
  };
}

async function sqlite(path: string): Promise<Connection> {
  const module: string = "Bun" in globalThis ? "bun:sqlite" : "node:sqlite";
  const { Database, DatabaseSync } = await import(module);
  const database = new (Database ?? DatabaseSync)(path);
  database.exec("PRAGMA busy_timeout = 30000");
  return {
    handle: database,
    run: async (sql, ...params) => database.prepare(sql).all(...params),
    end: async () => database.close(),
  };
}

/** Runs work in a transaction of the program's; on SQLite it is the only one that writes, from its beginning. */
export async function inTransaction<T>(store: string, connection: Connection, work: () => Promise<T>): Promise<T> {
  await connection.run(isSqlite(store) ? "BEGIN IMMEDIATE" : "BEGIN");
  try {
    const done = await work();
    await connection.run("COMMIT");
    return done;
  } catch (error) {
    await connection.run("ROLLBACK");
    throw error;
  }
}
