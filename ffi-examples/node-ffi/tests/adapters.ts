// What every adapter is held to, for each driver of this runtime, and what wrong handles are told.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Ledger, MisuseError, UnavailableError, adapter } from "cala-ledger";
import { postgresTests, sqliteTests } from "./behaviours.js";
import { addressOf, onPostgres, postgresUrl } from "./ground.js";
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

test("an_adapter_that_does_not_say_its_store_is_asked_on_a_real_database", async () => {
  if (!postgresUrl) return;
  const { default: pg } = await import("pg");
  const client = new pg.Client(addressOf(postgresUrl));
  await client.connect();
  await client.query("BEGIN");
  const exec = async (sql: string, params: string[]): Promise<string | null> =>
    Object.values((await client.query({ text: sql, values: params })).rows[0] ?? { none: null })[0] as string | null;
  await using sqlite = await Ledger.open({ store: "sqlite::memory:" });
  const within = sqlite.in(adapter({ connection: client, exec }));
  for (const work of [() => within.journals().create({ name: "J" }), () => within.journals().list().page()]) {
    const error = await failure(work());
    assert.deepEqual([error.code, error.txState], ["adapter.unknown", "usable"]);
  }
  assert.deepEqual((await client.query("SELECT 1 AS one")).rows, [{ one: 1 }]);
  await client.query("COMMIT");
  await client.end();
});

// Each of these once ended as an InternalError.
test("a_finished_transaction_of_knex_is_named", async () => {
  if (!postgresUrl) return;
  const { default: driver } = await import("knex");
  const db = driver.knex({ client: "pg", connection: addressOf(postgresUrl), pool: { min: 0, max: 2 } });
  await using ledger = await Ledger.open({ store: "host:postgres" });
  for (const end of ["commit", "rollback"] as const) {
    const trx = await db.transaction();
    await trx.raw("SELECT 1");
    await trx[end]();
    const within = ledger.in(trx);
    for (const work of [() => within.journals().create({ name: "J" }), () => within.journals().list().page()]) {
      const error = await failure(work());
      assert.deepEqual([error.name, error.code], ["MisuseError", "transaction.none"]);
      assert.match(error.message, /^a finished knex transaction has no open transaction: pass the trx/);
    }
  }
  await db.destroy();
});

test("a_driver_that_refuses_by_itself_is_no_defect_of_the_library", async () => {
  await using ledger = await Ledger.open({ store: "host:sqlite" });
  const closed = new Error("the connection is closed");
  const own = adapter({ connection: {}, exec: () => Promise.reject(closed), what: "mine" });
  const error = await failure(ledger.in(own).journals().create({ name: "J" }));
  assert.deepEqual([error.name, error.code, error.cause], ["MisuseError", "adapter.refused", closed]);
  assert.match(error.message, /^mine refused by itself, .*: the connection is closed$/);
  for (const driver of sqliteDrivers) {
    const host = await driver.connect(":memory:");
    const within = ledger.in(host.outside);
    await host.end();
    const late = await failure(within.journals().list().page());
    assert.ok(late instanceof MisuseError, `${driver.name}: ${late}`);
    assert.equal(late.code, "adapter.refused", `${driver.name}: ${late.message}`);
  }
  if (!postgresUrl) return;
  await using postgres = await Ledger.open({ store: "host:postgres" });
  const { default: pg } = await import("pg");
  const client = new pg.Client(addressOf(postgresUrl));
  await client.connect();
  await client.end();
  const late = await failure(postgres.in(client).journals().create({ name: "J" }));
  assert.deepEqual([late.name, late.code], ["MisuseError", "adapter.refused"], late.message);
  // A connection that the server has ended, as it is noticed and afterwards.
  const ended = new pg.Client(addressOf(postgresUrl));
  const told = new Promise((resolve) => ended.once("end", resolve));
  ended.on("error", () => undefined);
  await ended.connect();
  const { pid } = (await ended.query("SELECT pg_backend_pid() AS pid")).rows[0];
  await onPostgres(`SELECT pg_terminate_backend(${pid})`);
  for (const noticed of [false, true]) {
    if (noticed) await told;
    const lost = await failure(postgres.in(ended).journals().create({ name: "J" }));
    assert.ok(lost instanceof UnavailableError, `${lost}`);
    assert.equal(lost.code, "store.connection_lost");
  }
});

// Those that docs/errors.md has of this wrapper alone.
test("each_code_of_the_wrapper_is_produced", () => {
  const root = new URL("../../../../", import.meta.url);
  const section = readFileSync(new URL("docs/errors.md", root), "utf8").split("## Of the wrappers")[1] as string;
  const listed = [...section.matchAll(/^- `([a-z_.]+)`, ([A-Z_]+), ([A-Za-z, ]+)/gm)]
    .filter(([, , , where]) => /everywhere|Node/.test(where as string))
    .map(([, code]) => code as string);
  const places: Record<string, string> = {
    "adapter.refused": "adapters",
    "adapter.sync": "adapters",
    "adapter.text": "adapters",
    "adapter.unknown": "adapters",
    "library.missing": "lifecycle-child",
    "library.version": "lifecycle-child",
    "outbox.server": "core",
  };
  assert.deepEqual(listed.sort(), Object.keys(places));
  for (const [code, file] of Object.entries(places)) {
    const text = readFileSync(new URL(`ffi-examples/node-ffi/tests/${file}.ts`, root), "utf8");
    assert.match(text, new RegExp(`(code: |code|cause)[^;]*"${code}"`), code);
  }
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
  // One that can answer is asked first, so that nothing is refused in its transaction.
  const sent: string[] = [];
  const polite = adapter({
    connection: {},
    exec: async (sql) => {
      sent.push(sql);
      return "another";
    },
  });
  for (const options of [{}, { savepoint: true }]) {
    const asked = await failure(sqlite.in(polite, options).journals().create({ name: "J" }));
    assert.deepEqual([asked.name, asked.code, asked.txState], ["MisuseError", "adapter.unknown", "usable"]);
  }
  assert.deepEqual([...new Set(sent)], ["SELECT CASE WHEN '1' = 1 THEN 'another' ELSE 'sqlite' END"]);
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
