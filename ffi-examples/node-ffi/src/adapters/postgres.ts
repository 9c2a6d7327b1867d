import { type Adapter, firstText, overAlready, wrongHandle } from "./adapter.js";
import { saidToPrisma } from "./sqlstate.js";

/** pg: a Client or PoolClient. */
export interface PgClient {
  query(sql: string, params: string[]): Promise<{ rows: any[] }>;
  /** A Pool has it: each of its statements may take another connection. */
  totalCount?: number;
}

/** postgres.js and Bun.sql: the `sql` that `begin` hands over. */
export interface SqlTag {
  unsafe(sql: string, params: any[]): PromiseLike<any>;
  /** Bun.sql has one for SQLite and one for MySQL, too. */
  options?: any;
  savepoint?(work: (inner: SqlTag) => Promise<any>): Promise<any>;
}

/** Knex: a transaction. */
export interface KnexTransaction {
  raw(sql: string, params: any): PromiseLike<any>;
  isTransaction?: boolean;
  isCompleted?(): boolean;
}

/** Prisma: the `tx` of an interactive `$transaction`. */
export interface PrismaTransaction {
  $queryRawUnsafe(sql: string, ...params: any[]): PromiseLike<any>;
  $executeRawUnsafe(sql: string, ...params: any[]): PromiseLike<any>;
}

/** pg-promise: the `t` of tx(). */
export interface PgPromiseTask {
  result(query: any): PromiseLike<{ rows: any[] }>;
  oneOrNone(query: any): PromiseLike<any>;
  ctx?: { inTransaction?: boolean; finish?: unknown };
}

/** Sequelize: a Transaction on PostgreSQL, whose `connection` is pg's client. */
export interface SequelizeTransaction {
  commit(): PromiseLike<void>;
  rollback(): PromiseLike<void>;
  afterCommit(work: (transaction: any) => void): unknown;
}

/** Kysely: a Transaction. */
export interface KyselyTransaction {
  executeQuery(query: any): Promise<{ rows: any[] }>;
}

/** TypeORM: an EntityManager of a transaction, or a QueryRunner. */
export type TypeOrmManager = {
  query(sql: string, params: any[]): Promise<any>;
  queryRunner?: object | undefined;
} & ({ getRepository(entity: any): any } | { isTransactionActive: boolean });

/** Drizzle: the `tx` of a transaction. */
export interface DrizzleTransaction {
  execute(query: any): PromiseLike<any>;
  rollback(): never;
}

/** What a handle of another database is told. */
export const elsewhere = "the ledger is kept in PostgreSQL or SQLite, and needs a connection to that database";

const stores = [
  [/sqlite/i, "sqlite"],
  [/^(pg|postgres|aurora-postgres)/i, "postgres"],
] as const;

// Which database, by the name that an ORM has for it; undefined for one that is not known,
// which the first statement tells.
function storeOf(name: unknown): { store?: "sqlite" | "postgres" } {
  const found = typeof name === "string" && stores.find(([names]) => names.test(name));
  return found ? { store: found[1] } : {};
}

export function pgAdapter(client: PgClient): Adapter {
  const pool = typeof client.totalCount === "number";
  return {
    connection: client,
    exec: async (sql, params) => firstText(await client.query(sql, params)),
    ...(pool ? { inTransaction: () => false } : {}),
    synchronous: false,
    store: "postgres",
    what: pool ? "a pg Pool" : "a pg client",
    pass: "pass the client of pool.connect(), after BEGIN",
  };
}

export function sqlTagAdapter(tag: SqlTag): Adapter {
  const database = tag.options?.adapter ?? "postgres";
  if (database !== "postgres" && database !== "sqlite") {
    throw wrongHandle(`in() cannot use the sql of ${database}: ${elsewhere}`);
  }
  const adapter: Adapter = {
    connection: tag,
    exec: async (sql, params) => firstText(await tag.unsafe(sql, params)),
    synchronous: false,
    store: database,
    what: `the sql of ${tag.options?.adapter ? "Bun.sql" : "postgres.js"}`,
    pass: "pass the sql of sql.begin(async (sql) => …) while it is open",
  };
  // postgres.js rolls a transaction back in which any statement failed,
  // unless it was behind a savepoint of its own making.
  const savepoint = tag.savepoint?.bind(tag);
  if (savepoint) adapter.savepoint = (work) => savepoint((inner) => work(sqlTagAdapter(inner)));
  return adapter;
}

// Knex puts the whole statement before the database's message, which the ledger reads.
function withoutStatement(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  return new Error(message.slice(message.lastIndexOf(" - ") + 1).replace(/^- /, ""), { cause: error });
}

export function knexAdapter(trx: KnexTransaction): Adapter {
  const exec = async (sql: string, params: string[]): Promise<string | null> => {
    try {
      return firstText(await trx.raw(sql, params));
    } catch (error) {
      throw withoutStatement(error);
    }
  };
  const done = trx.isTransaction === true && trx.isCompleted?.() === true;
  return {
    connection: trx,
    dialect: "qmark",
    exec,
    // Knex itself has a pool; a trx knows when it is over.
    inTransaction: () => trx.isTransaction === true && trx.isCompleted?.() !== true,
    synchronous: false,
    ...storeOf((trx as any).client?.config?.client),
    what: trx.isTransaction !== true ? "knex itself" : done ? "a finished knex transaction" : "a knex transaction",
    pass: "pass the trx of knex.transaction() while it is open",
  };
}

export function kyselyAdapter(trx: KyselyTransaction): Adapter {
  const exec = async (sql: string, parameters: string[]): Promise<string | null> => {
    // What CompiledQuery.raw of Kysely makes; made here because Kysely is not a dependency.
    const query = { kind: "RawNode", sqlFragments: [sql], parameters: [] };
    return firstText(await trx.executeQuery({ sql, parameters, query, queryId: { queryId: "cala" } }));
  };
  return {
    connection: trx,
    exec,
    synchronous: false,
    // PostgresAdapter, SqliteAdapter.
    ...storeOf((trx as any).getExecutor?.().adapter?.constructor?.name),
    what: "a Kysely transaction",
    pass: "pass the trx of db.transaction().execute(async (trx) => …) while it is open",
  };
}

export function typeOrmAdapter(manager: TypeOrmManager): Adapter {
  return {
    connection: manager.queryRunner ?? manager,
    exec: async (sql, params) => firstText(await manager.query(sql, params)),
    synchronous: false,
    ...storeOf((manager as any).connection?.options?.type),
    what: "a TypeORM manager",
    pass: "pass the manager of dataSource.transaction(async (manager) => …) while it is open",
  };
}

export function prismaAdapter(tx: PrismaTransaction): Adapter {
  // The client itself has what its transactions lack.
  const client = typeof (tx as any).$connect === "function";
  const exec = async (sql: string, params: string[], returnsRow: boolean): Promise<string | null> => {
    try {
      if (returnsRow) return firstText(await tx.$queryRawUnsafe(sql, ...params));
      await tx.$executeRawUnsafe(sql, ...params);
      return null;
    } catch (error: any) {
      if (error?.code === "P2028") throw overAlready("a Prisma transaction", "use the tx inside $transaction()", error);
      const said = saidToPrisma(error);
      throw said ? new Error(said.message, { cause: error }) : error;
    }
  };
  return {
    connection: tx,
    exec,
    inTransaction: () => (client ? false : undefined),
    synchronous: false,
    ...storeOf((tx as any)._activeProvider),
    what: client ? "a Prisma client" : "a Prisma transaction",
    pass: "pass the tx of $transaction(async (tx) => …)",
  };
}

export function pgPromiseAdapter(task: PgPromiseTask): Adapter {
  // What has its own text and values is left to the server's parameters;
  // otherwise pg-promise would write them into the text.
  const exec = async (text: string, values: string[]): Promise<string | null> =>
    firstText(await task.result({ text, values }));
  return {
    connection: task,
    exec,
    inTransaction: () => task.ctx?.inTransaction === true && !task.ctx.finish,
    synchronous: false,
    store: "postgres",
    what:
      task.ctx?.inTransaction !== true
        ? "pg-promise without a tx"
        : task.ctx.finish
          ? "a finished tx of pg-promise"
          : "a tx of pg-promise",
    pass: "pass the t of db.tx((t) => …)",
  };
}

export function sequelizeAdapter(transaction: SequelizeTransaction): Adapter {
  const { sequelize, connection } = transaction as any;
  if (sequelize?.getDialect?.() !== "postgres") {
    throw wrongHandle(
      `in() cannot use a Sequelize transaction on ${sequelize?.getDialect?.()}: only on PostgreSQL has it a ` +
        `connection that can be used`,
    );
  }
  const open = (): boolean => (transaction as any).finished === undefined && !!connection;
  return {
    ...pgAdapter(connection),
    inTransaction: open,
    what: open() ? "a Sequelize transaction" : "a finished Sequelize transaction",
    pass: "pass the t of sequelize.transaction(async (t) => …)",
  };
}
