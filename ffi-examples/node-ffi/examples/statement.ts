// Statements of account by effective date, a balance over a range, the trial balance:
// node dist/examples/statement.js [store]
import { Ledger } from "cala-ledger";
import { suffixFor } from "./suffix.js";

const store = process.argv[2] ?? "sqlite::memory:";
const suffix = suffixFor(store);
await using ledger = await Ledger.open({ store, migrate: true });

const journalId = (await ledger.journals().create({ name: "Main", effectiveBalances: true })).id;
const cash = (await ledger.accounts().create({ code: `CASH${suffix}`, name: "Cash", normalBalanceType: "debit" })).id;
const alice = (await ledger.accounts().create({ code: `ALICE${suffix}`, name: "Alice" })).id;
const bob = (await ledger.accounts().create({ code: `BOB${suffix}`, name: "Bob" })).id;
const shared = { layer: "SETTLED", units: "params.amount", currency: "'USD'" };
await ledger.txTemplates().create({
  code: `DEPOSIT${suffix}`,
  params: [
    { name: "account", type: "uuid" },
    { name: "amount", type: "decimal" },
    { name: "day", type: "date" },
  ],
  transaction: { journalId: `uuid('${journalId}')`, effective: "params.day" },
  entries: [
    { entryType: "'DEPOSIT_DR'", accountId: `uuid('${cash}')`, direction: "DEBIT", ...shared },
    { entryType: "'DEPOSIT_CR'", accountId: "params.account", direction: "CREDIT", ...shared },
  ],
});
for (const params of [
  { account: alice, amount: "100.00", day: "2026-01-10" },
  { account: alice, amount: "30.00", day: "2026-02-02" },
  { account: bob, amount: "50.00", day: "2026-01-20" },
  { account: alice, amount: "7.00", day: "2026-01-31" },
]) {
  await ledger.transactions().post({ txTemplateCode: `DEPOSIT${suffix}`, params });
}

const print = (first: string, second: string, third: string, width = 7) =>
  console.log(`  ${first.padEnd(width)}  ${second.padStart(6)}  ${third.padStart(6)}`);
const key = { journalId, accountId: alice, currency: "USD" };
const dates = { by: "effective", from: "2026-01-15", until: "2026-02-28" } as const;
const statement = await ledger.balances().statement({ ...key, ...dates });
console.log("ALICE, 2026-01-15 to 2026-02-28");
print("opening", "", statement.opening.net);
for (const { entry, running } of statement.items) print(entry.direction, entry.units, running.net);
print("closing", "", statement.closing.net);

console.log("page by page, newest first");
const newest = { ...key, first: 2, order: "desc" } as const;
let page = await ledger.balances().statement(newest);
for (;;) {
  console.log(`  ${page.items.map(({ entry }) => entry.units).join(" ")}`);
  if (!page.hasNextPage || !page.endCursor) break;
  page = await ledger.balances().statement({ ...newest, after: page.endCursor });
}

const january = await ledger.balances().range({ ...key, from: "2026-01-01", until: "2026-01-31" });
const parts = [january.open, january.period, january.close].map((part) => part.settled.net);
console.log("ALICE in January:", parts.join(", "));

const trial = await ledger.balances().trial({ journalId, at: { effective: "2026-01-31" } });
console.log("trial balance, 2026-01-31");
for (const { code, debit, credit } of trial.items) print(code.slice(0, code.length - suffix.length), debit, credit, 5);
for (const { debit, credit } of trial.totals ?? []) print("", debit, credit, 5);
