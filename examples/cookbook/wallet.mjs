// A wallet: money comes in, money goes out, never more than there is.
import { Ledger, RejectedError } from "cala-ledger";
import { account, credit, debit, template } from "./book.mjs";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const { id: main } = await ledger.journals().create({ code: "MAIN", name: "Main" });
const bank = await account(ledger, "BANK", "debit");
const alice = await account(ledger, "ALICE", "credit", { minAvailable: "0" });

const params = { wallet: "uuid", amount: "decimal", payment: "string" };
for (const [code, debited, credited] of [
  ["DEPOSIT", `uuid('${bank}')`, "params.wallet"],
  ["WITHDRAWAL", "params.wallet", `uuid('${bank}')`],
]) {
  await template(ledger, main, code, params, [debit(debited), credit(credited)], { externalId: "params.payment" });
}

async function wallet() {
  const balance = await ledger.balances().find({ journalId: main, accountId: alice, currency: "USD" });
  return balance.settled.net;
}

async function pay(txTemplateCode, payment, amount) {
  const title = `${txTemplateCode.padEnd(10)} ${amount.padStart(6)}`;
  try {
    const params = { wallet: alice, amount, payment };
    const { replayed } = await ledger.transactions().post({ txTemplateCode, params });
    console.log(`${title}  ${replayed ? "replayed" : "posted  "}  wallet ${await wallet()}`);
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    console.log(`${title}  refused   wallet ${await wallet()}, ${error.code}`);
  }
}

await pay("DEPOSIT", "payment-1", "100.00");
await pay("WITHDRAWAL", "payment-2", "30.00");
await pay("WITHDRAWAL", "payment-3", "80.00");
await pay("DEPOSIT", "payment-1", "100.00"); // its answer was lost, so it is sent again

// What would become of it, before anybody is asked to confirm.
for (const amount of ["70.00", "70.01"]) {
  const params = { wallet: alice, amount, payment: "payment-4" };
  const preview = await ledger.transactions().preview({ txTemplateCode: "WITHDRAWAL", params });
  if (preview.wouldPost) console.log(`${amount} would be paid`);
  else console.log(`${amount} would be refused: ${preview.error.details.available} is there`);
}
await ledger.close();
