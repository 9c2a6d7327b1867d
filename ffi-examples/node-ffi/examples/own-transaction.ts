// Statements of the program's own and postings in one transaction of the ledger's: node
// dist/examples/own-transaction.js [store]
import { Ledger, RejectedError } from "cala-ledger";
import { openShop } from "./shop.js";
import { suffixFor } from "./suffix.js";

const store = process.argv[2] ?? "sqlite::memory:";
const suffix = suffixFor(store);
const orders = `"orders${suffix}"`;
const insert = `INSERT INTO ${orders} (note) VALUES ('one order')`;
await using ledger = await Ledger.open({ store, migrate: true });
const shop = await openShop(ledger, suffix);
const carol = await ledger.accounts().create({ code: `CAROL${suffix}`, name: "Carol" });
await ledger.accounts().lock(carol);

/** Runs one statement in a transaction of its own. */
async function once(sql: string): Promise<string | null | undefined> {
  await using tx = await ledger.begin();
  const { rows } = await tx.exec(sql);
  await tx.commit();
  return rows[0]?.[0];
}
const summary = async (): Promise<string> => shop.summary(Number(await once(`SELECT count(*) FROM ${orders}`)));

await once(`CREATE TABLE ${orders} (note text)`);
{
  await using tx = await ledger.begin();
  await tx.exec(insert);
  await shop.pay(tx, shop.alice);
  await tx.rollback();
}
console.log(`rolled back: ${await summary()}`);
{
  await using tx = await ledger.begin();
  await tx.exec(insert);
  await shop.pay(tx, shop.alice);
  await tx.commit();
}
console.log(`committed: ${await summary()}`);
{
  await using tx = await ledger.begin();
  await tx.exec(insert);
  try {
    await shop.pay(tx, carol.id);
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    console.log(
      `rejected inside: ${error.code}, the transaction ${error.txState === "usable" ? "goes on" : "is over"}`,
    );
  }
  await tx.commit();
}
console.log(`committed: ${await summary()}`);
await once(`DROP TABLE ${orders}`);
