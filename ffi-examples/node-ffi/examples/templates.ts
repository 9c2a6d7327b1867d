// Tx templates: what is refused, defaults, params that are missing or misspelt: node dist/examples/templates.js [store]
import { CalaError, type Entry, Ledger } from "cala-ledger";
import { suffixFor } from "./suffix.js";

const store = process.argv[2] ?? "sqlite::memory:";
const suffix = suffixFor(store);
await using ledger = await Ledger.open({ store, migrate: true });

const journal = (await ledger.journals().create({ name: "Main" })).id;
const names = new Map<string, string>();
for (const name of ["ALICE", "BOB", "FEES"]) {
  names.set((await ledger.accounts().create({ code: `${name}${suffix}`, name })).id, name);
}
const [sender, receiver, fees] = [...names.keys()];

/** Runs what will be refused and says how. */
async function refused(work: Promise<unknown>): Promise<CalaError> {
  const error = await work.then(
    () => new Error("it was not refused"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof CalaError) return error;
  throw error;
}

const transaction = { journalId: "params.journal", effective: "date('2026-01-31')" };
const entry = (direction: string, account: string, units: string) => ({
  entryType: `'FEE_TRANSFER_${direction}'`,
  accountId: `params.${account}`,
  layer: "SETTLED",
  direction,
  units,
  currency: "'USD'",
});
const accounts = ["journal", "sender", "receiver", "fees"].map((name) => ({ name, type: "uuid" as const }));
const amount = { name: "amount", type: "decimal" as const };

const misspelt = await refused(
  ledger.txTemplates().create({
    code: `MISSPELT${suffix}`,
    params: [amount, ...accounts],
    transaction,
    entries: [entry("DEBIT", "sender", "params.amuont"), entry("CREDIT", "receiver", "params.amount")],
  }),
);
console.log(`refused  ${misspelt.code} at ${misspelt.details["pointer"]}`);
const unbalanced = await refused(
  ledger.txTemplates().create({
    code: `UNBALANCED${suffix}`,
    params: [amount, ...accounts],
    transaction,
    entries: [entry("DEBIT", "sender", "params.amount"), entry("CREDIT", "receiver", "params.amount + decimal('1')")],
  }),
);
console.log(`refused  ${unbalanced.code}`);

const created = await ledger.txTemplates().create({
  code: `FEE_TRANSFER${suffix}`,
  params: [
    amount,
    { name: "fee", type: "decimal", default: "decimal('0.50')" },
    { name: "memo", type: "string", default: "''" },
    ...accounts,
  ],
  transaction: { ...transaction, description: "params.memo" },
  entries: [
    entry("DEBIT", "sender", "params.amount + params.fee"),
    entry("CREDIT", "receiver", "params.amount"),
    entry("CREDIT", "fees", "params.fee"),
  ],
});
const shown = created.params
  ?.map((param) => param.name)
  .filter((name) => !accounts.some((account) => account.name === name));
console.log(`created  FEE_TRANSFER with params ${shown?.join(", ")}`);

const post = (params: object) =>
  ledger.transactions().post({ txTemplateCode: created.code, params: { journal, sender, receiver, fees, ...params } });
const print = (entries: Entry[]) => {
  for (const { sequence, accountId, direction, units, currency } of entries) {
    console.log(`  ${sequence}  ${names.get(accountId)?.padEnd(5)}  ${direction.padEnd(6)}  ${units} ${currency}`);
  }
};
console.log("posted with the default fee");
print((await post({ amount: "10.00" })).entries);
console.log("posted with a fee of 2");
print((await post({ amount: "10.00", fee: "2" })).entries);

for (const params of [{}, { amount: "10.00", amonut: "10.00" }]) {
  const error = await refused(post(params));
  console.log(`refused  ${error.code}: ${error.details["param"]}`);
}

const expr = "decimal('10.00') + decimal('0.50')";
console.log(`evaluated  ${expr} = ${(await ledger.cel().evaluate({ expr })).value}`);
console.log("templates");
for await (const { code } of ledger.txTemplates().list()) {
  if (code.endsWith(suffix)) console.log(`  ${code.slice(0, code.length - suffix.length)}`);
}
