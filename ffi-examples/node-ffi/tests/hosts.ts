// The drivers, each with its own way to run a transaction.
import { randomUUID } from "node:crypto";
import { type Address, addressOf, pgbouncerUrl } from "./ground.js";

/** A driver's open transaction. */
export interface HostTx {
  handle: any;
  /** Runs a statement of the program's inside. */
  run(sql: string): Promise<any>;
}

/** A driver that is connected. */
export interface Host {
  /** Begins, runs the work, commits; rolls back when it throws. */
  transaction<T>(work: (tx: HostTx) => Promise<T>): Promise<T>;
  /** A pool or connection on which no transaction is open. */
  outside: any;
  /** A connection of SQLite's own, where `outside` is none. */
  database?: any;
  end(): Promise<void>;
}

/** How to connect with a driver. */
export interface Driver {
  name: string;
  /** Nothing but what every driver is held to can be asked of it. */
  orm?: boolean;
  connect(target: string): Promise<Host>;
}

export const onBun = "Bun" in globalThis;

const pg: Driver = {
  name: "pg",
  async connect(url) {
    const { default: driver } = await import("pg");
    const pool = new driver.Pool({ ...addressOf(url), max: 4 });
    return {
      outside: pool,
      end: () => pool.end(),
      async transaction(work) {
        const client = await pool.connect();
        try {
          await client.query("BEGIN");
          const answer = await work({ handle: client, run: (sql) => client.query(sql) });
          await client.query("COMMIT");
          return answer;
        } catch (error) {
          await client.query("ROLLBACK");
          throw error;
        } finally {
          client.release();
        }
      },
    };
  },
};

const knex: Driver = {
  name: "knex",
  async connect(url) {
    const { default: driver } = await import("knex");
    const db = driver.knex({ client: "pg", connection: addressOf(url), pool: { min: 0, max: 4 } });
    return {
      outside: db,
      end: () => db.destroy(),
      transaction: (work) => db.transaction((trx) => work({ handle: trx, run: async (sql) => trx.raw(sql) })),
    };
  },
};

function sqlTagHost(sql: any, end: () => Promise<void>): Host {
  return {
    outside: sql,
    end,
    transaction: (work) => sql.begin((tx: any) => work({ handle: tx, run: (text) => tx.unsafe(text) })),
  };
}

const silent = (): void => undefined;
const tagOptions = ({ host, port, user, database }: Address) => ({
  host,
  port,
  user,
  database,
  max: 4,
  onnotice: silent,
});

const postgresJs: Driver = {
  name: "postgres.js",
  async connect(url) {
    const { default: driver } = await import("postgres");
    const sql = driver(tagOptions(addressOf(url)));
    return sqlTagHost(sql, () => sql.end());
  },
};

const bunSql: Driver = {
  name: "Bun.sql",
  async connect(url) {
    const { host, port, user, database } = addressOf(url);
    const where = host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { hostname: host, port };
    // pgbouncer before 1.21 knows no named prepared statements in transaction mode.
    const prepare = url !== pgbouncerUrl;
    const sql = new (globalThis as any).Bun.SQL({
      adapter: "postgres",
      ...where,
      username: user,
      database,
      max: 4,
      prepare,
    });
    return sqlTagHost(sql, () => sql.end());
  },
};

const drizzlePg: Driver = {
  name: "drizzle (pg)",
  async connect(url) {
    const [{ default: driver }, { drizzle }, { sql }] = await Promise.all([
      import("pg"),
      import("drizzle-orm/node-postgres"),
      import("drizzle-orm"),
    ]);
    const pool = new driver.Pool({ ...addressOf(url), max: 4 });
    const db = drizzle(pool);
    return {
      outside: db,
      end: () => pool.end(),
      transaction: (work) => db.transaction((tx) => work({ handle: tx, run: (text) => tx.execute(sql.raw(text)) })),
    };
  },
};

const drizzlePostgresJs: Driver = {
  name: "drizzle (postgres.js)",
  async connect(url) {
    const [{ default: driver }, { drizzle }, { sql }] = await Promise.all([
      import("postgres"),
      import("drizzle-orm/postgres-js"),
      import("drizzle-orm"),
    ]);
    const client = driver(tagOptions(addressOf(url)));
    const db = drizzle(client);
    return {
      outside: db,
      end: () => client.end(),
      transaction: (work) => db.transaction((tx) => work({ handle: tx, run: (text) => tx.execute(sql.raw(text)) })),
    };
  },
};

const kysely: Driver = {
  name: "kysely",
  async connect(url) {
    const [{ default: driver }, { CompiledQuery, Kysely, PostgresDialect }] = await Promise.all([
      import("pg"),
      import("kysely"),
    ]);
    const db = new Kysely<any>({
      dialect: new PostgresDialect({ pool: new driver.Pool({ ...addressOf(url), max: 4 }) }),
    });
    return {
      outside: db,
      end: () => db.destroy(),
      transaction: (work) =>
        db
          .transaction()
          .execute((trx) => work({ handle: trx, run: (sql) => trx.executeQuery(CompiledQuery.raw(sql)) })),
    };
  },
};

const typeorm: Driver = {
  name: "typeorm",
  async connect(url) {
    await import("reflect-metadata");
    const { DataSource } = await import("typeorm");
    const { host, port, user, database } = addressOf(url);
    const source = new DataSource({ type: "postgres", host, port, username: user, database, poolSize: 4 });
    await source.initialize();
    return {
      outside: source.manager,
      end: () => source.destroy(),
      transaction: (work) =>
        source.transaction((manager) => work({ handle: manager, run: (sql) => manager.query(sql) })),
    };
  },
};

// SQLite's drivers have one connection and no promises: BEGIN and COMMIT are statements.
function sqliteHost(database: any): Host {
  return {
    outside: database,
    end: async () => database.close(),
    async transaction(work) {
      database.exec("BEGIN");
      try {
        const answer = await work({ handle: database, run: async (sql) => database.exec(sql) });
        database.exec("COMMIT");
        return answer;
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      }
    },
  };
}

const nodeSqlite: Driver = {
  name: "node:sqlite",
  async connect(path) {
    const module: string = "node:sqlite";
    return sqliteHost(new (await import(module)).DatabaseSync(path));
  },
};

const bunSqlite: Driver = {
  name: "bun:sqlite",
  async connect(path) {
    const module: string = "bun:sqlite";
    return sqliteHost(new (await import(module)).Database(path));
  },
};

const betterSqlite: Driver = {
  name: "better-sqlite3",
  async connect(path) {
    const module: string = "better-sqlite3";
    return sqliteHost(new (await import(module)).default(path));
  },
};

const nodeMajor = Number(process.versions.node.split(".")[0]);

/** The PostgreSQL drivers of this runtime. */
export const postgresDrivers: Driver[] = onBun
  ? [pg, bunSql, postgresJs]
  : [pg, knex, postgresJs, drizzlePg, drizzlePostgresJs, kysely, typeorm];

/** The SQLite drivers of this runtime. Node 20 has none: node:sqlite came with 22, and better-sqlite3 13 needs 22. */
export const sqliteDrivers: Driver[] = onBun ? [bunSqlite] : nodeMajor >= 22 ? [nodeSqlite, betterSqlite] : [];

/** A table name of the program's that nobody else uses. */
export function freshTable(): string {
  return `host_${randomUUID().replaceAll("-", "").slice(0, 12)}`;
}
