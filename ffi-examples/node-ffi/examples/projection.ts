// Collapse the boundary: what follows from the ledger's events is written into the program's tables in the transaction
// that keeps the place. Each event counts once, whatever is killed when, and the tables can be made anew from the
// start: node dist/examples/projection.js [store]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Event, type HostHandle, Ledger, type Projection } from "cala-ledger";
import { type Connection, connect } from "./connection.js";
import { suffixFor } from "./suffix.js";

const folder = await mkdtemp(join(tmpdir(), "cala-sample-"));
const store = process.argv[2] ?? `sqlite:${join(folder, "ledger.db")}`;
const suffix = suffixFor(store);
const totals = `"totals${suffix}"`;
const ledger = await Ledger.open({ store, migrate: true });
const { id: journalId } = await ledger.journals().create({ name: "Main" });
const account = async (code: string): Promise<string> =>
  (await ledger.accounts().create({ code: `${code}${suffix}`, name: code })).id;
const [alice, bob, cash] = [await account("ALICE"), await account("BOB"), await account("CASH")];
const shared = { entryType: "'PAYMENT'", layer: "SETTLED", units: "decimal('1')", currency: "'USD'" };
await ledger.txTemplates().create({
  code: `PAYMENT${suffix}`,
  params: [{ name: "account", type: "uuid" }],
  transaction: { journalId: `uuid('${journalId}')`, effective: "date()" },
  entries: [
    { ...shared, accountId: `uuid('${cash}')`, direction: "DEBIT" },
    { ...shared, accountId: "params.account", direction: "CREDIT" },
  ],
});
const names = new Map([
  [alice, "ALICE"],
  [bob, "BOB"],
]);
const [mine, another] = [await connect(store), await connect(store)];
await mine.run(`CREATE TABLE ${totals} (account text PRIMARY KEY, payments integer NOT NULL)`);

async function pay(...accounts: string[]): Promise<void> {
  for (const account of accounts) {
    await ledger.transactions().post({ txTemplateCode: `PAYMENT${suffix}`, params: { account } });
  }
}

/** What follows from an event: applied twice, it would be wrong. */
async function count(where: Connection, event: Event): Promise<void> {
  for (const { accountId } of event.entries ?? []) {
    const name = names.get(accountId);
    if (!name) continue;
    await where.run(
      `INSERT INTO ${totals} VALUES (?, 1) ON CONFLICT (account) DO UPDATE SET payments = ${totals}.payments + 1`,
      name,
    );
  }
}

function projection(where: Connection, apply = count): Projection<HostHandle> {
  return ledger.projection({
    name: `totals${suffix}`,
    apply: (_, event) => apply(where, event),
    clear: () => where.run(`DELETE FROM ${totals}`),
    transaction: async (work) => {
      await where.run("BEGIN");
      try {
        const done = await work(where.handle);
        await where.run("COMMIT");
        return done;
      } catch (error) {
        await where.run("ROLLBACK");
        throw error;
      }
    },
    types: ["transaction_created"],
    journalId,
    entries: true,
    pageSize: 2,
  });
}

async function show(what: string): Promise<void> {
  const rows = await mine.run(`SELECT account, payments FROM ${totals} ORDER BY account`);
  console.log(`${what}: ${rows.map((row) => `${row.account} ${row.payments} payments`).join(", ")}`);
}

await pay(alice, bob, alice, bob);
await show(`caught up with ${await projection(mine).catchUp()} events`);

await pay(alice, bob, alice);
let seen = 0;
const dies = async (where: Connection, event: Event): Promise<void> => {
  await count(where, event);
  if (++seen === 2) throw new Error("killed");
};
await projection(mine, dies)
  .catchUp()
  .catch(() => show("killed in the middle"));
await show(`and again, ${await projection(mine).catchUp()} events`);

await pay(alice);
const late = async (where: Connection, event: Event): Promise<void> => {
  await projection(another).catchUp();
  await count(where, event);
};
await projection(mine, late).catchUp();
await show("another process at the same time");
await show(`rebuilt from the start with ${await projection(mine).rebuild()} events`);
await ledger.listeners().remove({ name: `totals${suffix}` });
await another.end();
await mine.end();
await ledger.close();
await rm(folder, { recursive: true });
