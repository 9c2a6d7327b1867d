import { Ledger } from "cala-ledger";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const alice = await ledger.accounts().create({ code: "ALICE", name: "Alice" });
const cash = await ledger.accounts().create({ code: "CASH", name: "Cash", normalBalanceType: "debit" });
const journal = await ledger.journals().create({ name: "Main" });

const money = { layer: "SETTLED", units: "params.amount", currency: "'USD'" };
await ledger.txTemplates().create({
  code: "DEPOSIT",
  params: [
    { name: "account", type: "uuid" },
    { name: "amount", type: "decimal" },
  ],
  transaction: { journalId: `uuid('${journal.id}')`, effective: "date()" },
  entries: [
    { entryType: "'DEPOSIT_DR'", accountId: `uuid('${cash.id}')`, direction: "DEBIT", ...money },
    { entryType: "'DEPOSIT_CR'", accountId: "params.account", direction: "CREDIT", ...money },
  ],
});

await ledger.transactions().post({ txTemplateCode: "DEPOSIT", params: { account: alice.id, amount: "100.00" } });
const balance = await ledger.balances().find({ journalId: journal.id, accountId: alice.id, currency: "USD" });
console.log("Alice has", balance.settled.net, balance.currency);
await ledger.close();
