// Taking back a mistake: what was posted stays, and its void is posted beside it, once.
import { randomUUID } from "node:crypto";
import { Ledger, RejectedError } from "cala-ledger";
import { account, credit, debit, template } from "./book.mjs";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const { id: main } = await ledger.journals().create({ code: "MAIN", name: "Main" });
const bank = await account(ledger, "BANK", "debit");
const alice = await account(ledger, "ALICE");
const alan = await account(ledger, "ALAN");
const names = { [bank]: "BANK ", [alice]: "ALICE", [alan]: "ALAN " };
const entries = [debit(`uuid('${bank}')`), credit("params.wallet")];
const params = { wallet: "uuid", amount: "decimal" };
await template(ledger, main, "DEPOSIT", params, entries, { description: "'Paid in'" });

const deposit = (wallet) =>
  ledger.transactions().post({ txTemplateCode: "DEPOSIT", params: { wallet, amount: "100.00" } });

const wrong = (await deposit(alan)).transaction.id;
const taken = { id: wrong, voidId: randomUUID(), description: "Meant for Alice" };
await ledger.transactions().void(taken);
console.log("sent again:", (await ledger.transactions().void(taken)).replayed ? "replayed" : "twice!");
try {
  await ledger.transactions().void({ id: wrong });
} catch (error) {
  if (!(error instanceof RejectedError)) throw error;
  console.log("another void:", error.code);
}
await deposit(alice);

for await (const transaction of ledger.transactions().list({ journalId: main })) {
  const state = transaction.voidedBy ? "voided" : transaction.voidOf ? "void" : "stands";
  console.log(`${transaction.description}: ${state}`);
  for await (const entry of ledger.entries().list({ transactionId: transaction.id })) {
    const side = `${entry.direction.padEnd(6)} ${names[entry.accountId]}`;
    console.log(`  ${side} ${entry.units.padStart(7)}  ${entry.entryType}`);
  }
}
for (const accountId of [alan, alice]) {
  const balance = await ledger.balances().find({ journalId: main, accountId, currency: "USD" });
  console.log(`${names[accountId]} has ${balance.settled.net}`);
}
await ledger.close();
