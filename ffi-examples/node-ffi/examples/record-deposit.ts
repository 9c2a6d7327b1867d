// The example of the retired Node bindings, on today's: node dist/examples/record-deposit.js [store]
import { randomUUID } from "node:crypto";
import { CalaLedger, ParamDataTypeValues } from "cala-ledger";
import { suffixFor } from "./suffix.js";

const store = process.argv[2] ?? "sqlite::memory:";
const suffix = suffixFor(store);
const cala = await CalaLedger.connect(store.startsWith("sqlite:") ? { store } : { pgCon: store, maxConnections: 5 });

const customer = await cala.accounts().create({
  id: randomUUID(),
  name: "Customer",
  code: `CUSTOMER${suffix}`,
  metadata: { risk_score: 3, lastSeen: "2026-01-31" },
});
const omnibus = await cala.accounts().create({
  id: randomUUID(),
  name: "Deposit omnibus",
  code: `OMNIBUS${suffix}`,
  metadata: { bank: { name: "First" } },
});
console.log(`created ${customer.values().name} with metadata ${JSON.stringify(customer.values().metadata)}`);

const firstPage = await cala.accounts().list({ first: 1 });
console.log(`first page: ${firstPage.accounts.length} account, more: ${firstPage.hasNextPage}`);
if (!firstPage.endCursor) throw new Error("a page that is not empty has an end");
const secondPage = await cala.accounts().list({ first: 1, after: firstPage.endCursor });
console.log(`second page: ${secondPage.accounts.length} account`);

await cala.journals().create({ name: "My journal", description: "Of the example", code: `MY_JOURNAL${suffix}` });
const journal = await cala.journals().findByCode(`MY_JOURNAL${suffix}`);

await cala.txTemplates().create({
  code: `RECORD_DEPOSIT${suffix}`,
  params: [
    { name: "external_id", type: ParamDataTypeValues.String },
    { name: "journal_id", type: ParamDataTypeValues.Uuid },
    { name: "currency", type: ParamDataTypeValues.String },
    { name: "amount", type: ParamDataTypeValues.Decimal },
    { name: "deposit_omnibus_account_id", type: ParamDataTypeValues.Uuid },
    { name: "credit_account_id", type: ParamDataTypeValues.Uuid },
    { name: "effective", type: ParamDataTypeValues.Date },
    { name: "meta", type: ParamDataTypeValues.Json },
  ],
  transaction: {
    journalId: "params.journal_id",
    effective: "params.effective",
    externalId: "params.external_id",
    metadata: "params.meta",
    description: "'Record a deposit'",
  },
  entries: [
    {
      entryType: "'RECORD_DEPOSIT_DR'",
      accountId: "params.deposit_omnibus_account_id",
      layer: "SETTLED",
      direction: "DEBIT",
      units: "params.amount",
      currency: "params.currency",
    },
    {
      entryType: "'RECORD_DEPOSIT_CR'",
      accountId: "params.credit_account_id",
      layer: "SETTLED",
      direction: "CREDIT",
      units: "params.amount",
      currency: "params.currency",
    },
  ],
});
const template = await cala.txTemplates().findByCode(`RECORD_DEPOSIT${suffix}`);
console.log(`template with ${template.values().params?.length} params`);

const externalId = `transaction_external_id-123${suffix}`;
const transaction = await cala.transactions().post(template.values().code, {
  external_id: externalId,
  journal_id: journal.id(),
  currency: "USD",
  amount: "100.00",
  deposit_omnibus_account_id: omnibus.id(),
  credit_account_id: customer.id(),
  effective: new Date().toISOString().slice(0, 10),
  meta: { some: "metadata" },
});
const byId = await cala.transactions().findById(transaction.id());
const byExternalId = await cala.transactions().findByExternalId(externalId);
console.log(`found by id: ${byId.values().description}`);
console.log(`found by external id: ${byExternalId.id() === byId.id() ? "the same" : "another"}`);
console.log(`its metadata: ${JSON.stringify(byId.values().metadata)}`);

const operation = await cala.beginOperation();
await operation.journals().create({ name: "Never seen", code: `NEVER${suffix}` });
await operation.rollback();
await cala.close();
