// A card: an authorisation holds money in the pending layer, captures take parts of it, the rest is released.
import { Ledger, RejectedError } from "cala-ledger";
import { account, credit, debit, template } from "./book.mjs";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const { id: main } = await ledger.journals().create({ code: "MAIN", name: "Main" });
const bank = `uuid('${await account(ledger, "BANK", "debit")}')`;
// What is authorised counts: settled and pending together are never below zero.
const alice = await account(ledger, "ALICE", "credit", { minAvailable: "0", availableLayer: "pending" });

const params = { card: "uuid", amount: "decimal" };
const held = { ...params, authorisation: "string" };
const together = { correlationId: "params.authorisation" };
const pending = { layer: "PENDING" };
const amount = "params.amount";
const hold = [debit("params.card", amount, pending), credit(bank, amount, pending)];
const release = [credit("params.card", amount, pending), debit(bank, amount, pending)];
await template(ledger, main, "DEPOSIT", params, [debit(bank), credit("params.card")]);
await template(ledger, main, "AUTHORISE", held, hold, together);
// A capture undoes its part of the authorisation and moves the money, in one transaction.
await template(ledger, main, "CAPTURE", held, [...release, debit("params.card"), credit(bank)], together);
await template(ledger, main, "RELEASE", held, release, together);

async function post(txTemplateCode, amount, more = {}) {
  const title = `${txTemplateCode.padEnd(9)} ${amount.padStart(6)}`;
  try {
    await ledger.transactions().post({ txTemplateCode, params: { card: alice, amount, ...more } });
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    console.log(`${title}  refused: ${error.code}`);
    return;
  }
  const balance = await ledger.balances().find({ journalId: main, accountId: alice, currency: "USD" });
  const [settled, pending, available] = [balance.settled.net, balance.pending.net, balance.available.pending];
  const columns = `settled ${settled.padStart(6)}  pending ${pending.padStart(6)}  available ${available.padStart(6)}`;
  console.log(`${title}  ${columns}`);
}

await post("DEPOSIT", "100.00");
await post("AUTHORISE", "60.00", { authorisation: "hotel" });
await post("AUTHORISE", "50.00", { authorisation: "shop" });
await post("CAPTURE", "45.00", { authorisation: "hotel" });
await post("RELEASE", "15.00", { authorisation: "hotel" });
const hotel = [];
for await (const transaction of ledger.transactions().list({ correlationId: "hotel" })) {
  hotel.push(transaction.txTemplateCode);
}
console.log("hotel:", hotel.join(", "));
await ledger.close();
