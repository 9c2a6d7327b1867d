// What the types promise; it is compiled and never run. Each line under @ts-expect-error must not compile.
import type { EntityManager as MikroManager } from "@mikro-orm/postgresql";
import type { ITXClientDenyList, getPrismaClient } from "@prisma/client/runtime/client";
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
import type {
  Account,
  Adapter,
  CalaError,
  ErrorCode,
  ErrorOf,
  HostTransaction,
  Ledger,
  SqliteDatabase,
  SqliteTransaction,
} from "cala-ledger";

type DrizzleSqliteTx = Parameters<Parameters<BetterSQLite3Database["transaction"]>[0]>[0];
type DrizzleTx = Parameters<Parameters<NodePgDatabase["transaction"]>[0]>[0];

// What $transaction hands over; what is generated adds the models.
type PrismaTx = Omit<InstanceType<ReturnType<typeof getPrismaClient>>, ITXClientDenyList>;

export function handles(
  ledger: Ledger,
  database: SqliteDatabase,
  drizzleSqlite: DrizzleSqliteTx,
  own: Adapter,
  ...[client, pooled, sql, trx, kysely, drizzle, manager, runner, task, t, objection, prisma, mikro]: [
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
    PrismaTx,
    MikroManager,
  ]
): unknown {
  const sqlite: SqliteTransaction[] = [ledger.in(database), ledger.in(drizzleSqlite), ledger.in(own)];
  const server: HostTransaction[] = [
    client,
    pooled,
    sql,
    trx,
    kysely,
    drizzle,
    manager,
    runner,
    task,
    t,
    objection,
    prisma,
    mikro.getTransactionContext()!,
  ].map((handle) => ledger.in(handle));
  // @ts-expect-error: a driver that answers with promises has no sync
  ledger.in(client).sync;
  // @ts-expect-error: nor has Prisma's
  ledger.in(prisma).sync;
  // @ts-expect-error: no handle of a driver
  ledger.in({ nothing: true });
  // @ts-expect-error: a connection string is no handle
  ledger.in("postgres://");
  return [sqlite, server, ledger.in(database).sync];
}

export async function calls(ledger: Ledger, database: SqliteDatabase): Promise<unknown> {
  const account: Account = await ledger.call("account_find", { code: "A" });
  const next: Account = ledger.in(database).sync.call("account_find", { id: account.id });
  const { accounts } = await ledger.call("ledger_info");
  const counted: number = accounts + (await ledger.call("account_list", { first: 1 })).items.length;
  // @ts-expect-error: a misspelt key
  await ledger.call("account_find", { cod: "A" });
  // @ts-expect-error: a value of another type
  await ledger.call("account_list", { first: "1" });
  // @ts-expect-error: a request is needed
  await ledger.call("account_find");
  // @ts-expect-error: no such operation
  await ledger.call("account_destroy", {});
  // @ts-expect-error: no such key in the answer
  return [next.cod, counted];
}

export function codesOf(code: ErrorOf<"account_lock">): ErrorCode {
  // @ts-expect-error: another operation's
  if (code === "journal.not_found") return code;
  return code;
}

export function details(error: CalaError): string | number | undefined {
  if (error.is("account.locked")) return error.details.accountId;
  if (error.is("account.exists")) return error.details.index ?? error.details.column;
  if (error.is("adapter.text")) return undefined;
  // @ts-expect-error: the code of an account that is taken tells of no id
  if (error.is("account.exists")) return error.details.accountId;
  // @ts-expect-error: a misspelt code
  return error.is("account.lockd") ? undefined : error.postingIndex;
}

export function codes(error: CalaError): boolean {
  const known: ErrorCode = "adapter.unknown";
  // @ts-expect-error: a misspelt code
  return error.code === "account.lockd" || error.code === known;
}
