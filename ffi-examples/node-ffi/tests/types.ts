// What the types promise; it is compiled and never run. Each line under @ts-expect-error must not compile.
import type { BetterSQLite3Database } from "drizzle-orm/better-sqlite3";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type { Knex } from "knex";
import type { Transaction } from "kysely";
import type { Transaction as ObjectionTransaction } from "objection";
import type pg from "pg";
import type { ITask } from "pg-promise";
import type postgres from "postgres";
import type { Transaction as SequelizeTransaction } from "sequelize";
import type { EntityManager, QueryRunner } from "typeorm";
import type { Adapter, CalaError, ErrorCode, HostTransaction, Ledger, SqliteDatabase, SqliteTransaction } from "cala-ledger";

type DrizzleSqliteTx = Parameters<Parameters<BetterSQLite3Database["transaction"]>[0]>[0];
type DrizzleTx = Parameters<Parameters<NodePgDatabase["transaction"]>[0]>[0];

export function handles(
  ledger: Ledger,
  database: SqliteDatabase,
  drizzleSqlite: DrizzleSqliteTx,
  own: Adapter,
  ...[client, pooled, sql, trx, kysely, drizzle, manager, runner, task, t, objection]: [
    pg.Client,
    pg.PoolClient,
    postgres.TransactionSql,
    Knex.Transaction,
    Transaction<unknown>,
    DrizzleTx,
    EntityManager,
    QueryRunner,
    ITask<object>,
    SequelizeTransaction,
    ObjectionTransaction,
  ]
): unknown {
  const sqlite: SqliteTransaction[] = [ledger.in(database), ledger.in(drizzleSqlite), ledger.in(own)];
  const server: HostTransaction[] = [client, pooled, sql, trx, kysely, drizzle, manager, runner, task, t, objection].map(
    (handle) => ledger.in(handle),
  );
  // @ts-expect-error: a driver that answers with promises has no sync
  ledger.in(client).sync;
  // @ts-expect-error: no handle of a driver
  ledger.in({ nothing: true });
  // @ts-expect-error: a connection string is no handle
  ledger.in("postgres://");
  return [sqlite, server, ledger.in(database).sync];
}

export function codes(error: CalaError): boolean {
  const known: ErrorCode = "adapter.unknown";
  // @ts-expect-error: a misspelt code
  return error.code === "account.lockd" || error.code === known;
}
