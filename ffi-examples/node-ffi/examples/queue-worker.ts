// The program first, a queue worker: the program queues postings in a table of its own, in the transaction that they
// belong to. Workers take them from there; each posts and marks its row in one transaction, so whatever is killed when,
// it happened once: node dist/examples/queue-worker.js [store]. It is its own worker: ... STORE worker TABLE
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CalaError, Ledger, type Posted } from "cala-ledger";
import { type Connection, connect, inTransaction, isSqlite } from "./connection.js";
import { suffixFor } from "./suffix.js";

interface Work {
  /** False: the queue is in another database than the ledger. */
  oneDatabase?: boolean;
  beforeCommit?(): Promise<void>;
}

/** What would be refused again. */
function isFinal(error: unknown): error is CalaError {
  if (!(error instanceof CalaError) || error.retryable || error.txState !== "usable") return false;
  return ["INVALID", "NOT_FOUND", "CONFLICT", "REJECTED"].includes(error.status);
}

/** Params as they were queued; undefined where that is no JSON. */
function read(params: string): Record<string, string> | undefined {
  try {
    return JSON.parse(params);
  } catch {
    return undefined;
  }
}

/** Posts what is first in the queue, and marks it. Gives what became of it, undefined when there is nothing to do. */
async function workOne(
  ledger: Ledger,
  store: string,
  connection: Connection,
  table: string,
  { oneDatabase = true, beforeCommit }: Work = {},
): Promise<Posted | string | undefined> {
  return inTransaction(store, connection, async () => {
    // On PostgreSQL workers pass over each other's rows; on SQLite whoever writes is alone.
    const skip = isSqlite(store) ? "" : "FOR UPDATE SKIP LOCKED";
    const [row] = await connection.run(
      `SELECT id, transaction_id, template, params FROM ${table} WHERE status = 'queued' ORDER BY id LIMIT 1 ${skip}`,
    );
    if (!row) return undefined;
    const where = oneDatabase ? ledger.in(connection.handle) : ledger;
    const params = read(row.params);
    let outcome: Posted | string = "params are no JSON";
    if (params) {
      const posting = { id: row.transaction_id, txTemplateCode: row.template, params };
      try {
        outcome = await where.transactions().post(posting);
      } catch (error) {
        if (!isFinal(error)) throw error; // the row stays queued
        outcome = error.code;
      }
    }
    const [status, code] = typeof outcome === "string" ? ["failed", outcome] : ["posted", null];
    await connection.run(`UPDATE ${table} SET status = ?, error = ? WHERE id = ?`, status, code, row.id);
    await beforeCommit?.();
    return outcome;
  });
}

async function count(connection: Connection, table: string, status = "queued"): Promise<number> {
  const [row] = await connection.run(`SELECT count(*) AS n FROM ${table} WHERE status = '${status}'`);
  return Number(row.n);
}

/** The worker: until the queue is empty. */
async function worker(store: string, table: string, doomed: boolean): Promise<void> {
  const connection = await connect(store);
  await using ledger = await Ledger.open({ store });
  const stop = async (): Promise<void> => {
    console.log("posted");
    await pause(60_000);
  };
  const options = doomed ? { beforeCommit: stop } : {};
  while ((await count(connection, table)) > 0) {
    const done = await ledger.retrying(() => workOne(ledger, store, connection, table, options));
    if (done === undefined) await pause(20); // the others' rows may yet come back
  }
  await connection.end();
}

async function main(store: string, otherStore: string): Promise<void> {
  const suffix = suffixFor(store);
  let table = `"due${suffix}"`;
  const connection = await connect(store);
  await using ledger = await Ledger.open({ store, migrate: true });
  const { id: journalId } = await ledger.journals().create({ name: "Main" });
  const account = async (code: string): Promise<string> =>
    (await ledger.accounts().create({ code: `${code}${suffix}`, name: code })).id;
  const [alice, closed, cash] = [await account("ALICE"), await account("CLOSED"), await account("CASH")];
  await ledger.accounts().lock({ id: closed });
  const shared = { entryType: "'PAYMENT'", layer: "SETTLED", units: "params.amount", currency: "'USD'" };
  await ledger.txTemplates().create({
    code: `PAYMENT${suffix}`,
    params: [
      { name: "account", type: "uuid" },
      { name: "amount", type: "decimal" },
    ],
    transaction: { journalId: `uuid('${journalId}')`, effective: "date()" },
    entries: [
      { ...shared, accountId: `uuid('${cash}')`, direction: "DEBIT" },
      { ...shared, accountId: "params.account", direction: "CREDIT" },
    ],
  });

  const makeQueue = (where: Connection): Promise<unknown> =>
    where.run(`CREATE TABLE ${table} (id integer PRIMARY KEY, transaction_id text NOT NULL UNIQUE,
      template text NOT NULL, params text NOT NULL, status text NOT NULL DEFAULT 'queued', error text)`);
  const queue = (where: Connection, id: number, account: string): Promise<unknown> =>
    where.run(
      `INSERT INTO ${table} (id, transaction_id, template, params) VALUES (?, ?, ?, ?)`,
      id,
      randomUUID(),
      `PAYMENT${suffix}`,
      JSON.stringify({ account, amount: "5.00" }),
    );
  const balance = async (): Promise<string> => {
    const [found] = await ledger.balances().findMany([{ journalId, accountId: alice, currency: "USD" }]);
    return `ALICE has ${found ? `${found.settled.net} USD` : "no balance"}`;
  };
  const start = (...more: string[]): ReturnType<typeof spawn> =>
    spawn(process.execPath, [fileURLToPath(import.meta.url), store, "worker", table, ...more], {
      stdio: ["ignore", "pipe", "inherit"],
    });

  await makeQueue(connection);
  for (let number = 1; number <= 10; number++) await queue(connection, number, number === 4 ? closed : alice);
  await connection.run(`UPDATE ${table} SET params = 'no JSON' WHERE id = 7`);
  console.log(`${await count(connection, table)} payments are queued`);

  const doomed = start("doomed");
  await once(doomed.stdout as NodeJS.ReadableStream, "data");
  console.log(`a worker posted one, and before its commit: ${await count(connection, table)} queued, ` +
    `${await balance()}`);
  const other = start();
  const ended = Promise.all([once(doomed, "exit"), once(other, "exit")]);
  doomed.kill("SIGKILL");
  await ended;
  console.log(
    `it was killed, and another went on: ${await count(connection, table, "posted")} posted,`,
    `${await count(connection, table)} queued`,
  );
  const failed = await connection.run(`SELECT id, error FROM ${table} WHERE status = 'failed' ORDER BY id`);
  for (const { id, error } of failed) console.log(`  ${id} failed: ${error}`);
  const posted = await ledger.transactions().list({ journalId }).page();
  console.log(`${await balance()} by ${posted.items.length} transactions`);

  // Two databases: the posting commits by itself, before the mark.
  const elsewhere = await connect(otherStore);
  table = `"far_due${suffix}"`;
  await makeQueue(elsewhere);
  await queue(elsewhere, 1, alice);
  const die = (): Promise<void> => Promise.reject(new Error("killed"));
  await workOne(ledger, otherStore, elsewhere, table, { oneDatabase: false, beforeCommit: die }).catch(() => undefined);
  console.log(
    `with the queue in another database, killed between the two: ${await count(elsewhere, table)} queued,`,
    await balance(),
  );
  const again = await workOne(ledger, otherStore, elsewhere, table, { oneDatabase: false });
  const what = typeof again === "object" && again.replayed ? "replayed" : "posted";
  console.log(`again: ${what}, ${await count(elsewhere, table)} queued, ${await balance()}`);
  await elsewhere.end();
  await connection.end();
}

const [, , given, role, table, ...more] = process.argv;
if (role === "worker") {
  await worker(given as string, table as string, more.includes("doomed"));
} else {
  const folder = await mkdtemp(join(tmpdir(), "cala-sample-"));
  const store = given ?? `sqlite:${join(folder, "ledger.db")}`;
  await main(store, isSqlite(store) ? `sqlite:${join(folder, "queue.db")}` : store);
  await rm(folder, { recursive: true });
}
