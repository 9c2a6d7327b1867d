// What every adapter is held to (../../README.md), as tests to be added for a driver, on real databases.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import {
  type Adapter,
  CancelledError,
  ConflictError,
  Ledger,
  MisuseError,
  PermissionError,
  RejectedError,
  type TransactionOptions,
  adapter,
  lostRace,
} from "cala-ledger";
import {
  Ground,
  type Where,
  dropSchema,
  freshSchema,
  holdsIntegers,
  onPostgres,
  pgbouncerUrl,
  postgresUrl,
  temporaryFolder,
} from "./ground.js";
import { type Driver, type Host, type HostTx, freshTable } from "./hosts.js";
import { failure, skip, test } from "./runner.js";

class Case {
  constructor(
    readonly ground: Ground,
    readonly host: Host,
    readonly table: string,
    readonly count: () => Promise<number>,
    readonly postgres: boolean,
    readonly target: string,
  ) {}

  get ledger(): Ledger {
    return this.ground.ledger;
  }

  insert(tx: HostTx): Promise<void> {
    return tx.run(`INSERT INTO ${this.table} (note) VALUES ('one')`);
  }

  /** The host's rows and ALICE's balance. */
  async state(): Promise<[number, string]> {
    return [await this.count(), await this.ground.net()];
  }
}

type Behaviour = (it: Case) => Promise<void>;
const stop = new Error("rolled back on purpose");

/** Runs work in a transaction of the host's and rolls it back. */
async function rolledBack(host: Host, work: (tx: HostTx) => Promise<void>): Promise<void> {
  const thrown = await failure(
    host.transaction(async (tx) => {
      await work(tx);
      throw stop;
    }),
  );
  if (thrown !== stop) throw thrown;
}

/** Lets a statement be sent without letting its answer come. */
async function justSent(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

/** Gives an account a code that was taken after the transaction's snapshot: it is the database that refuses. */
async function unseenConflict(it: Case, tx: HostTx, options: TransactionOptions): Promise<any> {
  const account = { code: `LATE-${it.ground.suffix}`, name: "Late" };
  await tx.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  await tx.run(`SELECT count(*) FROM ${it.table}`);
  await it.ledger.accounts().create(account);
  return failure(it.ledger.in(tx.handle, options).accounts().update({ id: it.ground.alice, code: account.code }));
}

/** What each kind of reading answers about one transaction. */
async function everythingOf(ground: Ground, where: Where, id: string): Promise<unknown[]> {
  const { alice, bank, journalId, suffix } = ground;
  return [
    await where.accounts().find({ id: alice }),
    (await where.accounts().list({ codePrefix: "BANK" }).page()).items.filter((account) => account.id === bank),
    await where.journals().find({ id: journalId }),
    await where.txTemplates().find({ code: `PAY-${suffix}` }),
    await where.transactions().find({ id }),
    (await where.transactions().list({ accountId: alice }).page()).items,
    (await where.entries().list({ transactionId: id }).page()).items,
    await where.balances().find(ground.key()),
    (
      await where
        .balances()
        .list({ journalId, accountIds: [alice, bank] })
        .page()
    ).items,
    (await where.balances().history(ground.key()).page()).items,
  ];
}

const everywhere: Record<string, Behaviour> = {
  async commit_leaves_both(it) {
    await it.host.transaction(async (tx) => {
      await it.insert(tx);
      await it.ground.post(it.ledger.in(tx.handle));
    });
    assert.deepEqual(await it.state(), [1, "30.00"]);
  },

  async rollback_leaves_neither(it) {
    await rolledBack(it.host, async (tx) => {
      await it.insert(tx);
      await it.ground.post(it.ledger.in(tx.handle));
    });
    assert.deepEqual(await it.state(), [0, "none"]);
  },

  async rejection_leaves_the_transaction_usable(it) {
    await it.host.transaction(async (tx) => {
      await it.insert(tx);
      const inside = it.ledger.in(tx.handle);
      const locked = await failure(it.ground.post(inside, it.ground.locked));
      assert.ok(locked instanceof RejectedError);
      assert.equal(locked.code, "account.locked");
      assert.equal(locked.txState, "usable");
      const unbalanced = await failure(it.ground.post(inside, it.ground.alice, { debit: "31.00" }));
      assert.equal(unbalanced.code, "posting.unbalanced");
      assert.equal(unbalanced.txState, "usable");
      await it.ground.post(inside);
    });
    assert.deepEqual(await it.state(), [1, "30.00"]);
  },

  async sql_error_aborts_the_transaction(it) {
    const taken = { code: `ALICE-${it.ground.suffix}`, name: "Another" };
    await it.host.transaction(async (tx) => {
      const seen = await failure(it.ledger.in(tx.handle).accounts().create(taken));
      assert.ok(seen instanceof ConflictError);
      assert.deepEqual([seen.code, seen.txState], ["account.exists", "usable"]);
      await it.insert(tx);
    });
    assert.deepEqual(await it.state(), [1, "none"]);
    if (!it.postgres) return;
    await rolledBack(it.host, async (tx) => {
      const error = await unseenConflict(it, tx, {});
      assert.deepEqual([error.code, error.txState, error.sqlstate], ["account.exists", "aborted", "23505"]);
      const refused = await failure(tx.run("SELECT 1"));
      assert.match(`${refused.cause ?? refused}`, /current transaction is aborted/);
    });
    assert.deepEqual(await it.state(), [1, "none"]);
  },

  async sql_error_behind_a_savepoint_leaves_it_usable(it) {
    await it.host.transaction(async (tx) => {
      const inside = it.ledger.in(tx.handle, { savepoint: true });
      const error = it.postgres
        ? await unseenConflict(it, tx, { savepoint: true })
        : await failure(inside.accounts().create({ code: `ALICE-${it.ground.suffix}`, name: "Another" }));
      assert.ok(error instanceof ConflictError);
      assert.deepEqual([error.code, error.txState], ["account.exists", "usable"]);
      await it.insert(tx);
      await it.ground.post(inside);
    });
    assert.deepEqual(await it.state(), [1, "30.00"]);
  },

  async duplicate_returns_the_first_result(it) {
    const id = randomUUID();
    await it.host.transaction(async (tx) => {
      const inside = it.ledger.in(tx.handle);
      const first = await it.ground.post(inside, it.ground.alice, { id });
      const second = await it.ground.post(inside, it.ground.alice, { id });
      assert.deepEqual([first.replayed, second.replayed], [false, true]);
      assert.deepEqual(second.transaction, first.transaction);
    });
    assert.equal((await it.ledger.transactions().list({ accountId: it.ground.alice }).page()).items.length, 1);
  },

  async interleaved_operations_take_turns(it) {
    await it.host.transaction(async (tx) => {
      await Promise.all([it.ground.post(it.ledger.in(tx.handle)), it.ground.post(it.ledger.in(tx.handle))]);
    });
    assert.equal(await it.ground.net(), "60.00");
  },

  async reading_inside_sees_it_outside_does_not(it) {
    const id = randomUUID();
    const inside = await it.host.transaction(async (tx) => {
      const transaction = it.ledger.in(tx.handle);
      await it.ground.post(transaction, it.ground.alice, { id });
      assert.equal(await it.ground.net(), "none");
      return everythingOf(it.ground, transaction, id);
    });
    assert.deepEqual(inside, await everythingOf(it.ground, it.ledger, id));
  },

  async a_finished_transaction_is_told(it) {
    for (const end of ["commit", "rollback"]) {
      let handle: any;
      const work = async (tx: HostTx): Promise<void> => {
        handle = tx.handle;
        await it.insert(tx);
      };
      await (end === "commit" ? it.host.transaction(work) : rolledBack(it.host, work));
      for (const options of [{}, { savepoint: true }]) {
        const late = await failure(Promise.resolve().then(() => it.ground.post(it.ledger.in(handle, options))));
        assert.ok(late instanceof MisuseError, String(late));
        // PostgreSQL's own words for a SAVEPOINT without a transaction.
        const code = late.sqlstate === "25P01" ? /^transaction\.(none|state)$/ : /^transaction\.none$/;
        assert.match(late.code, code, late.message);
      }
      // What is only a connection can still be read with; nothing else is a defect of the library.
      const read = await it.ledger
        .in(handle)
        .journals()
        .list()
        .page()
        .catch((error: unknown) => error);
      if (read instanceof Error) {
        assert.ok(read instanceof MisuseError, String(read));
        assert.match(read.message, /a finished .* has no open transaction: (pass|use) the/);
        assert.ok(read.cause instanceof Error);
      }
    }
    assert.deepEqual(await it.state(), [1, "none"]);
  },
};

const onlyPostgres: Record<string, Behaviour> = {
  async without_begin_nothing_is_written(it) {
    const error = await failure(it.ground.post(it.ledger.in(it.host.outside)));
    assert.ok(error instanceof MisuseError);
    assert.equal(error.code, "transaction.none");
    assert.equal(await it.ground.net(), "none");
  },

  async cancelled_midway_leaves_nothing(it) {
    await it.host.transaction(async (tx) => {
      await it.insert(tx);
      const controller = new AbortController();
      const posting = failure(it.ground.post(it.ledger.in(tx.handle), it.ground.alice, { signal: controller.signal }));
      await justSent();
      controller.abort(stop);
      const error = await posting;
      assert.ok(error instanceof CancelledError);
      assert.equal(error.cause, stop);
    });
    assert.deepEqual(await it.state(), [1, "none"]);
  },

  async retry_runs_the_whole_transaction_again(it) {
    let attempts = 0;
    await it.ledger.retrying(() =>
      it.host.transaction(async (tx) => {
        attempts += 1;
        await tx.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
        await it.insert(tx);
        if (attempts === 1) await it.ground.post(it.ledger);
        await it.ground.post(it.ledger.in(tx.handle));
      }),
    );
    assert.equal(attempts, 2);
    assert.deepEqual(await it.state(), [1, "60.00"]);
  },

  // The driver sends and reads UTF-8 all the same, which the server would store as other characters.
  async another_client_encoding_is_refused(it) {
    await it.host.transaction(async (tx) => {
      await tx.run("SET LOCAL client_encoding TO 'LATIN1'");
      const within = it.ledger.in(tx.handle);
      for (const work of [() => it.ground.post(within), () => within.journals().list().page()]) {
        const error = await failure(work());
        assert.ok(error instanceof MisuseError);
        assert.deepEqual([error.code, error.txState], ["tx.encoding", "usable"]);
      }
      await tx.run("SET LOCAL client_encoding TO 'UTF8'");
      await it.insert(tx);
      await it.ground.post(within);
    });
    assert.deepEqual(await it.state(), [1, "30.00"]);
  },

  async read_only_is_refused(it) {
    await rolledBack(it.host, async (tx) => {
      await tx.run("SET TRANSACTION READ ONLY");
      const error = await failure(it.ground.post(it.ledger.in(tx.handle)));
      assert.ok(error instanceof PermissionError);
      assert.equal(error.code, "store.read_only");
    });
    assert.equal(await it.ground.net(), "none");
  },

  async older_snapshots_are_never_silently_stale(it) {
    await it.ground.post(it.ledger);
    let expected = 30;
    for (const level of ["REPEATABLE READ", "SERIALIZABLE"]) {
      const error = await it.host
        .transaction(async (tx) => {
          await tx.run(`SET TRANSACTION ISOLATION LEVEL ${level}`);
          await tx.run(`SELECT count(*) FROM ${it.table}`);
          await it.ground.post(it.ledger);
          await it.ground.post(it.ledger.in(tx.handle));
        })
        .catch((thrown: unknown) => thrown);
      if (error !== undefined) assert.ok(lostRace(error), String(error));
      expected += error === undefined ? 60 : 30;
      assert.equal(await it.ground.net(), `${expected}.00`);
    }
  },

  async locking_first_prevents_deadlocks(it) {
    const { alice, bob } = it.ground;
    const crossing = (accounts: string[]): Promise<void> =>
      it.host.transaction(async (tx) => {
        const inside = it.ledger.in(tx.handle);
        const keys = await inside.lockAccounts(accounts.map((account) => it.ground.key(account)));
        assert.equal(keys.length, 2);
        for (const account of accounts) await it.ground.post(inside, account);
      });
    await Promise.all([crossing([alice, bob]), crossing([bob, alice])]);
    assert.deepEqual([await it.ground.net(it.ledger, alice), await it.ground.net(it.ledger, bob)], ["60.00", "60.00"]);
  },
};

/** An adapter of the test's own around a SQLite connection, which does something after so many statements. */
function interrupted(database: any, after: number, between: () => Promise<void> | void): Adapter {
  let statements = 0;
  return adapter({
    connection: database,
    store: "sqlite", // or it would be asked, with a statement more
    async exec(sql, params, returnsRow) {
      const statement = database.prepare(sql);
      const row = returnsRow ? statement.get(...params) : void statement.run(...params);
      if (++statements === after) await between();
      return row ? (Object.values(row)[0] as string | null) : null;
    },
  });
}

const onlySqlite: Record<string, Behaviour> = {
  async without_begin_nothing_is_written(it) {
    // The first statement reads the tx template, the second the balances, the third writes.
    const between = async (): Promise<void> => void (await it.ground.post(it.ledger));
    const error = await failure(it.ground.post(it.ledger.in(interrupted(it.host.outside, 2, between))));
    assert.ok(error instanceof MisuseError, String(error));
    assert.equal(error.code, "transaction.none");
    assert.equal(await it.ground.net(), "30.00");
  },

  async cancelled_midway_leaves_nothing(it) {
    await it.host.transaction(async (tx) => {
      await it.insert(tx);
      const controller = new AbortController();
      const inside = it.ledger.in(interrupted(tx.handle, 1, () => controller.abort(stop)));
      const error = await failure(it.ground.post(inside, it.ground.alice, { signal: controller.signal }));
      assert.ok(error instanceof CancelledError, String(error));
      assert.equal(error.cause, stop);
    });
    assert.deepEqual(await it.state(), [1, "none"]);
  },

  async retry_runs_the_whole_transaction_again(it) {
    let attempts = 0;
    await it.ledger.retrying(() =>
      it.host.transaction(async (tx) => {
        attempts += 1;
        await tx.run(`SELECT count(*) FROM ${it.table}`);
        if (attempts === 1) await it.ground.post(it.ledger);
        await it.ground.post(it.ledger.in(tx.handle));
        await it.insert(tx);
      }),
    );
    assert.equal(attempts, 2);
    assert.deepEqual(await it.state(), [1, "60.00"]);
  },

  async read_only_is_refused(it) {
    it.host.outside.exec("PRAGMA query_only = 1");
    await rolledBack(it.host, async (tx) => {
      const error = await failure(it.ground.post(it.ledger.in(tx.handle)));
      assert.ok(error instanceof PermissionError, String(error));
      assert.equal(error.code, "store.read_only");
    });
    it.host.outside.exec("PRAGMA query_only = 0");
  },

  async sync_answers_at_once(it) {
    const { ground, host, ledger } = it;
    const database = host.outside;
    const inside = ledger.in(database).sync;
    const posting = {
      txTemplateCode: `PAY-${ground.suffix}`,
      params: { account: ground.alice, debit: "30.00", credit: "30.00" },
    };
    // better-sqlite3's and bun:sqlite's own transaction(); node:sqlite has none.
    const transaction = (work: () => unknown): unknown => {
      if (typeof database.transaction === "function") return database.transaction(work)();
      database.exec("BEGIN");
      try {
        const answer = work();
        database.exec("COMMIT");
        return answer;
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      }
    };
    transaction(() => {
      database.exec(`INSERT INTO ${it.table} (note) VALUES ('one')`);
      const posted = inside.transactions().post(posting);
      assert.equal(posted.replayed, false);
      assert.deepEqual(inside.transactions().find({ id: posted.transaction.id }), posted.transaction);
      assert.equal(inside.transactions().postMany([posting]).length, 1);
      assert.equal(inside.balances().find(ground.key()).settled.net, "60.00");
      assert.equal([...inside.accounts().list({ first: 1 })].length, 4);
      assert.equal(inside.accounts().list({ first: 1 }).page().hasNextPage, true);
      assert.deepEqual(inside.lockAccounts([ground.key()]), [ground.key()]);
      assert.throws(
        () => inside.transactions().post({ ...posting, params: { ...posting.params, account: ground.locked } }),
        (error: unknown) => error instanceof RejectedError && /behaviours\.js/.test(String(error.stack)),
      );
    });
    assert.deepEqual(await it.state(), [1, "60.00"]);
    assert.throws(
      () =>
        transaction(() => {
          database.exec(`INSERT INTO ${it.table} (note) VALUES ('two')`);
          inside.transactions().post(posting);
          throw stop;
        }),
      (error: unknown) => error === stop,
    );
    assert.deepEqual(await it.state(), [1, "60.00"]);
    const slow = adapter({ connection: database, exec: async () => null });
    assert.throws(() => ledger.in(slow).sync.info(), { code: "adapter.sync" });
  },

  async a_connection_without_a_transaction_is_told_apart(it) {
    const inside = it.ledger.in(it.host.outside);
    for (const work of [() => it.ground.post(inside), async () => inside.sync.journals().create({ name: "J" })]) {
      const error = await failure(work());
      assert.ok(error instanceof MisuseError, String(error));
      assert.equal(error.code, "transaction.none");
      assert.match(error.message, /BEGIN/);
    }
    assert.equal(await it.ground.net(inside), "none");
  },

  async beside_an_open_ledger_on_the_same_file(it) {
    for (let round = 0; round < 5; round++) {
      await it.ground.post(it.ledger);
      await it.host.transaction(async (tx) => {
        await it.insert(tx);
        const inside = it.ledger.in(tx.handle);
        await it.ground.post(inside);
        assert.equal(await it.ground.net(inside), `${60 * (round + 1)}.00`);
      });
    }
    assert.deepEqual(await it.state(), [5, "300.00"]);
    assert.deepEqual(Object.values(it.host.outside.prepare("PRAGMA integrity_check").get()), ["ok"]);
  },
};

async function onPostgresCase(driver: Driver, url: string, behaviour: Behaviour): Promise<void> {
  const schema = freshSchema();
  const table = freshTable();
  await onPostgres(`CREATE TABLE ${table} (note text)`);
  try {
    await using ledger = await Ledger.open({ store: postgresUrl as string, schema, migrate: true });
    const ground = await new Ground(ledger).prepare();
    const host = await driver.connect(url);
    const count = async (): Promise<number> => Number((await onPostgres(`SELECT count(*) AS n FROM ${table}`))[0].n);
    try {
      await behaviour(new Case(ground, host, table, count, true, url));
    } finally {
      await host.end();
    }
  } finally {
    await onPostgres(`DROP TABLE ${table}`);
    await dropSchema(schema);
  }
}

const folder = temporaryFolder();

async function onSqliteCase(driver: Driver, behaviour: Behaviour): Promise<void> {
  const path = join(folder, `${freshTable()}.db`);
  const table = freshTable();
  await using ledger = await Ledger.open({ store: `sqlite:${path}` });
  const ground = await new Ground(ledger).prepare();
  const host = await driver.connect(path);
  const database = host.database ?? host.outside;
  database.exec(`CREATE TABLE ${table} (note text)`);
  const count = async (): Promise<number> => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get().n);
  try {
    await behaviour(new Case(ground, host, table, count, false, path));
  } finally {
    await host.end();
  }
}

/** A ledger that has no connection of its own, migrated and used through the host alone. */
async function hostOnly(host: Host, config: { store: string; schema?: string }): Promise<void> {
  await using ledger = await Ledger.open(config, { bigint: true });
  const ground = new Ground(ledger);
  await host.transaction(async (tx) => void (await ledger.in(tx.handle).migrate()));
  await host.transaction(async (tx) => {
    const inside = ledger.in(tx.handle);
    await ground.prepare(inside);
    await ground.post(inside);
  });
  await host.transaction(async (tx) => assert.equal(await ground.net(ledger.in(tx.handle)), "30.00"));
  await host.transaction((tx) => holdsIntegers(ground, ledger.in(tx.handle), true));
  assert.ok((await failure(ground.post(ledger))) instanceof MisuseError);
}

// On a ledger that is kept elsewhere: nothing is sent, so the program's transaction goes on.
async function elsewhere(driver: Driver, target: string, store: string, said: RegExp): Promise<void> {
  await using ledger = await Ledger.open({ store });
  const host = await driver.connect(target);
  try {
    await host.transaction(async (tx) => {
      for (const options of [{}, { savepoint: true }]) {
        assert.throws(
          () => ledger.in(tx.handle, options),
          (error: unknown) =>
            error instanceof MisuseError && error.code === "adapter.unknown" && error.txState === "usable" &&
              said.test(error.message),
        );
      }
      await tx.run("SELECT 1");
    });
  } finally {
    await host.end();
  }
}

/** Adds the tests of a PostgreSQL driver. */
export function postgresTests(driver: Driver, url: string): void {
  test(`${driver.name} a_ledger_on_sqlite_refuses_it`, () =>
    elsewhere(driver, url, "sqlite::memory:", /is of PostgreSQL, and the ledger is kept in SQLite/));
  for (const [name, behaviour] of Object.entries({ ...everywhere, ...onlyPostgres })) {
    test(`${driver.name} ${name}`, () => onPostgresCase(driver, url, behaviour));
  }
  test(`${driver.name} host_only_in_memory`, async () => {
    const schema = freshSchema();
    const host = await driver.connect(url);
    try {
      await hostOnly(host, { store: "host:postgres", schema });
    } finally {
      await host.end();
      await dropSchema(schema);
    }
  });
  const bounced = `${driver.name} pgbouncer_in_transaction_mode`;
  if (!pgbouncerUrl) return skip(bounced, "CALA_TEST_PGBOUNCER is not set");
  test(bounced, async () => {
    await onPostgresCase(driver, pgbouncerUrl as string, everywhere["commit_leaves_both"] as Behaviour);
    await onPostgresCase(driver, pgbouncerUrl as string, everywhere["rollback_leaves_neither"] as Behaviour);
  });
}

/** Adds the tests of a SQLite driver. */
export function sqliteTests(driver: Driver): void {
  // An ORM between is not the database itself, which those need.
  for (const [name, behaviour] of Object.entries(driver.orm ? everywhere : { ...everywhere, ...onlySqlite })) {
    test(`${driver.name} ${name}`, () => onSqliteCase(driver, behaviour));
  }
  test(`${driver.name} a_ledger_on_postgres_refuses_it`, () =>
    elsewhere(driver, ":memory:", "host:postgres", /is of SQLite, and the ledger is kept in PostgreSQL/));
  test(`${driver.name} host_only_in_memory`, async () => {
    const host = await driver.connect(":memory:");
    try {
      await hostOnly(host, { store: "host:sqlite" });
    } finally {
      await host.end();
    }
  });
}
