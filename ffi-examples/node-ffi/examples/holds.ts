// Holds: amounts set aside, captured in parts, released, expired: node dist/examples/holds.js [store]
import { randomUUID } from "node:crypto";
import { CalaError, Ledger } from "cala-ledger";
import { suffixFor } from "./suffix.js";

const store = process.argv[2] ?? "sqlite::memory:";
const suffix = suffixFor(store);
await using ledger = await Ledger.open({ store, migrate: true });

const journal = (await ledger.journals().create({ name: "Main" })).id;
const alice = (await ledger.accounts().create({ code: `ALICE${suffix}`, name: "Alice" })).id;
const shop = (await ledger.accounts().create({ code: `SHOP${suffix}`, name: "Shop" })).id;
const bank = (await ledger.accounts().create({ code: `BANK${suffix}`, name: "Bank", normalBalanceType: "debit" })).id;
for (const [code, layer, debit, credit] of [
  ["DEPOSIT", "SETTLED", bank, alice],
  ["AUTHORISE", "PENDING", alice, shop],
] as const) {
  const shared = { layer, units: "params.amount", currency: "'USD'" };
  await ledger.txTemplates().create({
    code: code + suffix,
    params: [{ name: "amount", type: "decimal" }],
    transaction: { journalId: `uuid('${journal}')`, effective: "date()" },
    entries: [
      { entryType: `'${code}_DR'`, accountId: `uuid('${debit}')`, direction: "DEBIT", ...shared },
      { entryType: `'${code}_CR'`, accountId: `uuid('${credit}')`, direction: "CREDIT", ...shared },
    ],
  });
}

async function show() {
  const { settled, pending, available } = await ledger
    .balances()
    .find({ journalId: journal, accountId: alice, currency: "USD" });
  console.log(`  ALICE  settled ${settled.net}  pending ${pending.net}  available ${available.pending}`);
}

async function hold(amount: string, expiresAt?: string) {
  const until = expiresAt === undefined ? {} : { expiresAt };
  const made = await ledger.holds().create({ txTemplateCode: `AUTHORISE${suffix}`, params: { amount }, ...until });
  return made.hold.id;
}

/** Says what it was refused with. */
async function refused(call: Promise<unknown>, tell: (error: CalaError) => string) {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof CalaError)) throw error;
    console.log(`${error.code}: ${tell(error)}`);
  }
}

await ledger.transactions().post({ txTemplateCode: `DEPOSIT${suffix}`, params: { amount: "100.00" } });
const hotel = await hold("60.00", "2999-01-01T00:00:00Z");
console.log("held 60.00 of 100.00");
await show();
const part = (await ledger.holds().capture({ holdId: hotel, amount: "20.00", final: false })).hold;
console.log(`captured 20.00, ${part.left} left`);
await show();
await refused(
  ledger.holds().capture({ holdId: hotel, amount: "50.00" }),
  ({ details }) => `${details.requested} of ${details.left}`,
);

const last = { holdId: hotel, id: randomUUID(), amount: "25.00" }; // with an id of its own it can be repeated
const { hold: captured } = await ledger.holds().capture(last);
console.log(`captured ${captured.captured} of ${captured.amount}, and the rest is released`);
await show();
console.log("the same again: replayed", (await ledger.holds().capture(last)).replayed);
await refused(ledger.holds().release({ holdId: hotel }), ({ details }) => String(details.status));

await ledger.holds().release({ holdId: await hold("30.00") });
console.log("released 30.00");
await show();
await hold("10.00", "2020-01-01T00:00:00Z");
await ledger.holds().expire();
const expired = await ledger.holds().list({ accountId: alice, status: "expired" }).page();
const open = await ledger.holds().list({ accountId: alice, status: "open" }).page();
console.log(`expired 10.00, holds that have expired: ${expired.items.length}, open ones: ${open.items.length}`);
await show();
