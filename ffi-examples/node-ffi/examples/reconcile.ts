// Post first, reconcile: the program posts, then writes its own row. What a crash leaves in between is found and
// mended: node dist/examples/reconcile.js [store]
import { type Expected, Ledger, type Reconciled, type TransactionPostRequest } from "cala-ledger";
import { suffixFor } from "./suffix.js";

const store = process.argv[2] ?? "sqlite::memory:";
const suffix = suffixFor(store);
const payments = `"payments${suffix}"`;
const placeholder = (number: number): string => (store.startsWith("sqlite") ? "?" : `$${number}`);
const shown = (externalId = ""): string => externalId.slice(0, externalId.length - suffix.length);

await using ledger = await Ledger.open({ store, migrate: true });
const { id: journalId } = await ledger.journals().create({ name: "Main" });
const { id: alice } = await ledger.accounts().create({ code: `ALICE${suffix}`, name: "Alice" });
const { id: cash } = await ledger.accounts().create({ code: `CASH${suffix}`, name: "Cash",
  normalBalanceType: "debit" });
const shared = { layer: "SETTLED", units: "params.amount", currency: "'USD'" };
await ledger.txTemplates().create({
  code: `PAYMENT${suffix}`,
  params: [
    { name: "externalId", type: "string" },
    { name: "amount", type: "decimal" },
  ],
  transaction: { journalId: `uuid('${journalId}')`, effective: "date()", externalId: "params.externalId" },
  entries: [
    { entryType: "'PAYMENT_DR'", accountId: `uuid('${cash}')`, direction: "DEBIT", ...shared },
    { entryType: "'PAYMENT_CR'", accountId: `uuid('${alice}')`, direction: "CREDIT", ...shared },
  ],
});
const posting = (externalId: string, amount: string): TransactionPostRequest => ({
  txTemplateCode: `PAYMENT${suffix}`,
  params: { externalId, amount },
});

async function sql(text: string, ...values: string[]): Promise<(string | null)[][]> {
  await using tx = await ledger.begin();
  const { rows } = await tx.exec(text, values);
  await tx.commit();
  return rows;
}

const insert = (externalId: string, amount: string): Promise<unknown> =>
  sql(`INSERT INTO ${payments} (external_id, amount) VALUES (${placeholder(1)}, ${placeholder(2)})`, externalId,
    amount);

/** What the program expects, page by page, behind one. */
async function* rows(after = ""): AsyncGenerator<Expected<string>> {
  for (;;) {
    const page = await sql(
      `SELECT external_id, amount FROM ${payments} WHERE external_id > ${placeholder(1)} ORDER BY external_id LIMIT 2`,
      after,
    );
    if (page.length === 0) return;
    for (const [externalId, amount] of page as [string, string][]) {
      yield { externalId, amounts: { USD: amount }, row: amount };
      after = externalId;
    }
  }
}

/** Those of which the program has a row. */
async function known(externalIds: string[]): Promise<string[]> {
  const places = externalIds.map((_, index) => placeholder(index + 1)).join(", ");
  const found = await sql(`SELECT external_id FROM ${payments} WHERE external_id IN (${places})`, ...externalIds);
  return found.map(([externalId]) => externalId as string);
}

function show(page: Reconciled<string>): void {
  const found = [
    ...page.missing.map(({ externalId }) => `missing ${shown(externalId)}`),
    ...page.differing.map(({ expected, fields }) => `differing ${shown(expected.externalId)} in ${fields.join(", ")}`),
    ...page.extra.map(({ externalId }) => `extra ${shown(externalId)}`),
    ...page.replayed.map(({ transaction }) => `posted ${shown(transaction.externalId)}`),
  ];
  console.log(`  ${page.checked}: ${found.join("; ") || "as expected"}`);
}

await sql(`CREATE TABLE ${payments} (external_id text PRIMARY KEY, amount text)`);
for (let number = 1; number <= 7; number++) await insert(`pay${number}${suffix}`, `${number}.00`);
for (const number of [1, 3, 4, 5, 6, 7, 8]) {
  await ledger.transactions().post(posting(`pay${number}${suffix}`, number === 5 ? "50.00" : `${number}.00`));
}

console.log("the first page:");
let kept = "";
for await (const page of ledger.reconcile({ rows, known, journalId, pageSize: 3 })) {
  show(page);
  kept = JSON.stringify(page.place);
  break;
}
console.log("and on from there, in another process:");
for await (const page of ledger.reconcile({ rows, known, journalId, pageSize: 3, place: JSON.parse(kept) })) {
  show(page);
  for (const { externalId } of page.extra) await insert(externalId as string, "8.00");
}
console.log("once more, and what is missing is posted:");
const replay = ({ externalId, row }: Expected<string>): TransactionPostRequest => posting(externalId, row as string);
for await (const page of ledger.reconcile({ rows, known, replay, journalId })) show(page);
console.log("and now:");
for await (const page of ledger.reconcile({ rows, known, journalId })) show(page);
