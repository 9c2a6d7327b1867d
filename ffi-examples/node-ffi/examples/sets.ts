// Account sets: accounts under one name, with balances and entries of their own: node dist/examples/sets.js [store]
import { CalaError, Ledger, type Membership } from "cala-ledger";
import { suffixFor } from "./suffix.js";

const store = process.argv[2] ?? "sqlite::memory:";
const suffix = suffixFor(store);
await using ledger = await Ledger.open({ store, migrate: true });

const journalId = (await ledger.journals().create({ name: "Main" })).id;
const liabilities = (await ledger.accountSets().create({ journalId, name: "LIABILITIES" })).id;
const customers = (await ledger.accountSets().create({ journalId, name: "CUSTOMERS" })).id;
const account = async (code: string, more: object = {}) =>
  (await ledger.accounts().create({ code: `${code}${suffix}`, name: code, ...more })).id;
const cash = await account("CASH", { normalBalanceType: "debit" });
const alice = await account("ALICE", { accountSetId: customers });
const bob = await account("BOB");
const names = new Map([
  [alice, "ALICE"],
  [bob, "BOB"],
  [customers, "CUSTOMERS"],
  [liabilities, "LIABILITIES"],
]);
await ledger.accountSets().addMembers([
  { accountSetId: customers, accountId: bob },
  { accountSetId: liabilities, memberAccountSetId: customers },
]);
const members = await ledger.accountSets().listMembers({ accountSetId: customers }).page();
console.log("CUSTOMERS has", members.items.map((member) => names.get(member.accountId ?? "")).join(", "));
const parents = await ledger.accountSets().listParents({ accountSetId: customers }).page();
console.log("CUSTOMERS is in", parents.items.map((parent) => parent.name).join(", "));

async function refused(title: string, membership: Membership) {
  try {
    await ledger.accountSets().addMembers([membership]);
  } catch (error) {
    if (!(error instanceof CalaError)) throw error;
    console.log(`refused  ${title}: ${error.code}`);
  }
}
await refused("a set in itself", { accountSetId: customers, memberAccountSetId: liabilities });

const shared = { layer: "SETTLED", units: "params.amount", currency: "'USD'" };
await ledger.txTemplates().create({
  code: `DEPOSIT${suffix}`,
  params: [
    { name: "account", type: "uuid" },
    { name: "amount", type: "decimal" },
  ],
  transaction: { journalId: `uuid('${journalId}')`, effective: "date()" },
  entries: [
    { entryType: "'DEPOSIT_DR'", accountId: `uuid('${cash}')`, direction: "DEBIT", ...shared },
    { entryType: "'DEPOSIT_CR'", accountId: "params.account", direction: "CREDIT", ...shared },
  ],
});
for (const params of [
  { account: alice, amount: "100.00" },
  { account: bob, amount: "50.00" },
]) {
  await ledger.transactions().post({ txTemplateCode: `DEPOSIT${suffix}`, params });
}
console.log("balances");
for (const [accountId, name] of names) {
  const balance = await ledger.balances().find({ journalId, accountId, currency: "USD" });
  console.log(`  ${name.padEnd(11)}  ${balance.settled.net.padStart(6)} USD`);
}
console.log("entries of LIABILITIES");
for await (const entry of ledger.entries().list({ accountSetId: liabilities })) {
  console.log(`  ${names.get(entry.accountId)?.padEnd(5)}  ${entry.direction}  ${entry.units.padStart(6)}`);
}
await refused("an account with entries", { accountSetId: liabilities, accountId: cash });
