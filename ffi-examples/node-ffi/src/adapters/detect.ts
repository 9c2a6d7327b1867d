import { MisuseError } from "../errors.js";
import { type Adapter, isAdapter } from "./adapter.js";
import { knexAdapter, kyselyAdapter, pgAdapter, sqlTagAdapter, typeOrmAdapter } from "./postgres.js";
import { sqliteAdapter } from "./sqlite.js";

const can = (handle: any, ...methods: string[]): boolean =>
  methods.every((method) => typeof handle?.[method] === "function");

/** The adapter of a driver's handle, told by what the handle can do. MisuseError for what none of them knows. */
export function adapterOf(handle: any): Adapter {
  if (isAdapter(handle)) return handle;
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
  throw new MisuseError({
    status: "MISUSE",
    code: "adapter.unknown",
    message: "in() takes a handle of one of the drivers in the README, or what adapter() makes",
  });
}
