// Two-phase commit: the order in the program's database and the payment in the ledger's, both or neither, whenever it
// is killed. On PostgreSQL: node dist/examples/two-phase.js postgres://...
import { Ledger, type Prepared, type PreparedOutcome } from "cala-ledger";
import { connect, inTransaction } from "./connection.js";
import { openShop } from "./shop.js";
import { suffixFor } from "./suffix.js";

const store = process.argv[2] ?? "";
const suffix = suffixFor(store);
const [orders, decisions] = [`"orders${suffix}"`, `"decisions${suffix}"`];
// The program's own database. Here it is that of the ledger, and could be any.
const own = await connect(store);
await own.run(`CREATE TABLE ${orders} (gid text PRIMARY KEY)`);
await own.run(
  `CREATE TABLE ${decisions} (gid text PRIMARY KEY, outcome text NOT NULL CHECK (outcome IN ('commit', 'rollback')))`,
);
const ledger = await Ledger.open({ store, migrate: true });
const shop = await openShop(ledger, suffix);

async function order(gid: string, killed?: string): Promise<void> {
  await using tx = await ledger.begin();
  await shop.pay(tx, shop.alice);
  await tx.prepare(gid);
  if (killed === "before the decision") return;
  await inTransaction(store, own, async () => {
    await own.run(`INSERT INTO ${orders} VALUES (?)`, gid);
    await own.run(`INSERT INTO ${decisions} VALUES (?, 'commit')`, gid);
  });
  if (killed === "after the decision") return;
  await ledger.prepared().finish({ gid, outcome: "commit" });
  await own.run(`DELETE FROM ${decisions} WHERE gid = ?`, gid);
}

/** What the program decided: before anybody else can, that it is rolled back. */
async function decided({ gid }: Prepared): Promise<PreparedOutcome | undefined> {
  if (!gid.startsWith("order") || !gid.endsWith(suffix)) return undefined; // another program's
  await own.run(`INSERT INTO ${decisions} VALUES (?, 'rollback') ON CONFLICT DO NOTHING`, gid);
  const [row] = await own.run(`SELECT outcome FROM ${decisions} WHERE gid = ?`, gid);
  return row.outcome;
}

async function recover(): Promise<void> {
  const { committed, rolledBack, left } = await ledger.recover({ decided });
  const said = (those: Prepared[], what: string): string[] =>
    those.filter(({ gid }) => gid.endsWith(suffix)).map(({ gid }) => `${gid.slice(0, -suffix.length)} ${what}`);
  const all = [...said(committed, "committed"), ...said(rolledBack, "rolled back"), ...said(left, "left")];
  console.log(`  recovery: ${all.join(", ")}`);
}

async function show(what: string): Promise<void> {
  const [row] = await own.run(`SELECT count(*) AS count FROM ${orders}`);
  console.log(`${what}: ${await shop.summary(Number(row.count))}`);
}

const theirs = await ledger.begin();
await theirs.accounts().create({ code: `THEIRS${suffix}`, name: "An account of another program's" });
await theirs.prepare(`theirs${suffix}`);
await order(`order1${suffix}`);
await show("nobody is killed");
await recover();
for (const [number, killed] of [
  [2, "before the decision"],
  [3, "after the decision"],
]) {
  await order(`order${number}${suffix}`, String(killed));
  await show(`killed ${killed}`);
  await recover();
  await show("and then");
}
await ledger.prepared().finish({ gid: `theirs${suffix}`, outcome: "rollback" });
await ledger.close();
await own.run(`DROP TABLE ${orders}, ${decisions}`);
await own.end();
