// The ledger on its own connection: everything but host transactions.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, stat } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import pg from "pg";
import {
  type Balance,
  BusyError,
  CalaError,
  CalaLedger,
  CancelledError,
  ClosedError,
  ConflictError,
  type Event,
  InvalidError,
  Ledger,
  type LedgerConfig,
  type LogRecord,
  MisuseError,
  NotFoundError,
  type OpenOptions,
  OutcomeUnknownError,
  type OwnTransaction,
  RejectedError,
  UnavailableError,
  UnsupportedError,
  lostRace,
  operationNames,
  retrying,
} from "cala-ledger";
import { parsed, stringified } from "../src/json.js";
import { pauseAfter } from "../src/retrying.js";
import { Ground, addressOf, dropSchema, freshSchema, holdsIntegers, onPostgres, postgresUrl,
  temporaryFolder } from "./ground.js";
import { failure, run, skip, test } from "./runner.js";

type Body = (ground: Ground) => Promise<void>;
const folder = temporaryFolder();

async function on(config: LedgerConfig, body: Body, options?: OpenOptions): Promise<void> {
  await using ledger = await Ledger.open({ migrate: true, ...config }, options);
  await body(await new Ground(ledger).prepare());
}

/** A test on each store: SQLite in memory, SQLite in a file, PostgreSQL. */
function everywhere(name: string, body: Body, config: LedgerConfig = {}, options?: OpenOptions): void {
  test(`memory ${name}`, () => on({ ...config, store: "sqlite::memory:" }, body, options));
  test(`file ${name}`, () => on({ ...config, store: `sqlite:${join(folder, `${randomUUID()}.db`)}` }, body, options));
  if (!postgresUrl) return skip(`postgres ${name}`, "CALA_TEST_POSTGRES is not set");
  test(`postgres ${name}`, async () => {
    const schema = freshSchema();
    try {
      await on({ ...config, store: postgresUrl as string, schema }, body, options);
    } finally {
      await dropSchema(schema);
    }
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

// Before any ledger is opened: the library is loaded for the question.
test("the_library_says_what_a_lost_race_is", () => {
  const of = (code: string): boolean => lostRace(Object.assign(new Error("x"), { code }));
  const lost = ["40001", "40P01", "SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED", "SQLITE_SCHEMA"];
  assert.deepEqual(lost.filter(of), lost);
  assert.deepEqual(["23505", "57014", "08006", "SQLITE_CONSTRAINT", "SQLITE_FULL", "ENOENT"].filter(of), []);
  const around = Object.assign(new Error("refused"), { code: "P0001", cause: { code: "40001" } });
  assert.ok(lostRace(around), "another state is around the one that says so");
});

everywhere("accounts_are_created_found_changed_locked", async ({ ledger, suffix }) => {
  const metadata = { snake_key: 1, camelKey: { inner_key: [null, true, "ü\u0001"] } };
  const externalId = `ext-${suffix}`;
  const made = await ledger
    .accounts()
    .create({ code: `C-${suffix}`, name: "C", externalId, metadata, description: "d" });
  assert.deepEqual(made.metadata, metadata);
  assert.equal(made.normalBalanceType, "credit");
  assert.equal(made.balanceRollup, "synchronous");
  for (const by of [{ id: made.id }, { code: made.code }, { externalId }])
    assert.deepEqual(await ledger.accounts().find(by), made);
  const changed = await ledger.accounts().update({ id: made.id, name: "D", description: null });
  assert.deepEqual([changed.name, changed.description, changed.version], ["D", undefined, 2]);
  assert.equal((await ledger.accounts().lock(made)).status, "locked");
  assert.equal((await ledger.accounts().unlock(made)).status, "active");
  const missing = randomUUID();
  assert.deepEqual(
    (await ledger.accounts().findMany([missing, made.id])).map((account) => account.id),
    [made.id],
  );
  const many = await ledger.accounts().createMany([
    { code: `M1-${suffix}`, name: "1" },
    { code: `M2-${suffix}`, name: "2" },
  ]);
  assert.deepEqual(
    many.map((account) => account.name),
    ["1", "2"],
  );
});

everywhere("journals_and_templates_are_found_and_listed", async ({ ledger, suffix, journalId }) => {
  const journal = await ledger.journals().create({ name: "J", code: `J-${suffix}`, maxScale: { default: 4, USD: 2 } });
  assert.deepEqual(journal.maxScale, { default: 4, USD: 2 });
  assert.deepEqual(await ledger.journals().find({ code: `J-${suffix}` }), journal);
  assert.equal((await ledger.journals().update({ id: journal.id, description: "x" })).description, "x");
  assert.equal((await ledger.journals().lock(journal)).status, "locked");
  assert.equal((await ledger.journals().unlock(journal)).status, "active");
  assert.equal((await ledger.journals().close({ id: journal.id, until: "2020-12-31" })).closedUntil, "2020-12-31");
  assert.equal((await ledger.journals().reopen({ id: journal.id, until: null })).closedUntil, undefined);
  assert.deepEqual(
    (await all(ledger.journals().list())).map(({ id }) => id),
    [journalId, journal.id],
  );
  const template = await ledger.txTemplates().find({ code: `PAY-${suffix}` });
  assert.equal(template.entries[0]?.entryType, "'DR'");
  assert.deepEqual(await all(ledger.txTemplates().list()), [template]);
});

everywhere("lists_fetch_page_after_page", async ({ ledger }) => {
  await ledger
    .accounts()
    .createMany(Array.from({ length: 25 }, (_, index) => ({ code: `L${String(index).padStart(2, "0")}`, name: "L" })));
  const list = ledger.accounts().list({ codePrefix: "L", first: 10 });
  const expected = Array.from({ length: 25 }, (_, index) => `L${String(index).padStart(2, "0")}`);
  const codes = (await all(list)).map(({ code }) => code).filter((code) => code.length === 3);
  assert.deepEqual(codes, expected);
  const page = await list.page();
  assert.deepEqual([page.items.length, page.hasNextPage, typeof page.endCursor], [10, true, "string"]);
  const backwards = await ledger.accounts().list({ codePrefix: "L0", order: "desc", first: 3 }).page();
  assert.deepEqual(
    backwards.items.map(({ code }) => code),
    ["L09", "L08", "L07"],
  );
  assert.deepEqual((await ledger.accounts().list({ codePrefix: "nothing" }).page()).items, []);
});

everywhere("transactions_entries_and_balances_are_read_back", async (ground) => {
  const { ledger, alice, journalId } = ground;
  const id = randomUUID();
  const posted = await ground.post(ledger, alice, { id });
  assert.equal(posted.replayed, false);
  assert.deepEqual(
    posted.entries.map(({ units, layer }) => [units, layer]),
    [
      ["30.00", "settled"],
      ["30.00", "settled"],
    ],
  );
  assert.deepEqual(await ledger.transactions().find({ id }), posted.transaction);
  assert.deepEqual(await ledger.transactions().findMany([id]), [posted.transaction]);
  assert.deepEqual(await all(ledger.transactions().list({ journalId, effectiveFrom: "2026-01-31" })), [
    posted.transaction,
  ]);
  assert.deepEqual(await all(ledger.entries().list({ accountId: alice, createdFrom: new Date(0) })), [
    posted.entries[1],
  ]);
  assert.deepEqual(await ledger.entries().findMany(posted.transaction.entryIds), posted.entries);
  const results = await ledger.transactions().postMany(
    [1, 2].map(() => ({
      txTemplateCode: posted.transaction.txTemplateCode,
      params: { account: alice, debit: "1", credit: "1" },
    })),
  );
  assert.equal(results.length, 2);
  for (const order of [ledger.transactions().list({ stable: true }),
    ledger.entries().list({ journalId, stable: true })])
    assert.ok((await order.page()).items.length >= 3);
  const key = ground.key();
  const balance = await ledger.balances().find(key);
  assert.deepEqual(
    [balance.settled.net, balance.settled.credit, balance.available.pending, balance.version],
    ["32.00", "32.00", "32.00", 3],
  );
  assert.deepEqual(await ledger.balances().findMany([key]), [balance]);
  assert.deepEqual(await all(ledger.balances().list({ journalId, accountIds: [alice] })), [balance]);
  assert.deepEqual(
    (await all(ledger.balances().history(key))).map((each: Balance) => each.settled.net),
    ["30.00", "31.00", "32.00"],
  );
  assert.equal((await ledger.balances().at({ ...key, version: 1 })).settled.net, "30.00");
  assert.equal((await ledger.balances().at({ ...key, recordedAt: new Date(Date.now() + 1000) })).version, 3);
});

everywhere("errors_are_a_class_a_status", async (ground) => {
  const { ledger, suffix } = ground;
  const missing = await failure(ledger.accounts().find({ code: "NOBODY" }));
  assert.ok(missing instanceof NotFoundError);
  assert.deepEqual(
    [missing.name, missing.status, missing.code, missing.txState],
    ["NotFoundError", "NOT_FOUND", "account.not_found", "usable"],
  );
  const taken = await failure(ledger.accounts().create({ code: `ALICE-${suffix}`, name: "A" }));
  assert.ok(taken instanceof ConflictError);
  assert.equal(taken.details["column"], "code");
  const locked = await failure(ground.post(ledger, ground.locked));
  assert.ok(locked instanceof RejectedError);
  assert.ok(locked.is("account.locked") && !locked.is("account.exists"));
  assert.equal(locked.details.accountId, ground.locked);
  assert.equal("postingIndex" in locked && locked.postingIndex !== undefined, false);
  const good = { txTemplateCode: `PAY-${suffix}`, params: { account: ground.alice, debit: "1", credit: "1" } };
  const batch = await failure(
    ledger.transactions().postMany([good, { ...good, params: { ...good.params, account: ground.locked } }]),
  );
  assert.deepEqual([batch.code, batch.postingIndex], ["account.locked", 1]);
  const fraction = await failure(ledger.transactions().post({ ...good, params: { ...good.params, debit: 1.5 } }));
  assert.ok(fraction instanceof InvalidError);
  assert.equal(fraction.code, "param.type");
});

everywhere("unknown_keys_and_operations_are_refused", async ({ ledger }) => {
  const misspelt = await failure(ledger.accounts().create({ code: "X", name: "X", metdata: {} } as any));
  assert.ok(misspelt instanceof InvalidError);
  assert.deepEqual([misspelt.code, misspelt.details["pointer"]], ["request.unknown_key", "/metdata"]);
  const twice = await failure(
    ledger.accounts().createMany([{ code: "X", name: "X", externalId: "1", external_id: "2" } as any]),
  );
  assert.ok(twice instanceof InvalidError, String(twice));
  assert.deepEqual([twice.code, twice.details["pointer"]], ["request.malformed", "/accounts/0/external_id"]);
  assert.match(twice.message, /externalId and as external_id/);
  const unknown = await failure(ledger.call("account_destroy" as any, {}));
  assert.ok(unknown instanceof MisuseError);
  assert.deepEqual((await ledger.call("ledger_info")).clock, "system");
});

everywhere(
  "a_manual_clock_moves_as_it_is_told",
  async ({ ledger }) => {
    ledger.clock.set("2030-01-01T00:00:00Z");
    ledger.clock.advance(1500);
    assert.equal((await ledger.info()).now, "2030-01-01T00:00:01.500000Z");
    ledger.clock.set(new Date("2031-01-01T00:00:00Z"));
    assert.equal((await ledger.info()).now, "2031-01-01T00:00:00.000000Z");
    assert.throws(() => ledger.clock.advance(-1), InvalidError);
  },
  { clock: { manual: new Date("2029-01-01T00:00:00Z") } },
);

everywhere("cel_passes_values_through_untouched", async ({ ledger }) => {
  assert.deepEqual(await ledger.cel().evaluate({ expr: "decimal('1.10') + decimal('2')", as: "decimal" }), {
    type: "decimal",
    value: "3.10",
  });
  const answer = await ledger.cel().evaluate({ expr: "{'snake_key': 1}", as: "json" });
  assert.deepEqual(answer.value, { snake_key: 1 });
  assert.equal((await failure(ledger.cel().evaluate({ expr: "1 +" }))).code, "cel.compile");
  assert.equal((await failure(ledger.cel().evaluate({ expr: "1 / 0" }))).code, "cel.eval");
});

everywhere("own_transactions_commit_or_leave_nothing", async (ground) => {
  const { ledger } = ground;
  {
    await using tx = await ledger.begin();
    await ground.post(tx);
    assert.equal(await ground.net(tx), "30.00");
  }
  assert.equal(await ground.net(), "none");
  {
    await using tx = await ledger.begin();
    await Promise.all([ground.post(tx), ground.post(tx)]);
    assert.equal((await failure(ground.post(tx, ground.locked))).txState, "usable");
    assert.deepEqual(await tx.lockAccounts([ground.key()]), [ground.key()]);
    await tx.commit();
    assert.equal((await failure(tx.commit())).code, "tx.over");
    assert.equal((await failure(ground.post(tx))).code, "tx.over");
  }
  assert.equal(await ground.net(), "60.00");
});

everywhere("own_transactions_are_prepared_and_finished_by_whoever_decides", async (ground) => {
  const { ledger, suffix } = ground;
  if ((await ledger.info()).store === "sqlite") {
    const tx = await ledger.begin();
    await ground.post(tx);
    const refused = await failure(tx.prepare("order"));
    assert.deepEqual([refused.code, refused.txState], ["tx.not_postgres", "usable"]);
    await tx.commit();
    assert.equal(await ground.net(), "30.00");
    assert.deepEqual((await ledger.prepared().list().page()).items, []);
    return;
  }
  for (const outcome of ["rollback", "commit"] as const) {
    const gid = `o'rder\n${suffix} ${outcome}`;
    {
      await using tx = await ledger.begin();
      await ground.post(tx);
      await tx.prepare(gid);
      assert.equal((await failure(tx.commit())).code, "tx.over");
    }
    assert.equal(await ground.net(), "none");
    const listed = (await ledger.prepared().list().page()).items.filter((one) => one.gid === gid);
    assert.equal(listed.length, 1);
    {
      await using tx = await ledger.begin();
      const refused = await failure(tx.prepare(gid));
      assert.deepEqual([refused.code, refused.details], ["prepared.exists", { gid }]);
      assert.equal((await tx.info()).store, "postgres");
    }
    assert.deepEqual(await ledger.prepared().finish({ gid, outcome }), { gid, outcome });
    assert.equal(await ground.net(), outcome === "commit" ? "30.00" : "none");
    assert.equal((await failure(ledger.prepared().finish({ gid, outcome }))).code, "prepared.not_found");
  }
});

everywhere("own_transactions_take_the_programs_statements", async ({ ledger, suffix }) => {
  const table = `things_${suffix}`;
  const [one, two] = (await ledger.info()).store === "sqlite" ? ["?", "?"] : ["$1", "$2"];
  await using tx = await ledger.begin();
  await tx.exec(`CREATE TABLE ${table} (note text, extra text)`);
  const { affected } = await tx.exec(`INSERT INTO ${table} (note, extra) VALUES (${one}, ${two})`, ["ä'\n", null]);
  assert.equal(affected, 1);
  assert.deepEqual(await tx.exec(`SELECT note, extra FROM ${table}`), {
    columns: ["note", "extra"],
    rows: [["ä'\n", null]],
    affected: 0,
  });
  assert.equal((await failure(tx.exec("COMMIT"))).code, "tx.control_statement");
  await tx.rollback();
});

everywhere("a_statement_takes_texts_and_null_only", async ({ ledger, suffix }) => {
  const one = (await ledger.info()).store === "sqlite" ? "?" : "$1";
  await using tx = await ledger.begin();
  await tx.exec(`CREATE TABLE texts_${suffix} (note text)`);
  const insert = (params: unknown): Promise<unknown> => tx.exec(`INSERT INTO texts_${suffix} VALUES (${one})`,
    params as string[]);
  const holes: unknown[] = new Array(1);
  for (const value of [new Date(0), 1, 1n, true, undefined, {}, ["x"], Buffer.from("x"), Object.create(null)]) {
    const error = await failure(insert([value]));
    assert.deepEqual([error.name, error.code, error.txState], ["InvalidError", "request.malformed", "usable"],
      String(typeof value));
    assert.deepEqual(error.details, { pointer: "/params/0" });
    assert.match(error.message, /^parameter 1 is of (class|type) \w+, and must be a string or null/);
    assert.match(error.stack, /core\.js/);
  }
  assert.equal((await failure(insert(holes))).details.pointer, "/params/0");
  assert.equal((await failure(insert([null, undefined]))).details.pointer, "/params/1");
  for (const params of [null, "x", { 0: "x" }]) assert.equal((await failure(insert(params))).details.pointer,
    "/params");
  await insert(["x"]);
  await insert([null]);
  assert.equal((await tx.exec(`SELECT note FROM texts_${suffix}`)).rows.length, 2);
  await tx.rollback();
});

everywhere("a_savepoint_keeps_an_own_transaction_usable", async (ground) => {
  const { ledger } = ground;
  await using tx = await ledger.begin({ savepoint: true });
  const refused = await failure(tx.exec("SELECT * FROM no_such_table"));
  assert.deepEqual([refused.code, refused.txState], ["tx.statement", "usable"]);
  await ground.post(tx);
  await tx.commit();
  assert.equal(await ground.net(), "30.00");
});

everywhere(
  "more_transactions_than_connections_wait_their_turn",
  async (ground) => {
    const { ledger } = ground;
    const one = async (): Promise<void> => {
      await using tx = await ledger.begin();
      await tx.lockAccounts([ground.key()]);
      await ground.post(tx);
      await tx.commit();
    };
    await Promise.all(Array.from({ length: 8 }, one));
    assert.equal(await ground.net(), "240.00");
  },
  { pool: { max: 2 } },
);

everywhere("many_at_once_are_each_answered_once", async (ground) => {
  const { ledger } = ground;
  const answers = await Promise.all(Array.from({ length: 300 }, () => ground.post(ledger)));
  assert.equal(new Set(answers.map(({ transaction }) => transaction.id)).size, 300);
  assert.equal(await ground.net(), "9000.00");
});

everywhere("answers_larger_than_the_buffer_arrive", async ({ ledger }) => {
  const metadata = { text: "x".repeat(3_000_000) };
  const made = await ledger.accounts().create({ code: "LARGE", name: "L", metadata });
  assert.equal((await ledger.accounts().find({ id: made.id })).metadata.text.length, 3_000_000);
});

everywhere("an_abort_signal_cancels", async (ground) => {
  const { ledger } = ground;
  const reason = new Error("enough");
  const early = await failure(ledger.info({ signal: AbortSignal.abort(reason) }));
  assert.ok(early instanceof CancelledError);
  assert.equal(early.cause, reason);
  const controller = new AbortController();
  await using tx = await ledger.begin();
  await tx.lockAccounts([ground.key()]);
  const posts = Array.from({ length: 20 }, () =>
    failure(ground.post(ledger, ground.alice, { signal: controller.signal })),
  );
  controller.abort(reason);
  for (const error of await Promise.all(posts)) {
    assert.ok(error instanceof CancelledError, String(error));
    assert.equal(error.cause, reason);
  }
  await tx.rollback();
  assert.equal(await ground.net(), "none");
  const done = new AbortController();
  await ground.post(ledger, ground.bob, { signal: done.signal });
  done.abort();
  assert.equal(await ground.net(ledger, ground.bob), "30.00");
});

everywhere("closing_answers_everything_and_twice_is_fine", async (ground) => {
  const { ledger } = ground;
  const posts = Promise.allSettled(Array.from({ length: 100 }, () => ground.post(ledger)));
  const begins = Array.from({ length: 12 }, () => ledger.begin().catch((error: unknown) => error));
  await Promise.all([ledger.close(), ledger.close()]);
  for (const end of await posts) {
    if (end.status === "rejected") assert.ok(end.reason instanceof CancelledError || end.reason instanceof ClosedError);
  }
  await ledger.close();
  for (const begun of await Promise.all(begins)) {
    const error = begun instanceof Error ? begun : await failure((begun as OwnTransaction).commit());
    assert.ok(error instanceof ClosedError, String(error));
  }
  for (const late of [
    () => ledger.info(),
    () => ledger.begin(),
    async () => ledger.in({} as any),
    async () => ledger.clock.advance(1),
  ]) {
    assert.ok((await failure(late())) instanceof ClosedError);
  }
});

everywhere(
  "a_full_queue_is_busy",
  async (ground) => {
    const ends = await Promise.allSettled(Array.from({ length: 50 }, () => ground.post(ground.ledger)));
    const refused = ends.filter((end) => end.status === "rejected").map((end) => (end as PromiseRejectedResult).reason);
    assert.ok(refused.length > 0);
    for (const error of refused) {
      assert.ok(error instanceof BusyError);
      assert.deepEqual([error.code, error.retryable], ["queue.full", true]);
    }
  },
  { queueMax: 2 },
);

test("configuration_is_strict", async () => {
  const unknown = await failure(Ledger.open({ stor: "sqlite::memory:" } as any));
  assert.ok(unknown instanceof InvalidError);
  assert.deepEqual([unknown.code, unknown.details["pointer"]], ["request.unknown_key", "/stor"]);
  assert.ok((await failure(Ledger.open({ store: "nosuch:thing" }))) instanceof InvalidError);
  const tooLong = await failure(Ledger.open({ store: "sqlite::memory:", failoverWaitMs: 3_600_001 }));
  assert.deepEqual([tooLong.code, tooLong.details["pointer"]], ["request.malformed", "/failoverWaitMs"]);
  await (await Ledger.open({ store: "sqlite::memory:", failoverWaitMs: 0 })).close();
  assert.ok((await failure(Ledger.open({ store: "sqlite:/nosuch/folder/x.db" }))) instanceof UnavailableError);
  await using ledger = await Ledger.open({ store: "sqlite::memory:" });
  assert.throws(() => ledger.clock.advance(1), UnsupportedError);
  assert.match(ledger.version, /^1\./);
});

test("configuration_that_is_given_but_not_set_is_refused", async () => {
  for (const unset of [undefined, null]) {
    for (const [config, pointer] of [
      [{ store: unset }, "/store"],
      [{ store: "sqlite::memory:", migrate: unset }, "/migrate"],
      [{ store: "sqlite::memory:", pool: { max: unset } }, "/pool/max"],
      [{ store: "sqlite::memory:", clock: { manual: unset } }, "/clock/manual"],
    ] as [any, string][]) {
      const error = await failure(Ledger.open(config));
      assert.ok(error instanceof InvalidError, String(error));
      assert.equal(error.details["pointer"], pointer);
      assert.match(error.message, new RegExp(pointer.slice(1).replace("/", "\\.")));
    }
    for (const config of [{ pgCon: unset }, { pgCon: postgresUrl ?? "", maxConnections: unset }] as any[]) {
      const error = await failure(CalaLedger.connect(config));
      assert.ok(error instanceof InvalidError, String(error));
      assert.match(error.message, /^(pgCon|maxConnections) is /);
    }
  }
  assert.equal(existsSync("cala.db"), false);
});

everywhere("an_error_shows_who_called", async (ground) => {
  const { ledger } = ground;
  async function theCaller(where: Ledger | OwnTransaction): Promise<unknown> {
    return where.accounts().find({ code: "NOBODY" });
  }
  async function theCommitter(tx: OwnTransaction): Promise<void> {
    await tx.commit();
  }
  async function theOpener(): Promise<Ledger> {
    return Ledger.open({ store: "nosuch:thing" });
  }
  async function theBeginner(): Promise<OwnTransaction> {
    return ledger.begin({ signal: AbortSignal.abort() });
  }
  async function theOneWhoRollsBack(tx: OwnTransaction): Promise<void> {
    await tx.rollback();
  }
  async function thePager(where: Ledger | OwnTransaction): Promise<unknown> {
    return where.accounts().list({ after: "nowhere" }).page();
  }
  // Of more pages than one: the second is asked for where nobody called.
  async function theWalker(): Promise<unknown> {
    const going = new AbortController();
    const pages = ledger.accounts().list({ first: 1 }, { signal: going.signal });
    for await (const _ of pages) going.abort();
    return undefined;
  }
  assert.match((await failure(theCaller(ledger))).stack, /^NotFoundError: [^]*theCaller/);
  await using tx = await ledger.begin();
  assert.match((await failure(theCaller(tx))).stack, /theCaller/);
  assert.match((await failure(thePager(tx))).stack, /thePager/);
  await tx.rollback();
  assert.match((await failure(theCommitter(tx))).stack, /theCommitter/);
  assert.match((await failure(theOneWhoRollsBack(tx))).stack, /theOneWhoRollsBack/);
  assert.match((await failure(theBeginner())).stack, /theBeginner/);
  assert.match((await failure(thePager(ledger))).stack, /thePager/);
  assert.match((await failure(theWalker())).stack, /theWalker/);
  assert.match((await failure(theOpener())).stack, /theOpener/);
});

const slowCommits = "transactions_that_wait_take_no_thread_of_the_runtime";
if (!postgresUrl) skip(slowCommits, "CALA_TEST_POSTGRES is not set");
else {
  test(slowCommits, async () => {
    const schema = freshSchema();
    await onPostgres(`CREATE SCHEMA ${schema}`);
    await onPostgres(`CREATE TABLE ${schema}.slow (note text)`);
    await onPostgres(`CREATE FUNCTION ${schema}.pause() RETURNS trigger LANGUAGE plpgsql
      AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END'`);
    await onPostgres(`CREATE CONSTRAINT TRIGGER pause AFTER INSERT ON ${schema}.slow DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION ${schema}.pause()`);
    try {
      await using ledger = await Ledger.open({ store: postgresUrl as string, schema: `${schema}_cala`, migrate: true });
      const all = await Promise.all(Array.from({ length: 8 }, () => ledger.begin()));
      await Promise.all(all.map((tx) => tx.exec(`INSERT INTO ${schema}.slow VALUES ('x')`)));
      let ended = 0;
      const commits = Promise.all(all.map((tx) => tx.commit().then(() => (ended += 1))));
      await new Promise((resolve) => setTimeout(resolve, 20));
      await Promise.all(Array.from({ length: 8 }, () => stat(".")));
      assert.equal(ended, 0);
      await commits;
    } finally {
      await dropSchema(schema);
      await dropSchema(`${schema}_cala`);
    }
  });
}

everywhere("events_are_heard_as_they_happen", async (ground) => {
  const { ledger } = ground;
  const create = async (name: string): Promise<string> =>
    (await ledger.accounts().create({ code: `${name}-${ground.suffix}`, name })).id;
  const heard = await ledger.listen({ name: "mailer", types: ["account_created"], buffer: 2 });
  const ids = [await create("E1"), await create("E2"), await create("E3")];
  const events: Event[] = [];
  for await (const event of heard) {
    events.push(event);
    if (events.length === 3) break;
  }
  assert.deepEqual(events.map((event) => event.account?.id), ids);
  assert.deepEqual(await heard.next(), { done: true, value: undefined });
  const [first, , third] = events as [Event, Event, Event];
  const page = await ledger.events().list({ after: first.place, limit: 1 });
  assert.deepEqual([page.items[0]?.subjectId, page.hasNextPage], [ids[1], true]);
  assert.deepEqual(await ledger.listeners().ack({ name: "mailer", place: first.place }), { place: first.place });
  const again = await ledger.listen({ name: "mailer", from: "start", types: ["account_created"] });
  const second = (await again.next()).value as Event;
  assert.equal(second.subjectId, ids[1]);
  assert.ok(again.reached >= second.place && again.reached < third.place);
  assert.equal((await again.next()).value?.subjectId, ids[2]);
  assert.ok(again.reached >= third.place);
  const waiting = again.next();
  const fourth = await create("E4");
  assert.equal((await waiting).value?.subjectId, fourth);
  const none = again.next();
  again.close();
  assert.equal((await none).done, true);
  assert.equal((await failure(ledger.listen({ from: "yesterday" as "now" }))).code, "request.malformed");
  assert.equal((await ledger.listeners().remove({ name: "mailer" })).place, first.place);
});

test("a_listener_ends_with_its_ledger", async () => {
  const ledger = await Ledger.open({ store: "sqlite::memory:" });
  const heard = await ledger.listen();
  const none = heard.next();
  await ledger.close();
  assert.deepEqual([await none, await heard.next()], Array(2).fill({ done: true, value: undefined }));
  heard.close();
  assert.ok((await failure(ledger.listen())) instanceof ClosedError);
});

everywhere("numbers_in_params_are_whole_and_big_ones_are_taken", async (ground) => {
  const { ledger, alice: account, suffix } = ground;
  const txTemplateCode = `PAY-${suffix}`;
  const posting = (amount: unknown): { txTemplateCode: string; params: any } => ({
    txTemplateCode,
    params: { account, debit: amount, credit: amount },
  });
  for (const amount of [10.5, NaN, Infinity, 2 ** 53, [0.5], { deep: [1, 0.1] }]) {
    const one = await failure(ledger.transactions().post(posting(amount)));
    assert.ok(one instanceof InvalidError, String(one));
    assert.equal(one.code, "param.type");
    assert.match(String(one.details["pointer"]), /^\/params\/debit/);
    const many = await failure(ledger.transactions().postMany([posting("1"), posting(amount)]));
    assert.deepEqual([many.code, many.postingIndex], ["param.type", 1]);
    assert.match(String(many.details["pointer"]), /^\/postings\/1\/params\/debit/);
    // And of everything else that has params.
    const attached = { controlId: randomUUID(), accountIds: [account], params: { debit: amount } } as any;
    for (const refused of [
      () => ledger.transactions().preview(posting(amount)),
      () => ledger.holds().create(posting(amount)),
      () => ledger.call("hold_create", posting(amount)),
      () => ledger.velocityControls().attach(attached),
      () => ledger.velocityControls().ensureAttached(attached),
    ]) {
      const error = await failure(refused());
      assert.deepEqual([error.name, error.code], ["InvalidError", "param.type"]);
      assert.match(String(error.details["pointer"]), /^\/params\/debit/);
    }
  }
  assert.equal(await ground.net(), "none");
  await ledger.transactions().post(posting(10));
  await ledger.transactions().post(posting(7n));
  await ledger.transactions().post(posting(12345678901234567890n));
  assert.equal(await ground.net(), "12345678901234567907");
});

test("json_keeps_the_integers_that_numbers_round", () => {
  const text = '{"a":[9007199254740993,-9223372036854775808,9007199254740991,1.5e20,12345678901234567.5],"9007199254740993":"9007199254740993\\\\"}';
  const document = parsed(text, true);
  assert.deepEqual(document, {
    a: [9007199254740993n, -9223372036854775808n, 9007199254740991, 1.5e20, 12345678901234567.5],
    "9007199254740993": "9007199254740993\\",
  });
  assert.deepEqual(parsed(stringified(document.a.slice(0, 3)), true), document.a.slice(0, 3));
  assert.equal(stringified({ big: [2n ** 63n - 1n, 7n, 2n ** 63n] }),
    '{"big":[9223372036854775807,7,"9223372036854775808"]}');
  assert.deepEqual(parsed(text, false), JSON.parse(text));
  assert.deepEqual(parsed("[]", true), []);
});

for (const bigint of [true, false]) {
  const body: Body = async (ground) => {
    await holdsIntegers(ground, ground.ledger, bigint);
    await using tx = await ground.ledger.begin();
    await holdsIntegers(ground, tx, bigint);
    await tx.commit();
  };
  everywhere(`integers_of_64_bits_are_${bigint ? "whole" : "rounded"}`, body, {}, { bigint });
}

test("a_key_in_the_spelling_of_cala_h_is_taken_and_answers_are_camel_case", async () => {
  await using ledger = await Ledger.open({ store: "sqlite::memory:" });
  const document: any = { code: "A", name: "A", external_id: "x", normalBalanceType: "debit" };
  const made: any = await ledger.accounts().create(document);
  assert.deepEqual([made.externalId, made.normalBalanceType, made.external_id], ["x", "debit", undefined]);
  assert.equal((await ledger.accounts().find({ external_id: "x" } as any)).id, made.id);
  const wrong = await failure(ledger.accounts().list({ code_prefix: 1 } as any).page());
  assert.deepEqual([wrong.code, wrong.details["pointer"]], ["request.malformed", "/codePrefix"]);
});

test("errors_spell_keys_as_the_program_does", async () => {
  await using ledger = await Ledger.open({ store: "sqlite::memory:" });
  const error = await failure(ledger.transactions().post({} as any));
  assert.deepEqual([error.code, error.details["pointer"]], ["request.missing_key", "/txTemplateCode"]);
  assert.match(error.message, /txTemplateCode/);
  assert.doesNotMatch(error.message, /tx_template_code/);
});

test("two_copies_of_the_package_know_each_others_errors", async () => {
  // A copy in files: Bun gives the same module again for another query.
  const copied = fileURLToPath(new URL("../copy/", import.meta.url));
  await cp(fileURLToPath(new URL("../src/", import.meta.url)), copied, { recursive: true });
  const copy = (await import(new URL("../copy/errors.js", import.meta.url).href)) as typeof import("cala-ledger");
  const theirs = new copy.ConflictError({ status: "CONFLICT", code: "account.exists", message: "taken" });
  assert.ok(copy.ConflictError !== ConflictError);
  assert.ok(theirs instanceof ConflictError && theirs instanceof CalaError);
  assert.ok(!((theirs as unknown) instanceof InvalidError));
  class Mine extends ConflictError {}
  assert.ok(!(theirs instanceof Mine));
  assert.ok(new Mine({ status: "CONFLICT", code: "call.misuse", message: "x" }) instanceof Mine);
  assert.ok(!(new Error("x") instanceof CalaError) && !((null as unknown) instanceof CalaError));
});

/** Runs with CALA_OUTBOX_SERVER as that; what was warned of meanwhile. */
async function warnedOf(program: string, body: () => Promise<void>): Promise<string[]> {
  const before = process.env["CALA_OUTBOX_SERVER"];
  const warnings: string[] = [];
  const note = (warning: Error): void => void warnings.push(warning.message);
  process.env["CALA_OUTBOX_SERVER"] = program;
  process.on("warning", note);
  try {
    await body();
    await new Promise((resolve) => setTimeout(resolve, 20)); // warnings come later
  } finally {
    process.off("warning", note);
    if (before === undefined) delete process.env["CALA_OUTBOX_SERVER"];
    else process.env["CALA_OUTBOX_SERVER"] = before;
  }
  return warnings.filter((warning) => /outbox|serve/.test(warning));
}

/** A port, and what ends holding it. */
async function heldPort(): Promise<{ port: number; leave(): Promise<unknown> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, leave: () => new Promise((resolve) => server.close(resolve)) };
}

/** The kinds of the first messages of the server's stream of all events, as gRPC has them: reached, event. */
function heard(port: number, count: number): Promise<string[]> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const call = session.request({ ":method": "POST", ":path": "/cala.outbox.v1.Outbox/Listen",
    "content-type": "application/grpc", te: "trailers" });
  call.end(Buffer.from([0, 0, 0, 0, 2, 8, 1])); // {start: true}
  let bytes = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    session.on("error", reject);
    call.on("error", reject);
    call.on("data", (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      const kinds: string[] = [];
      for (let at = 0; at + 5 < bytes.length; at += 5 + bytes.readUInt32BE(at + 1)) {
        kinds.push(bytes[at + 5] === 0x0a ? "event" : "reached");
      }
      if (kinds.length < count) return;
      session.destroy();
      resolve(kinds.slice(0, count));
    });
  });
}

test("the_retired_outbox_server_that_cannot_be_started_is_told_of", async () => {
  const warnings = await warnedOf("/nowhere/cala-outbox-server", async () => {
    const pgCon = `sqlite:${join(folder, `${randomUUID()}.db`)}`;
    const cala = await CalaLedger.connect({ pgCon, outbox: { enabled: true } });
    const error = await failure(cala.awaitOutboxServer());
    assert.deepEqual([error.name, error.code], ["UnavailableError", "outbox.server"]);
    assert.match(error.message, /\/nowhere\/cala-outbox-server was not found.*CALA_OUTBOX_SERVER/);
    await cala.journals().create({ name: "J" });
    await cala.close();
  });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /\/nowhere\/cala-outbox-server was not found.*CALA_OUTBOX_SERVER/);
  const told = await warnedOf("/dev/null", async () => {
    const cala = await CalaLedger.connect({ pgCon: "sqlite::memory:", outbox: { enabled: true } });
    const error = await failure(cala.awaitOutboxServer());
    assert.deepEqual([error.name, error.code], ["UnavailableError", "outbox.server"]);
    await cala.close();
  });
  assert.match(told[0] as string, /\/dev\/null cannot be started: ./);
  const outbox = { enabled: true, listenPort: 70000 };
  const wrong = await failure(CalaLedger.connect({ pgCon: "sqlite::memory:", outbox }));
  assert.ok(wrong instanceof InvalidError);
  assert.deepEqual(wrong.details, { pointer: "/outbox/listenPort" });
  for (const [outbox, pointer] of [
    [true, ""],
    [null, ""],
    [{ enable: true }, "/enable"],
    [{ enabled: "yes" }, "/enabled"],
  ] as [any, string][]) {
    const error = await failure(CalaLedger.connect({ pgCon: "sqlite::memory:", outbox }));
    assert.deepEqual([error.name, error.details], ["InvalidError", { pointer: `/outbox${pointer}` }]);
  }
});

test("the_retired_outbox_server_that_fails_is_told_of", async () => {
  const warnings = await warnedOf("/bin/false", async () => {
    const cala = await CalaLedger.connect({ pgCon: `sqlite:${join(folder, `${randomUUID()}.db`)}`,
      outbox: { enabled: true } });
    const error = await failure(cala.awaitOutboxServer());
    assert.deepEqual([error.name, error.code, error.message],
      ["UnavailableError", "outbox.server", "cala-outbox-server ended with 1"]);
    await cala.journals().create({ name: "J" });
    await cala.close();
  });
  assert.deepEqual(warnings, ["cala-outbox-server ended with 1"]);
});

const outboxServer = process.env["CALA_OUTBOX_SERVER"] ?? "";
if (!outboxServer) skip("the_retired_outbox_server_serves", "CALA_OUTBOX_SERVER is not set");
else {
  test("the_retired_outbox_server_serves", async () => {
    const { port, leave } = await heldPort();
    const pgCon = `sqlite:${join(folder, `${randomUUID()}.db`)}`;
    let served: CalaLedger | undefined;
    const warnings = await warnedOf(outboxServer, async () => {
      const late = await CalaLedger.connect({ pgCon, outbox: { enabled: true, listenPort: port } });
      const taken = await failure(late.awaitOutboxServer());
      assert.ok(taken instanceof UnavailableError);
      assert.match(taken.message, /Address already in use/);
      await late.close();
      await leave();
      served = await CalaLedger.connect({ pgCon, outbox: { enabled: true, listenPort: port } });
    });
    assert.equal(warnings.length, 1);
    const cala = served as CalaLedger;
    await cala.journals().create({ name: "J" });
    assert.deepEqual(await heard(port, 2), ["reached", "event"]);
    let ended = false;
    const awaited = cala.awaitOutboxServer().then(() => (ended = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(ended, false);
    await cala.close();
    await awaited;
    assert.ok(await failure(heard(port, 1)));
  });
}

test("the_retired_surface_is_there", async () => {
  if (postgresUrl) {
    const schema = "cala";
    const taken = (await onPostgres(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`)).length > 0;
    const connected = await CalaLedger.connect({ pgCon: postgresUrl, outbox: { enabled: false } });
    await connected.awaitOutboxServer();
    await connected.close();
    if (!taken) await dropSchema(schema);
  }
  const cala = await CalaLedger.connect({ store: "sqlite::memory:" });
  const operation = await cala.beginOperation();
  const account = await cala.accounts().createInOp(operation, { code: "A", name: "Anna" });
  const journal = await cala.journals().createInOp(operation, { name: "J" });
  const units = { units: "decimal('1')", currency: "'USD'", layer: "SETTLED", accountId: `uuid('${account.id()}')` };
  await cala.txTemplates().createInOp(operation, {
    code: "T",
    transaction: { journalId: `uuid('${journal.id()}')`, effective: "date()" },
    entries: [
      { entryType: "'D'", direction: "DEBIT", ...units },
      { entryType: "'C'", direction: "CREDIT", ...units },
    ],
  });
  const posted = await cala.transactions().postInOp(operation, "T");
  await operation.commit();
  assert.equal((await cala.transactions().findById(posted.id())).id(), posted.id());
  const voided = await cala.transactions().voidTransaction(posted.id());
  assert.equal((await cala.transactions().findById(posted.id())).values().voidedBy, voided.id());
  assert.deepEqual(
    (await cala.accounts().list()).accounts.map(({ code }) => code),
    ["A"],
  );
  assert.match(inspect(account), /Anna/);
  assert.equal(JSON.parse(JSON.stringify(account)).name, "Anna");
  await cala.close();
});

test("a_host_only_ledger_needs_a_handle", async () => {
  await using ledger = await Ledger.open({ store: "host:sqlite" });
  assert.ok((await failure(ledger.begin())) instanceof MisuseError);
  assert.ok((await failure(ledger.info())) instanceof MisuseError);
  assert.throws(() => ledger.in({ nothing: true } as any), MisuseError);
});

test("retrying_is_bounded_and_only_for_lost_races", async () => {
  let runs = 0;
  const race = Object.assign(new Error("could not serialize"), { code: "40001" });
  const wrapped = new Error("of an ORM", { cause: race });
  assert.ok(lostRace(wrapped));
  assert.equal(
    await failure(
      retrying(
        async () => {
          runs += 1;
          throw wrapped;
        },
        { attempts: 3 },
      ),
    ),
    wrapped,
  );
  assert.equal(runs, 3);
  const full = new BusyError({ status: "BUSY", code: "queue.full", message: "too much", retryable: true });
  const lost = new BusyError({ status: "BUSY", code: "store.busy", message: "lost", txState: "retry" });
  assert.deepEqual([lostRace(full), lostRace(lost), lostRace(new Error("x", { cause: lost }))], [false, true, true]);
  assert.deepEqual([lostRace(undefined), lostRace(Object.assign(new Error("x"), { code: "23505" }))], [false, false]);
  let most = 0;
  await failure(
    retrying(async (attempt) => {
      most = attempt;
      throw race;
    }),
  );
  assert.equal(most, 10);
  const other = new Error("something else");
  assert.equal(
    await failure(
      retrying(async () => {
        runs += 1;
        throw other;
      }),
    ),
    other,
  );
  assert.equal(runs, 4);
  assert.equal(
    await retrying(async (attempt) => {
      if (attempt < 3) throw race;
      return attempt;
    }),
    3,
  );
});

test("the_pauses_of_retrying_grow_are_random_and_end_at_256_ms", async () => {
  for (let attempt = 1; attempt < 12; attempt++) {
    const most = Math.min(2 ** (attempt + 1), 256);
    const pauses = Array.from({ length: 50 }, () => pauseAfter(attempt));
    assert.ok(pauses.every((pause) => pause >= most / 2 && pause <= most), `${attempt}: ${pauses}`);
    assert.ok(new Set(pauses).size > 1);
  }
  const begun: number[] = [];
  const lose = async (): Promise<never> => {
    begun.push(performance.now());
    throw Object.assign(new Error("lost"), { code: "40001" });
  };
  await failure(retrying(lose, { attempts: 4 }));
  // A timer may fire up to a millisecond early.
  for (const [index, least] of [2, 4, 8].entries())
    assert.ok((begun[index + 1] as number) - (begun[index] as number) >= least - 1, `${begun}`);
  // The pause ends with the signal.
  const reason = new Error("enough");
  const controller = new AbortController();
  const stopped = await failure(
    retrying(
      () => {
        queueMicrotask(() => controller.abort(reason));
        return lose();
      },
      { signal: controller.signal },
    ),
  );
  assert.ok(stopped.name === "AbortError" || stopped.code === "40001", String(stopped));
  assert.equal(begun.length, 5);
});

/** A PostgreSQL behind ../../cutting_proxy. */
async function behindTheProxy(work: (store: string,
  say: (word: string) => Promise<void>) => Promise<void>): Promise<void> {
  const { host, port, user, database } = addressOf(postgresUrl as string);
  const proxy = spawn(fileURLToPath(new URL("../../../cutting_proxy", import.meta.url)), [host, String(port)]);
  const lines = createInterface({ input: proxy.stdout })[Symbol.asyncIterator]();
  const listens = (await lines.next()).value;
  try {
    await work(`host=127.0.0.1 port=${listens} user=${user} dbname=${database} sslmode=disable`, async (word) => {
      proxy.stdin.write(`${word}\n`);
      assert.equal((await lines.next()).value, "ok");
    });
  } finally {
    proxy.stdin.end();
  }
}

if (!postgresUrl) skip("an_unknown_outcome_names_the_transactions", "CALA_TEST_POSTGRES is not set");
else {
  test("an_unknown_outcome_names_the_transactions", () =>
    behindTheProxy(async (store, say) => {
      const schema = freshSchema();
      await using ledger = await Ledger.open({ store, schema, migrate: true, failoverWaitMs: 200 });
      const ground = await new Ground(ledger).prepare();
      const params = { account: ground.alice, debit: "30.00", credit: "30.00" };
      const posting = { txTemplateCode: `PAY-${ground.suffix}`, params };
      const mine = randomUUID();
      await say("cut");
      const error = await failure(ledger.transactions().postMany([posting, { ...posting, id: mine }, posting]));
      assert.ok(error instanceof OutcomeUnknownError, String(error));
      const ids = error.details["transactionIds"] as string[];
      assert.deepEqual([error.retryable, new Set(ids).size, ids[1]], [false, 3, mine]);
      await say("accept");
      const again = await ledger.transactions().postMany(ids.map((id) => ({ ...posting, id })));
      assert.deepEqual(again.map(({ replayed }) => replayed), [true, true, true]);
      // Those that were committed together are each told of their own.
      await say("cut");
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => ground.post(ledger)));
      await say("accept");
      const told: string[] = [];
      for (const outcome of outcomes) {
        if (outcome.status === "fulfilled") continue;
        const { reason } = outcome;
        if (!(reason instanceof OutcomeUnknownError)) {
          assert.ok(reason instanceof UnavailableError, String(reason)); // nothing was written
          await ground.post(ledger);
          continue;
        }
        const [id, ...others] = reason.details["transactionIds"] as string[];
        assert.equal(others.length, 0);
        told.push(id as string);
        await ground.post(ledger, ground.alice, { id: id as string });
      }
      assert.ok(told.length > 0 && new Set(told).size === told.length, String(told));
      assert.equal(await ground.net(), "690.00");
      await dropSchema(schema);
    }));
}

const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async function eventually(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 1000, "it never came");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("each_logger_hears_of_its_own_ledger", async () => {
  const heard: LogRecord[] = [];
  const others: LogRecord[] = [];
  await using ledger = await Ledger.open(
    { store: "sqlite::memory:" },
    { logger: (record) => heard.push(record), log: { level: "debug", slowMs: 0 } },
  );
  await using other = await Ledger.open({ store: "sqlite::memory:" }, { logger: (record) => others.push(record) });
  assert.equal((await failure(ledger.accounts().find({ code: "NOBODY" }, { traceparent: trace }))).code,
    "account.not_found");
  assert.equal((await failure(other.accounts().find({ code: "NOBODY" }))).code, "account.not_found");
  await eventually(() => heard.length >= 2);
  const [refused, slow] = heard as [LogRecord, LogRecord];
  assert.equal(refused.event, "operation.refused");
  assert.equal(refused.level, "debug");
  assert.equal(refused.code, "account.not_found");
  assert.equal(refused.traceparent, trace);
  assert.equal(slow.event, "operation.slow");
  assert.equal(slow.operation, "account_find");
  assert.equal(typeof slow.tookMs, "number");
  assert.deepEqual(others, []); // only warnings and errors
});

test("records_that_come_too_fast_are_counted", async () => {
  const heard: LogRecord[] = [];
  await using ledger = await Ledger.open(
    { store: "sqlite::memory:" },
    { logger: (record) => heard.push(record), log: { level: "debug", buffer: 1 } },
  );
  const work = Array.from({ length: 200 }, () => ledger.accounts().find({ code: "NOBODY" }).catch(() => undefined));
  const until = Date.now() + 300;
  while (Date.now() < until); // nothing is read meanwhile
  await Promise.all(work);
  const told = () => heard.reduce((sum, record) => sum + (record.dropped ?? 1), 0);
  await eventually(() => told() >= 200);
  assert.equal(told(), 200);
  assert.ok(heard.some((record) => record.event === "log.dropped" && record.level === "warn"));
});

test("what_a_logger_throws_is_passed_over", async () => {
  const thrown: unknown[] = [];
  const note = (error: unknown): void => void thrown.push(error);
  process.on("uncaughtException", note).on("unhandledRejection", note);
  let heard = 0;
  const faulty = [
    () => {
      throw new RangeError("the logger's own fault");
    },
    async () => {
      throw new RangeError("the logger's own fault, later");
    },
  ];
  for (const fault of faulty) {
    const logger = (): unknown => {
      heard += 1;
      return fault();
    };
    await using ledger = await Ledger.open({ store: "sqlite::memory:" }, { logger, log: { slowMs: 0 } });
    for (let count = 1; count <= 2; count++) {
      const before = heard;
      await failure(ledger.accounts().find({ code: "NOBODY" }));
      await eventually(() => heard > before);
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off("uncaughtException", note).off("unhandledRejection", note);
  assert.deepEqual(thrown, []);
});

test("the_options_of_open_are_strict", async () => {
  for (const options of [{ logger: "x" }, { logger: null }, { log: null }, { log: "debug" }, { logs: {} }]) {
    const error = await failure(Ledger.open({ store: "sqlite::memory:" }, options as any));
    assert.deepEqual([error.code, error.details], ["request.malformed", { pointer: `/${Object.keys(options)[0]}` }]);
  }
});

test("a_log_and_a_traceparent_are_strict", async () => {
  const logger = () => undefined;
  const open = (log: object) => Ledger.open({ store: "sqlite::memory:" }, { logger, log });
  assert.equal((await failure(open({ level: "loud" }))).code, "request.malformed");
  assert.equal((await failure(open({ slowMs: undefined }))).code, "request.malformed");
  assert.equal((await failure(open({ other: 1 }))).code, "request.unknown_key");
  await using ledger = await Ledger.open({ store: "sqlite::memory:" });
  const mistakes = [
    ...["none", null, 5, Symbol("none"), Object.create(null),
      Buffer.from(trace)].map((traceparent) => ({ traceparent })),
    ...["none", 5, {}].map((signal) => ({ signal })),
  ];
  for (const mistake of mistakes as any[]) {
    assert.equal((await failure(ledger.info(mistake))).code, "request.malformed");
    if (mistake.signal) assert.equal((await failure(ledger.begin(mistake))).code, "request.malformed");
  }
  assert.equal((await ledger.info({ traceparent: trace })).accounts, 0);
});

everywhere("a_projection_applies_each_event_once_and_is_made_anew", async (ground) => {
  const { ledger } = ground;
  const table = `"notes-${ground.suffix}"`;
  const noted = async (sql = `SELECT id FROM ${table}`, ...values: string[]): Promise<(string | null)[]> => {
    await using tx = await ledger.begin();
    const { rows } = await tx.exec(sql, values);
    await tx.commit();
    return rows.map(([id]) => id as string | null);
  };
  await noted(`CREATE TABLE ${table} (id text NOT NULL)`);
  const note = (tx: OwnTransaction, event: Event): Promise<unknown> =>
    tx.exec(`INSERT INTO ${table} VALUES ('${event.subjectId}')`);
  const projection = (apply = note, clear?: (tx: OwnTransaction) => unknown) =>
    ledger.projection({ name: "notes", apply, types: ["transaction_created"], pageSize: 2,
      ...(clear ? { clear } : {}) });
  const posted: string[] = [];
  for (let number = 0; number < 3; number++) posted.push((await ground.post(ledger)).transaction.id);
  const fails = async (tx: OwnTransaction, event: Event): Promise<void> => {
    await note(tx, event);
    if (event.subjectId === posted[2]) throw new RangeError("killed");
  };
  assert.ok((await failure(projection(fails).catchUp())) instanceof RangeError);
  assert.deepEqual(await noted(), posted.slice(0, 2));
  assert.deepEqual([await projection().catchUp(), await projection().catchUp()], [1, 0]);
  assert.deepEqual(await noted(), posted);
  assert.ok((await failure(projection().rebuild())) instanceof TypeError);
  assert.equal(await projection(note, (tx) => tx.exec(`DELETE FROM ${table}`)).rebuild(), 3);
  assert.deepEqual(await noted(), posted);
  await noted(`DROP TABLE ${table}`);
});

/** A client of pg whose backend's number is known. */
async function client(): Promise<{ pid: number; own: pg.Client }> {
  const own = new pg.Client({ connectionString: postgresUrl });
  await own.connect();
  return { own, pid: (await own.query("SELECT pg_backend_pid() AS pid")).rows[0].pid };
}

if (!postgresUrl) skip("postgres a_projection_is_made_anew_while_another_has_written", "CALA_TEST_POSTGRES is not set");
else {
  test("postgres a_projection_is_made_anew_while_another_has_written", async () => {
    const schema = freshSchema();
    await using ledger = await Ledger.open({ store: postgresUrl as string, schema, migrate: true });
    const ground = await new Ground(ledger).prepare();
    const table = `"${schema}".notes`;
    await onPostgres(`CREATE TABLE ${table} (id text NOT NULL)`);
    const [one, another] = [await client(), await client()];
    const projection = (own: pg.Client, beforeCommit?: () => Promise<void>) =>
      ledger.projection<pg.Client>({
        name: "notes",
        types: ["transaction_created"],
        apply: (where, event) => where.query(`INSERT INTO ${table} VALUES ($1)`, [event.subjectId]),
        clear: (where) => where.query(`DELETE FROM ${table}`),
        // What work gives is not handed on.
        transaction: async (work) => {
          await own.query("BEGIN");
          try {
            await work(own);
            await beforeCommit?.();
            await own.query("COMMIT");
          } catch (error) {
            await own.query("ROLLBACK");
            throw error;
          }
        },
      });
    const posted = [(await ground.post(ledger)).transaction.id];
    assert.equal(await projection(one.own).catchUp(), 1);
    posted.push((await ground.post(ledger)).transaction.id);
    const blocked = async (): Promise<boolean> => {
      const [row] = await onPostgres(`SELECT wait_event_type AS waits FROM pg_stat_activity WHERE pid = ` +
        `${another.pid}`);
      return row.waits === "Lock";
    };
    let transactions = 0;
    let rebuilt: Promise<number> | undefined;
    const caughtUp = await projection(one.own, async () => {
      if (++transactions !== 2) return; // the first is that of the place
      rebuilt = projection(another.own).rebuild();
      while (!(await blocked())) await new Promise((resolve) => setTimeout(resolve, 2));
    }).catchUp();
    assert.deepEqual([caughtUp, await rebuilt], [1, 2]);
    const notes = await onPostgres(`SELECT id FROM ${table}`);
    assert.deepEqual(notes.map(({ id }) => id), posted);
    // Two at once: each makes all anew, or goes on behind the other.
    await Promise.all([projection(one.own).rebuild(), projection(another.own).rebuild()]);
    const again = await onPostgres(`SELECT id FROM ${table} ORDER BY id`);
    assert.deepEqual(again.map(({ id }) => id), [...posted].sort());
    const fails = ledger.projection<pg.Client>({ name: "notes", apply: () => undefined,
      transaction: async () => undefined });
    assert.ok((await failure(fails.catchUp())) instanceof TypeError);
    await Promise.all([one.own.end(), another.own.end()]);
    await dropSchema(schema);
  });
}

test("names_and_codes_are_not_empty", async () => {
  await using ledger = await Ledger.open({ store: "sqlite::memory:" });
  const ground = await new Ground(ledger).prepare();
  const before = (await ledger.info()).accounts;
  const good = { code: "GOOD", name: "Good" };
  for (const [work, pointer] of [
    [() => ledger.accounts().create({ code: "", name: "A" }), "/code"],
    [() => ledger.accounts().create({ code: "A", name: "" }), "/name"],
    [() => ledger.accounts().createMany([good, { code: "A", name: "" }]), "/accounts/1/name"],
    [() => ledger.accounts().createMany([{ code: "", name: "A" }, good]), "/accounts/0/code"],
    [() => ledger.accounts().update({ id: ground.alice, name: "" }), "/name"],
    [() => ledger.accounts().update({ id: ground.alice, code: "" }), "/code"],
    [() => ledger.journals().create({ name: "" }), "/name"],
    [() => ledger.journals().update({ id: ground.journalId, name: "" }), "/name"],
  ] as [() => Promise<unknown>, string][]) {
    const error = await failure(work());
    assert.ok(error instanceof InvalidError, String(error));
    assert.deepEqual([error.code, error.details["pointer"]], ["request.malformed", pointer]);
  }
  assert.equal((await ledger.info()).accounts, before);
});

test("every_operation_of_the_header_is_known", () => assert.ok(operationNames.length >= 34));

await run("core");
