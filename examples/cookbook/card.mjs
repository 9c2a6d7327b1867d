// A card: an authorisation is a hold; captures take parts of it, and the rest is released, by a call or when its time
// is over.
import { Ledger, RejectedError } from "cala-ledger";
import { account, credit, debit, template } from "./book.mjs";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const { id: main } = await ledger.journals().create({ code: "MAIN", name: "Main" });
const bank = `uuid('${await account(ledger, "BANK", "debit")}')`;
// What is authorised counts: settled and pending together are never below zero.
const alice = await account(ledger, "ALICE", "credit", { minAvailable: "0", availableLayer: "pending" });

const params = { card: "uuid", amount: "decimal" };
const pending = { layer: "PENDING" };
await template(ledger, main, "DEPOSIT", params, [debit(bank), credit("params.card")]);
await template(ledger, main, "AUTHORISE", params, [
  debit("params.card", "params.amount", pending),
  credit(bank, "params.amount", pending),
]);

async function show(what, amount) {
  const balance = await ledger.balances().find({ journalId: main, accountId: alice, currency: "USD" });
  const [settled, pending, available] = [balance.settled.net, balance.pending.net, balance.available.pending];
  const columns = `settled ${settled.padStart(6)}  pending ${pending.padStart(6)}  available ${available.padStart(6)}`;
  console.log(`${what.padEnd(9)} ${amount.padStart(6)}  ${columns}`);
}

async function authorise(amount, expiresAt) {
  const params = { card: alice, amount };
  const { hold } = await ledger.holds().create({ txTemplateCode: "AUTHORISE", params, expiresAt });
  await show("AUTHORISE", amount);
  return hold.id;
}

await ledger.transactions().post({ txTemplateCode: "DEPOSIT", params: { card: alice, amount: "100.00" } });
await show("DEPOSIT", "100.00");
const hotel = await authorise("60.00", "2999-01-01T00:00:00Z");
try {
  await authorise("50.00", "2999-01-01T00:00:00Z");
} catch (error) {
  if (!(error instanceof RejectedError)) throw error;
  console.log(`AUTHORISE  50.00  refused: ${error.code}`);
}

// A part, and more is to come. The last part gives back what is left.
const { hold: part } = await ledger.holds().capture({ holdId: hotel, amount: "20.00", final: false });
await show("CAPTURE", "20.00");
console.log(`hotel: ${part.status}, ${part.left} left`);
const { hold: last } = await ledger.holds().capture({ holdId: hotel, amount: "25.00" });
await show("CAPTURE", "25.00");
console.log(`hotel: ${last.status}, ${last.captured} of ${last.amount}`);

await ledger.holds().release({ holdId: await authorise("30.00", "2999-01-01T00:00:00Z") });
await show("RELEASE", "30.00");

// What has expired cannot be captured. Whoever runs the ledger calls this now and then, until it answers 0.
await authorise("10.00", "2020-01-01T00:00:00Z");
const { expired } = await ledger.holds().expire();
await show("EXPIRE", "10.00");
let open = 0;
for await (const _ of ledger.holds().list({ status: "open" })) open += 1;
console.log(`open: ${open}, expired: ${expired}`);
await ledger.close();
