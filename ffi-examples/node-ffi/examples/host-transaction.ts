// Postings in the program's own transaction, on its own driver: node dist/examples/host-transaction.js [store]
// SQLite: node:sqlite or bun:sqlite; PostgreSQL: pg.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type HostHandle, Ledger } from "cala-ledger";
import { openShop } from "./shop.js";
import { suffixFor } from "./suffix.js";

/** The program's connection: what the sample needs of any driver. */
interface Connection {
  handle: HostHandle;
  run(sql: string): Promise<unknown>;
  count(sql: string): Promise<number>;
  end(): Promise<void>;
}

async function postgres(connectionString: string): Promise<Connection> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return {
    handle: client,
    run: (sql) => client.query(sql),
    count: async (sql) => Number((await client.query(sql)).rows[0].n),
    end: () => client.end(),
  };
}

async function sqlite(path: string): Promise<Connection> {
  const module: string = "Bun" in globalThis ? "bun:sqlite" : "node:sqlite";
  const { Database, DatabaseSync } = await import(module);
  const database = new (Database ?? DatabaseSync)(path);
  return {
    handle: database,
    run: async (sql) => database.exec(sql),
    count: async (sql) => database.prepare(sql).get().n,
    end: async () => database.close(),
  };
}

const folder = await mkdtemp(join(tmpdir(), "cala-sample-"));
const store = process.argv[2] ?? `sqlite:${join(folder, "shop.db")}`;
const suffix = suffixFor(store);
const orders = `"orders${suffix}"`;
const insert = `INSERT INTO ${orders} (note) VALUES ('one order')`;
const ledger = await Ledger.open({ store, migrate: true });
const mine = await (store.startsWith("sqlite:") ? sqlite(store.slice("sqlite:".length)) : postgres(store));
const shop = await openShop(ledger, suffix);
const summary = async (): Promise<string> => shop.summary(await mine.count(`SELECT count(*) AS n FROM ${orders}`));
const id = randomUUID();

async function inTransaction(work: () => Promise<void>): Promise<void> {
  await mine.run("BEGIN");
  try {
    await work();
    await mine.run("COMMIT");
  } catch (error) {
    await mine.run("ROLLBACK");
    throw error;
  }
}

await mine.run(`CREATE TABLE ${orders} (note text)`);
await mine.run("BEGIN");
await mine.run(insert);
await shop.pay(ledger.in(mine.handle), shop.alice, id);
await mine.run("ROLLBACK");
console.log(`rolled back: ${await summary()}`);

await ledger.retrying(() =>
  inTransaction(async () => {
    await mine.run(insert);
    await shop.pay(ledger.in(mine.handle), shop.alice, id);
  }),
);
console.log(`committed: ${await summary()}`);

await mine.run("BEGIN");
await mine.run(insert);
const again = await shop.pay(ledger.in(mine.handle), shop.alice, id);
console.log(`posted again inside: ${again.replayed ? "replayed" : "twice"}`);
await mine.run("COMMIT");
console.log(`committed: ${await summary()}`);

await mine.run(`DROP TABLE ${orders}`);
await mine.end();
await ledger.close();
await rm(folder, { recursive: true });
