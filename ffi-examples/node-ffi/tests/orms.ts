// The ORMs and the drivers that need no Node of their own: one version of Node is enough for them.
import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { join } from "node:path";
import { Ledger, MisuseError, UnavailableError, lostRace } from "cala-ledger";
import { postgresTests, sqliteTests } from "./behaviours.js";
import { Ground, addressOf, postgresUrl, temporaryFolder } from "./ground.js";
import type { Driver } from "./hosts.js";
import { prismaClient } from "./prisma.js";
import { failure, run, skip, test } from "./runner.js";

const prisma = (major: 6 | 7): Driver => ({
  name: `prisma ${major}`,
  async connect(url) {
    const client = prismaClient(major, addressOf(url));
    return {
      outside: client,
      end: () => client.$disconnect(),
      transaction: (work) => client.$transaction((tx: any) => work({ handle: tx,
        run: (sql) => tx.$executeRawUnsafe(sql) })),
    };
  },
});

const pgPromise: Driver = {
  name: "pg-promise",
  async connect(url) {
    const { default: driver } = await import("pg-promise");
    const db = driver({ noWarnings: true })({ ...addressOf(url), max: 4 });
    return {
      outside: db,
      end: () => db.$pool.end(),
      transaction: (work) => db.tx((t) => work({ handle: t, run: (sql) => t.any(sql) })),
    };
  },
};

// Both what Sequelize itself hands over and the connection in it can be passed.
const sequelize = (name: string, handleOf: (transaction: any) => any): Driver => ({
  name,
  async connect(url) {
    const { Sequelize } = await import("sequelize");
    const { user: username, ...address } = addressOf(url);
    const db = new Sequelize({ dialect: "postgres", ...address, username, logging: false, pool: { max: 4 } });
    return {
      outside: await db.transaction().then(async (over) => {
        await over.rollback();
        return over;
      }),
      end: () => db.close(),
      transaction: (work) =>
        db.transaction((t) => work({ handle: handleOf(t),
          run: (sql) => db.query(sql, { transaction: t, raw: true }) })),
    };
  },
});

const mikroOrm: Driver = {
  name: "MikroORM",
  async connect(url) {
    const { EntitySchema, MikroORM } = await import("@mikro-orm/postgresql");
    const { database: dbName, ...address } = addressOf(url);
    const note = new EntitySchema({ name: "Note", properties: { note: { type: "string", primary: true } } });
    const orm = await MikroORM.init({ entities: [note], dbName, ...address, pool: { min: 0, max: 4 } } as any);
    const em = orm.em.fork();
    return {
      outside: (em.getConnection() as any).getClient(),
      end: () => orm.close(),
      transaction: (work) =>
        orm.em.fork().transactional((own: any) =>
          work({
            handle: own.getTransactionContext(),
            run: (sql) => own.getConnection().execute(sql, [], "run", own.getTransactionContext()),
          }),
        ),
    };
  },
};

const objection: Driver = {
  name: "Objection",
  async connect(url) {
    const [{ Model }, { default: knex }] = await Promise.all([import("objection"), import("knex")]);
    const db = knex.knex({ client: "pg", connection: addressOf(url), pool: { min: 0, max: 4 } });
    class Note extends Model {
      static override tableName = "notes";
    }
    Note.knex(db);
    return {
      outside: Note.knex(),
      end: () => db.destroy(),
      transaction: (work) => Note.transaction((trx) => work({ handle: trx, run: async (sql) => trx.raw(sql) })),
    };
  },
};

const knexSqlite: Driver = {
  name: "knex (better-sqlite3)",
  orm: true,
  async connect(path) {
    const sqlite: string = "better-sqlite3";
    const [{ default: driver }, { default: Database }] = await Promise.all([import("knex"), import(sqlite)]);
    const db = driver.knex({ client: "better-sqlite3", connection: { filename: path }, useNullAsDefault: true });
    const database = path === ":memory:" ? undefined : new Database(path);
    return {
      outside: db,
      database,
      async end() {
        await db.destroy();
        database?.close();
      },
      transaction: (work) => db.transaction((trx) => work({ handle: trx, run: async (sql) => trx.raw(sql) })),
    };
  },
};

for (const driver of [
  prisma(7),
  prisma(6),
  pgPromise,
  sequelize("Sequelize", (transaction) => transaction),
  sequelize("Sequelize (connection)", (transaction) => transaction.connection),
  mikroOrm,
  objection,
]) {
  if (postgresUrl) postgresTests(driver, postgresUrl);
  else skip(driver.name, "CALA_TEST_POSTGRES is not set");
}
sqliteTests(knexSqlite);

test("drizzle (better-sqlite3) sync_inside_its_transaction", async () => {
  const sqlite: string = "better-sqlite3";
  const [{ drizzle }, { sql }, { default: Database }] = await Promise.all([
    import("drizzle-orm/better-sqlite3"),
    import("drizzle-orm"),
    import(sqlite),
  ]);
  const path = join(temporaryFolder(), "drizzle.db");
  await using ledger = await Ledger.open({ store: `sqlite:${path}` });
  const ground = await new Ground(ledger).prepare();
  const database = new Database(path);
  const db = drizzle(database);
  db.run(sql`CREATE TABLE notes (note text)`);
  const posting = {
    txTemplateCode: `PAY-${ground.suffix}`,
    params: { account: ground.alice, debit: "30.00", credit: "30.00" },
  };
  const stop = new Error("rolled back on purpose");
  for (const thrown of [undefined, stop]) {
    const work = (): void =>
      db.transaction((tx) => {
        tx.run(sql`INSERT INTO notes VALUES ('one')`);
        ledger.in(tx).sync.transactions().post(posting);
        if (thrown) throw thrown;
      });
    if (thrown) assert.throws(work, (error) => error === stop);
    else work();
    assert.deepEqual(db.all(sql`SELECT count(*) AS n FROM notes`), [{ n: 1 }]);
    assert.equal(await ground.net(), "30.00");
  }
  assert.throws(() => ledger.in(db as any).sync.transactions().post(posting), { code: "transaction.none" });
  database.close();
});

test("what_prisma_throws_is_understood", async () => {
  // Its own engine, before driver adapters: the SQLSTATE is beside the message.
  const raw = (code: string): Error =>
    Object.assign(new Error("Raw query failed"), { code: "P2010", clientVersion: "6.0.0",
      meta: { code, message: "no" } });
  assert.ok(lostRace(raw("40001")) && lostRace(raw("40P01")) && !lostRace(raw("23505")));
  assert.ok(lostRace(Object.assign(new Error("write conflict"), { code: "P2034", clientVersion: "7.0.0" })));
  assert.ok(!lostRace(Object.assign(new Error("no such record"), { code: "P2025", clientVersion: "7.0.0" })));
  await using ledger = await Ledger.open({ store: "host:postgres" });
  for (const major of [6, 7] as const) {
    const client = prismaClient(major, { host: "/nowhere", port: 1, user: "x", database: "x" });
    const outside = await failure(ledger.in(client).journals().create({ name: "J" }));
    assert.deepEqual([outside.name, outside.code], ["MisuseError", "transaction.none"]);
    assert.match(outside.message, /a Prisma client.*\$transaction/);
    const away = await failure(ledger.in(client).journals().list().page());
    assert.ok(away instanceof UnavailableError, String(away));
    await client.$disconnect();
  }
  if (!postgresUrl) return;
  for (const major of [6, 7] as const) {
    const client = prismaClient(major, addressOf(postgresUrl));
    const over = await client.$transaction(async (tx: any) => tx);
    const late = await failure(ledger.in(over).journals().create({ name: "J" }));
    assert.deepEqual([late.name, late.code], ["MisuseError", "transaction.none"]);
    assert.match(late.message, /a finished Prisma transaction/);
    await client.$disconnect();
  }
});

test("handles_that_cannot_be_used_are_named", async () => {
  const { default: mysql } = await import("mysql2");
  const { default: mysqlPromise } = await import("mysql2/promise");
  const { createPool } = await import("slonik");
  const { Sequelize } = await import("sequelize");
  await using postgres = await Ledger.open({ store: "host:postgres" });
  await using sqlite = await Ledger.open({ store: "sqlite::memory:" });
  const silent = (): Duplex => new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const connection = mysql.createConnection({ stream: silent });
  const pools = [mysql.createPool({ host: "/nowhere" }), mysqlPromise.createPool({ host: "/nowhere" })];
  const address = { dialect: "postgres", host: "/nowhere", logging: false } as const;
  for (const [handle, ledger, said] of [
    [connection, sqlite, /MySQL/],
    [connection.promise(), postgres, /MySQL/],
    [pools[0], postgres, /MySQL/],
    [pools[1], sqlite, /MySQL/],
    [new Sequelize(address), postgres, /a Sequelize instance: pass the t of/],
  ] as [any, Ledger, RegExp][]) {
    assert.throws(
      () => ledger.in(handle),
      (error: unknown) => error instanceof MisuseError && error.code === "adapter.unknown" && said.test(error.message),
      String(said),
    );
  }
  connection.destroy();
  for (const pool of pools) void pool.end();
  if (!postgresUrl) return;
  const { host, port, user, database } = addressOf(postgresUrl);
  const real = await createPool(`postgres://${user}@${encodeURIComponent(host)}:${port}/${database}`);
  const refused = { code: "adapter.unknown", message: /slonik.*adapter\(/ };
  assert.throws(() => postgres.in(real as any), refused);
  await real.transaction(async (tx) => assert.throws(() => postgres.in(tx as any), refused));
  await real.end();
});

await run("orms");
