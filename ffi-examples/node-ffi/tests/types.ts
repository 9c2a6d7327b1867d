// What the types promise; it is compiled and never run. Each line under @ts-expect-error must not compile.
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type { Knex } from "knex";
import type { Transaction } from "kysely";
import type pg from "pg";
import type postgres from "postgres";
import type { EntityManager, QueryRunner } from "typeorm";
import type { Adapter, CalaError, ErrorCode, HostTransaction, Ledger, SqliteDatabase, SqliteTransaction } from "cala-ledger";

type DrizzleTx = Parameters<Parameters<NodePgDatabase["transaction"]>[0]>[0];

export function handles(
  ledger: Ledger,
  database: SqliteDatabase,
  own: Adapter,
  ...[client, pooled, sql, trx, kysely, drizzle, manager, runner]: [
    pg.Client,
    pg.PoolClient,
    postgres.TransactionSql,
    Knex.Transaction,
    Transaction<unknown>,
    DrizzleTx,
    EntityManager,
    QueryRunner,
  ]
): unknown {
  const sqlite: SqliteTransaction[] = [ledger.in(database), ledger.in(own)];
  const server: HostTransaction[] = [client, pooled, sql, trx, kysely, drizzle, manager, runner].map((handle) =>
    ledger.in(handle),
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
