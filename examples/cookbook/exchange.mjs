// Currency exchange: euros for dollars, at a rate, each currency balanced by itself.
import { Ledger } from "cala-ledger";
import { account, credit, debit, template } from "./book.mjs";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const { id: main } = await ledger.journals().create({ code: "MAIN", name: "Main" });
const bank = await account(ledger, "BANK", "debit");
const desk = await account(ledger, "DESK");
const alice = await account(ledger, "ALICE");

const currency = (param) => ({ currency: `params.${param}` });
await template(ledger, main, "DEPOSIT", { wallet: "uuid", amount: "decimal", currency: "string" }, [
  debit(`uuid('${bank}')`, "params.amount", currency("currency")),
  credit("params.wallet", "params.amount", currency("currency")),
]);
// DESK takes what is sold and gives what is bought: its two balances are the house's position.
const bought = "decimal.Round(params.amount * params.rate, 2, 'HALF_EVEN')";
const params = { wallet: "uuid", amount: "decimal", sold: "string", bought: "string", rate: "decimal" };
const legs = [
  debit("params.wallet", "params.amount", currency("sold")),
  credit(`uuid('${desk}')`, "params.amount", currency("sold")),
  debit(`uuid('${desk}')`, bought, currency("bought")),
  credit("params.wallet", bought, currency("bought")),
];
await template(ledger, main, "EXCHANGE", params, legs, { metadata: "{'rate': params.rate}" });

const deposit = { wallet: alice, amount: "250.00", currency: "EUR" };
await ledger.transactions().post({ txTemplateCode: "DEPOSIT", params: deposit });
const exchange = { wallet: alice, amount: "100.00", sold: "EUR", bought: "USD", rate: "1.08335" };
const posted = await ledger.transactions().post({ txTemplateCode: "EXCHANGE", params: exchange });
console.log("at", posted.transaction.metadata.rate);
for (const entry of posted.entries) {
  const name = entry.accountId === alice ? "ALICE" : "DESK ";
  console.log(`${entry.direction.padEnd(6)} ${name} ${entry.units.padStart(6)} ${entry.currency}`);
}
for (const [code, id] of [
  ["ALICE", alice],
  ["DESK ", desk],
]) {
  for await (const balance of ledger.balances().list({ journalId: main, accountIds: [id] })) {
    console.log(`${code} ${balance.settled.net.padStart(7)} ${balance.currency}`);
  }
}
const { totals } = await ledger.balances().trial({ journalId: main });
for (const total of totals) console.log(`${total.currency}: debits ${total.debit}, credits ${total.credit}`);
await ledger.close();
