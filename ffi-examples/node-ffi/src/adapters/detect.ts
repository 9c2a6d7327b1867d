import { type Adapter, isAdapter, wrongHandle } from "./adapter.js";
import {
  type DrizzleTransaction,
  type KnexTransaction,
  type KyselyTransaction,
  type PgClient,
  type PgPromiseTask,
  type PrismaTransaction,
  type SequelizeTransaction,
  type SqlTag,
  type TypeOrmManager,
  elsewhere,
  knexAdapter,
  kyselyAdapter,
  pgAdapter,
  pgPromiseAdapter,
  prismaAdapter,
  sequelizeAdapter,
  sqlTagAdapter,
  typeOrmAdapter,
} from "./postgres.js";
import { type SqliteDatabase, sqliteAdapter } from "./sqlite.js";

/** The handles whose drivers answer with promises. */
export type PostgresHandle =
  | PgClient
  | SqlTag
  | KnexTransaction
  | KyselyTransaction
  | TypeOrmManager
  | DrizzleTransaction
  | PrismaTransaction
  | PgPromiseTask
  | SequelizeTransaction;

/** Drizzle over better-sqlite3 or bun:sqlite: the `tx` of a transaction. */
export interface DrizzleSqliteTransaction {
  run(query: any): unknown;
  all(query: any): unknown;
  rollback(): never;
}

/** The handles whose drivers answer at once. */
export type SqliteHandle = SqliteDatabase | DrizzleSqliteTransaction;

/** What `in()` takes. */
export type HostHandle = SqliteHandle | PostgresHandle | Adapter;

const can = (handle: any, ...methods: string[]): boolean =>
  methods.every((method) => typeof handle?.[method] === "function");

const ownAdapter = "wrap its open transaction in adapter({ connection, exec })";

// They have a query() of their own kind, so they would pass for pg.
const strangers: [string, (handle: any) => boolean, string][] = [
  [
    "a MySQL connection",
    (handle) => can(handle, "query", "execute") && (can(handle, "beginTransaction") || can(handle, "getConnection")),
    elsewhere,
  ],
  ["a handle of slonik", (handle) => can(handle, "query", "oneFirst") || can(handle, "query", "maybeOne"), ownAdapter],
  [
    "a Sequelize instance",
    (handle) => can(handle, "query", "define", "authenticate"),
    "pass the t of sequelize.transaction(async (t) => …)",
  ],
];

/** The adapter of a driver's handle, told by what the handle can do. MisuseError for what none of them knows. */
export function adapterOf(handle: any): Adapter {
  if (isAdapter(handle)) return handle;
  for (const [what, is, pass] of strangers) {
    if (is(handle)) throw wrongHandle(`in() cannot use ${what}: ${pass}`);
  }
  if (can(handle, "$queryRawUnsafe")) return prismaAdapter(handle);
  if (can(handle, "commit", "rollback", "afterCommit")) return sequelizeAdapter(handle);
  if (can(handle, "result", "oneOrNone", "manyOrNone")) return pgPromiseAdapter(handle);
  if (can(handle, "prepare", "exec")) return sqliteAdapter(handle);
  if (can(handle, "unsafe")) return sqlTagAdapter(handle);
  if (can(handle, "raw", "select")) return knexAdapter(handle);
  if (can(handle, "executeQuery", "getExecutor")) return kyselyAdapter(handle);
  // Drizzle: its session holds the driver's own handle.
  if (handle?.session?.client) return adapterOf(handle.session.client);
  if (
    can(handle, "query") &&
    ("queryRunner" in handle || "isTransactionActive" in handle || can(handle, "createQueryRunner"))
  ) {
    return typeOrmAdapter(handle);
  }
  if (can(handle, "query")) return pgAdapter(handle);
  const given = handle === null || typeof handle !== "object" ? String(handle) :
    (handle.constructor?.name ?? "an object");
  throw wrongHandle(
    `in() was given ${given}: it takes the open transaction or connection of one of the drivers in the README, or ` +
      "what adapter() makes",
  );
}
