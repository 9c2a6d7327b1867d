// Reversing a mistake: what was posted stays, its opposite is posted beside it, once.
import { Ledger } from "cala-ledger";
import { account, credit, debit, template } from "./book.mjs";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const { id: main } = await ledger.journals().create({ code: "MAIN", name: "Main" });
const bank = await account(ledger, "BANK", "debit");
const alice = await account(ledger, "ALICE");
const alan = await account(ledger, "ALAN");
const names = { [bank]: "BANK ", [alice]: "ALICE", [alan]: "ALAN " };

const entries = [debit(`uuid('${bank}')`), credit("params.wallet")];
await template(ledger, main, "DEPOSIT", { wallet: "uuid", amount: "decimal" }, entries, { description: "'Paid in'" });
// One reversal a transaction: a second one has the same external id.
await template(
  ledger,
  main,
  "REVERSAL",
  { debit: "uuid", credit: "uuid", amount: "decimal", of: "string", reason: "string" },
  [debit("params.debit"), credit("params.credit")],
  { externalId: "'reversal of ' + params.of", correlationId: "params.of", description: "params.reason" },
);

const deposit = async (wallet) => {
  const params = { wallet, amount: "100.00" };
  return (await ledger.transactions().post({ txTemplateCode: "DEPOSIT", params })).transaction.id;
};
const entriesOf = async (transactionId) => (await ledger.entries().list({ transactionId }).page()).items;

async function reverse(of, reason) {
  const [debited, credited] = await entriesOf(of);
  const params = { debit: credited.accountId, credit: debited.accountId, amount: debited.units, of, reason };
  return ledger.transactions().post({ txTemplateCode: "REVERSAL", params });
}

const wrong = await deposit(alan);
await reverse(wrong, "Meant for Alice");
await deposit(alice);
console.log("reversed again:", (await reverse(wrong, "Meant for Alice")).replayed ? "replayed" : "twice!");

for await (const transaction of ledger.transactions().list({ journalId: main })) {
  console.log(transaction.txTemplateCode, transaction.description);
  for (const entry of await entriesOf(transaction.id)) {
    console.log(`  ${entry.direction.padEnd(6)} ${names[entry.accountId]} ${entry.units}`);
  }
}
for (const accountId of [alan, alice]) {
  const balance = await ledger.balances().find({ journalId: main, accountId, currency: "USD" });
  console.log(`${names[accountId]} has ${balance.settled.net}`);
}
await ledger.close();
