// Authorise, capture, release: two layers of one balance: node dist/examples/two-layer.js [store]
import { Ledger } from "cala-ledger";
import { suffixFor } from "./suffix.js";

const store = process.argv[2] ?? "sqlite::memory:";
const suffix = suffixFor(store);
await using ledger = await Ledger.open({ store, migrate: true });

const journal = await ledger.journals().create({ name: "Cards" });
const alice = await ledger.accounts().create({ code: `ALICE${suffix}`, name: "Alice" });
const bank = await ledger.accounts().create({ code: `BANK${suffix}`, name: "Bank", normalBalanceType: "debit" });

type Moved = ["ALICE" | "BANK", "DEBIT" | "CREDIT", "SETTLED" | "PENDING"];

/** A tx template in which every entry has the same amount. */
async function template(code: string, ...moved: Moved[]): Promise<void> {
  await ledger.txTemplates().create({
    code: `${code}${suffix}`,
    params: [{ name: "amount", type: "decimal" }],
    transaction: { journalId: `uuid('${journal.id}')`, effective: "date('2026-01-31')" },
    entries: moved.map(([account, direction, layer]) => ({
      entryType: `'${code}_${direction}'`,
      accountId: `uuid('${account === "ALICE" ? alice.id : bank.id}')`,
      layer,
      direction,
      units: "params.amount",
      currency: "'USD'",
    })),
  });
}

await template("DEPOSIT", ["BANK", "DEBIT", "SETTLED"], ["ALICE", "CREDIT", "SETTLED"]);
await template("HOLD", ["ALICE", "DEBIT", "PENDING"], ["BANK", "CREDIT", "PENDING"]);
await template(
  "CAPTURE",
  ["ALICE", "CREDIT", "PENDING"],
  ["BANK", "DEBIT", "PENDING"],
  ["ALICE", "DEBIT", "SETTLED"],
  ["BANK", "CREDIT", "SETTLED"],
);
await template("RELEASE", ["ALICE", "CREDIT", "PENDING"], ["BANK", "DEBIT", "PENDING"]);

const key = { journalId: journal.id, accountId: alice.id, currency: "USD" };
const post = (code: string, amount: string) =>
  ledger.transactions().post({ txTemplateCode: `${code}${suffix}`, params: { amount } });

await post("DEPOSIT", "100.00");
for (const [code, amount, word] of [
  ["HOLD", "40.00", "held"],
  ["CAPTURE", "25.00", "captured"],
  ["RELEASE", "15.00", "released"],
] as const) {
  await post(code, amount);
  const { settled, pending, available } = await ledger.balances().find(key);
  console.log(`${word} ${amount}`);
  console.log(`  ALICE  settled ${settled.net}  pending ${pending.net}  available ${available.pending}`);
}
console.log("history of ALICE");
for await (const { version, settled, pending } of ledger.balances().history(key)) {
  console.log(`  ${version}  settled ${settled.net}  pending ${pending.net}`);
}
