// Two accounts, a journal, a tx template, one posting: node dist/examples/basic.js [store]
import { randomUUID } from "node:crypto";
import { CalaError, Ledger } from "cala-ledger";
import { suffixFor } from "./suffix.js";

const store = process.argv[2] ?? "sqlite::memory:";
const suffix = suffixFor(store);
const ledger = await Ledger.open({ store, migrate: true });

const alice = await ledger.accounts().create({ code: `ALICE${suffix}`, name: "Alice" });
const cash = await ledger.accounts().create({ code: `CASH${suffix}`, name: "Cash", normalBalanceType: "debit" });
const names = new Map([
  [alice.id, "ALICE"],
  [cash.id, "CASH"],
]);
console.log("accounts");
for await (const account of ledger.accounts().list()) {
  const name = names.get(account.id);
  if (name) console.log(`  ${name.padEnd(5)}  ${account.name.padEnd(5)}  ${account.normalBalanceType}`);
}

const main = await ledger.journals().create({ code: `MAIN${suffix}`, name: "Main" });
const shared = { layer: "SETTLED", units: "params.amount", currency: "'USD'" };
await ledger.txTemplates().create({
  code: `DEPOSIT${suffix}`,
  params: [
    { name: "journal", type: "uuid" },
    { name: "cash", type: "uuid" },
    { name: "account", type: "uuid" },
    { name: "amount", type: "decimal" },
    { name: "effective", type: "date" },
  ],
  transaction: { journalId: "params.journal", effective: "params.effective" },
  entries: [
    { entryType: "'DEPOSIT_DR'", accountId: "params.cash", direction: "DEBIT", ...shared },
    { entryType: "'DEPOSIT_CR'", accountId: "params.account", direction: "CREDIT", ...shared },
  ],
});

const deposit = {
  id: randomUUID(),
  txTemplateCode: `DEPOSIT${suffix}`,
  params: { journal: main.id, cash: cash.id, account: alice.id, amount: "100.00", effective: "2026-01-31" },
};
const posted = await ledger.transactions().post(deposit);
console.log("posted DEPOSIT");
for (const entry of posted.entries) {
  const name = names.get(entry.accountId)?.padEnd(5);
  console.log(
    `  ${entry.sequence}  ${name}  ${entry.direction.padEnd(6)}  ${entry.units} ${entry.currency}  ${entry.layer}`,
  );
}

console.log("balances");
for (const account of [alice, cash]) {
  const balance = await ledger.balances().find({ journalId: main.id, accountId: account.id, currency: "USD" });
  console.log(`  ${names.get(account.id)?.padEnd(5)}  ${balance.settled.net} ${balance.currency}`);
}

const again = await ledger.transactions().post(deposit);
console.log(`posted again: ${again.replayed ? "replayed" : "twice"}`);
try {
  await ledger.accounts().find({ code: `NOBODY${suffix}` });
} catch (error) {
  if (!(error instanceof CalaError)) throw error;
  console.log(`not found: ${error.code}`);
}
await ledger.close();
console.log("closed");
