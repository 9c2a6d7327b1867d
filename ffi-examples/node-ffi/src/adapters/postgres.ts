import { type Adapter, firstText } from "./adapter.js";

/** pg: a Client or PoolClient. */
export interface PgClient {
  query(sql: string, params: string[]): Promise<{ rows: any[] }>;
  /** A Pool has it: each of its statements may take another connection. */
  totalCount?: number;
}

/** postgres.js and Bun.sql: the `sql` that `begin` hands over. */
export interface SqlTag {
  unsafe(sql: string, params: any[]): PromiseLike<any>;
  savepoint?(work: (inner: SqlTag) => Promise<any>): Promise<any>;
}

/** Knex: a transaction. */
export interface KnexTransaction {
  raw(sql: string, params: any): PromiseLike<any>;
  isTransaction?: boolean;
  isCompleted?(): boolean;
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
  const adapter: Adapter = { connection: tag, synchronous: false, exec: async (sql, params) => firstText(await tag.unsafe(sql, params)) };
  // postgres.js rolls a transaction back in which any statement failed, unless it was behind a savepoint of its own
  // making.
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
  return { connection: trx, synchronous: false, exec };
}

export function typeOrmAdapter(manager: TypeOrmManager): Adapter {
  return {
    connection: manager.queryRunner ?? manager,
    synchronous: false,
    exec: async (sql, params) => firstText(await manager.query(sql, params)),
  };
}
