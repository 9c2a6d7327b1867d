// A wallet: money comes in, money goes out, never more than there is.
import { CalaError, Ledger } from "cala-ledger";
import { account, credit, debit, template } from "./book.mjs";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const { id: main } = await ledger.journals().create({ code: "MAIN", name: "Main" });
const bank = await account(ledger, "BANK", "debit");
const alice = await account(ledger, "ALICE");

const params = { wallet: "uuid", amount: "decimal", payment: "string" };
for (const [code, debited, credited] of [
  ["DEPOSIT", `uuid('${bank}')`, "params.wallet"],
  ["WITHDRAWAL", "params.wallet", `uuid('${bank}')`],
]) {
  await template(ledger, main, code, params, [debit(debited), credit(credited)], { externalId: "params.payment" });
}

// Debits less credits come to 0 at most: a wallet is never below zero. Attach it to each wallet that is created.
const limit = await ledger.velocityLimits().create({
  name: "Not below zero",
  limit: { balance: [{ layer: "SETTLED", amount: "decimal('0')", enforcementDirection: "DEBIT" }] },
});
const control = await ledger.velocityControls().create({ name: "Wallets" });
await ledger.velocityControls().addLimit({ controlId: control.id, limitId: limit.id });
await ledger.velocityControls().attach({ controlId: control.id, accountIds: [alice] });

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
    if (!(error instanceof CalaError && error.is("velocity.exceeded"))) throw error;
    const over = error.details.requested;
    console.log(`${title}  refused   wallet ${await wallet()}, ${over} more than there is (${error.code})`);
  }
}

await pay("DEPOSIT", "payment-1", "100.00");
await pay("WITHDRAWAL", "payment-2", "30.00");
await pay("WITHDRAWAL", "payment-3", "80.00");
await pay("DEPOSIT", "payment-1", "100.00"); // its answer was lost, so it is sent again
await ledger.close();
