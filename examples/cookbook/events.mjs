// Following the ledger: a second program is told of everything once, in order, and goes on where it stopped.
import { Ledger } from "cala-ledger";
import { account, credit, debit, template } from "./book.mjs";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const { id: main } = await ledger.journals().create({ code: "MAIN", name: "Main" });
const bank = await account(ledger, "BANK", "debit");
const alice = await account(ledger, "ALICE");
const entries = [debit(`uuid('${bank}')`), credit(`uuid('${alice}')`)];
await template(ledger, main, "DEPOSIT", { amount: "decimal" }, entries);
const deposit = (amount) => ledger.transactions().post({ txTemplateCode: "DEPOSIT", params: { amount } });
await deposit("10.00");

/** Reads what is new; gives the place to keep, in the same transaction as what was made of the events. */
async function follow(after) {
  const page = await ledger.events().list({ after, limit: 2, balances: true });
  for (const event of page.items) {
    console.log(`  ${event.type}`);
    for (const { accountId, settled } of event.balances ?? []) {
      console.log(`    ${accountId === bank ? "BANK " : "ALICE"} has ${settled.net}`);
    }
  }
  return page.hasNextPage ? follow(page.place) : page.place;
}

console.log("from the beginning");
const kept = await follow(0);
await ledger.accounts().lock({ id: alice });
await ledger.accounts().unlock({ id: alice });
await deposit("5.00");
console.log("and what came since");
const last = await follow(kept);
console.log("nothing is left:", (await follow(last)) === last ? "yes" : "no");
await ledger.close();
