// What every adapter is held to, for each driver of this runtime, and what wrong handles are told.
import assert from "node:assert/strict";
import { Ledger, MisuseError, UnavailableError, adapter } from "cala-ledger";
import { postgresTests, sqliteTests } from "./behaviours.js";
import { postgresUrl } from "./ground.js";
import { postgresDrivers, sqliteDrivers } from "./hosts.js";
import { failure, run, skip, test } from "./runner.js";

test("a_wrong_handle_is_named", async () => {
  const nothing = (): void => undefined;
  await using sqlite = await Ledger.open({ store: "sqlite::memory:" });
  await using postgres = await Ledger.open({ store: "host:postgres" });
  for (const [handle, ledger, said] of [
    [{ query: nothing, execute: nothing, beginTransaction: nothing }, sqlite, /MySQL/],
    [{ query: nothing, oneFirst: nothing }, postgres, /slonik.*adapter\(/],
    [{ query: nothing, define: nothing, authenticate: nothing }, postgres, /Sequelize.*sequelize\.transaction/],
    [{ query: nothing }, sqlite, /a pg client is of PostgreSQL.*SQLite/],
    [new (class Strange {})(), sqlite, /Strange/],
    [undefined, sqlite, /undefined/],
  ] as [any, Ledger, RegExp][]) {
    assert.throws(
      () => ledger.in(handle),
      (error: unknown) => error instanceof MisuseError && error.code === "adapter.unknown" && said.test(error.message),
    );
  }
  assert.throws(() => postgres.in({ query: nothing } as any).sync, { code: "adapter.sync" });
});

test("mistakes_of_a_handle_are_no_defects_of_the_library", async () => {
  await using ledger = await Ledger.open({ store: "host:postgres" });
  const journal = { name: "J" };
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const pool = { query: () => Promise.reject(refused), connect: () => undefined, totalCount: 0 };
  const pooled = await failure(ledger.in(pool).journals().create(journal));
  assert.deepEqual([pooled.name, pooled.code], ["MisuseError", "transaction.none"]);
  assert.match(pooled.message, /a pg Pool.*pool\.connect\(\)/);
  const away = await failure(ledger.in({ query: pool.query }).journals().create(journal));
  assert.ok(away instanceof UnavailableError, String(away));
  const trx = { raw: pool.query, select: pool.query, isTransaction: true, isCompleted: () => true };
  const finished = await failure(ledger.in(trx).journals().create(journal));
  assert.deepEqual([finished.name, finished.code], ["MisuseError", "transaction.none"]);
  assert.match(finished.message, /finished knex transaction/);
  const rows = adapter({ connection: {}, exec: async () => [{ answer: "x" }] as any });
  const answered = await failure(ledger.in(rows).journals().create(journal));
  assert.deepEqual([answered.name, answered.code], ["MisuseError", "adapter.text"]);
  // A thenable that is no Promise is waited for, as the promises of other drivers are.
  const lazy = adapter({ connection: {}, exec: () => ({ then: (_: any, no: any) => no(refused) }) as any });
  assert.ok((await failure(ledger.in(lazy).journals().create(journal))) instanceof UnavailableError);
});

test("a_driver_of_another_database_is_known_by_what_it_throws", async () => {
  await using sqlite = await Ledger.open({ store: "host:sqlite" });
  await using postgres = await Ledger.open({ store: "host:postgres" });
  for (const [ledger, code] of [
    [sqlite, "42P01"],
    [sqlite, "25P02"],
    [postgres, "SQLITE_ERROR"],
  ] as [Ledger, string][]) {
    for (const method of ["page", "create"] as const) {
      const thrown = Object.assign(new Error("no such table"), { code });
      const exec = (): Promise<null> => Promise.reject(new Error("wrapped", { cause: thrown }));
      const journals = ledger.in(adapter({ connection: {}, exec, what: "mine" })).journals();
      const error = await failure(method === "page" ? journals.list().page() : journals.create({ name: "J" }));
      assert.deepEqual([error.name, error.code, error.txState], ["MisuseError", "adapter.unknown", "aborted"], code);
      assert.match(error.message, /^mine is of (PostgreSQL|SQLite), and the ledger is kept in/);
      assert.equal(error.cause.cause, thrown);
    }
  }
  // None of these tells of a database.
  for (const code of ["EPERM", "ENOENT", "40001"]) {
    const own = adapter({ connection: {}, exec: () => Promise.reject(Object.assign(new Error("no"), { code })) });
    const error = await failure(sqlite.in(own).journals().create({ name: "J" }));
    assert.notEqual(error.code, "adapter.unknown", code);
  }
});

for (const driver of postgresDrivers) {
  if (postgresUrl) postgresTests(driver, postgresUrl);
  else skip(driver.name, "CALA_TEST_POSTGRES is not set");
}
if (sqliteDrivers.length === 0)
  skip("SQLite drivers", "this Node has none: node:sqlite and better-sqlite3 need Node 22");
for (const driver of sqliteDrivers) sqliteTests(driver);
await run("adapters");
