// A marketplace: buyers pay, the house keeps a fee, sellers are paid out.
import { Ledger } from "cala-ledger";
import { account, credit, debit, template } from "./book.mjs";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const { id: main } = await ledger.journals().create({ code: "MAIN", name: "Main" });
const ids = {};
for (const code of ["PROVIDER", "BANK", "COSTS"]) ids[code] = await account(ledger, code, "debit");
for (const code of ["FEES", "BAKER", "POTTER"]) ids[code] = await account(ledger, code);
const [provider, bank, costs, fees] = ["PROVIDER", "BANK", "COSTS", "FEES"].map((code) => `uuid('${ids[code]}')`);

// The card provider owes us what the buyer paid; we owe the seller the price without our fee of 10 %, at least 0.50.
const fee = "max(decimal.Round(params.amount * decimal('0.10'), 2, 'HALF_UP'), decimal('0.50'))";
await template(
  ledger,
  main,
  "PURCHASE",
  { seller: "uuid", amount: "decimal", order: "string" },
  [debit(provider), credit("params.seller", `params.amount - ${fee}`), credit(fees, fee)],
  { externalId: "params.order" },
);
// The provider pays, less what it takes.
await template(ledger, main, "SETTLEMENT", { amount: "decimal", cost: "decimal" }, [
  credit(provider),
  debit(bank, "params.amount - params.cost"),
  debit(costs, "params.cost"),
]);
const payout = { seller: "uuid", amount: "decimal", payout: "string" };
await template(ledger, main, "PAYOUT", payout, [debit("params.seller"), credit(bank)], { externalId: "params.payout" });

for (const [order, seller, amount] of [
  ["order-1", "BAKER", "40.00"],
  ["order-2", "POTTER", "99.99"],
  ["order-3", "BAKER", "3.00"],
]) {
  const params = { seller: ids[seller], amount, order };
  const posted = await ledger.transactions().post({ txTemplateCode: "PURCHASE", params });
  const [, toSeller, toHouse] = posted.entries.map((entry) => entry.units);
  const parts = `${seller.padEnd(6)} ${toSeller.padStart(6)}  fee ${toHouse.padStart(5)}`;
  console.log(`${order}  ${amount.padStart(6)}  ${parts}`);
}
await ledger.transactions().post({ txTemplateCode: "SETTLEMENT", params: { amount: "142.99", cost: "4.29" } });

// All sellers are paid, or none. Sent twice, it pays once: each payout has a name of its own.
const owed = await ledger
  .balances()
  .findMany(["BAKER", "POTTER"].map((seller) => ({ journalId: main, accountId: ids[seller], currency: "USD" })));
await ledger.transactions().postMany(
  owed.map(({ accountId: seller, settled }) => ({
    txTemplateCode: "PAYOUT",
    params: { seller, amount: settled.net, payout: `2026-01-31 ${seller}` },
  })),
);

const trial = await ledger.balances().trial({ journalId: main });
for (const line of trial.items) console.log(`${line.code.padEnd(8)} ${line.net.padStart(7)}`);
for (const total of trial.totals) console.log(`debits ${total.debit}, credits ${total.credit}`);
await ledger.close();
