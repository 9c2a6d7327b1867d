// A posting inside a SQLite driver's own transaction, without promises: node dist/examples/sync.js
import { Ledger } from "cala-ledger";

const module: string = "Bun" in globalThis ? "bun:sqlite" : "node:sqlite";
const { Database, DatabaseSync } = await import(module);
const database = new (Database ?? DatabaseSync)(":memory:");
const ledger = await Ledger.open({ store: "host:sqlite" });

/** Begins, works, commits; rolls back when the work throws. better-sqlite3 and bun:sqlite have `transaction` for it. */
function inTransaction<T>(work: () => T): T {
  if (database.transaction) return database.transaction(work)();
  database.exec("BEGIN");
  try {
    const answer = work();
    database.exec("COMMIT");
    return answer;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

inTransaction(() => ledger.in(database).sync.migrate());
const balance = inTransaction(() => {
  const inside = ledger.in(database).sync;
  const alice = inside.accounts().create({ code: "ALICE", name: "Alice" });
  const cash = inside.accounts().create({ code: "CASH", name: "Cash", normalBalanceType: "debit" });
  const journal = inside.journals().create({ name: "Main" });
  const shared = { layer: "SETTLED", units: "params.amount", currency: "'USD'" };
  inside.txTemplates().create({
    code: "DEPOSIT",
    params: [{ name: "amount", type: "decimal" }],
    transaction: { journalId: `uuid('${journal.id}')`, effective: "date()" },
    entries: [
      { entryType: "'DEPOSIT_DR'", accountId: `uuid('${cash.id}')`, direction: "DEBIT", ...shared },
      { entryType: "'DEPOSIT_CR'", accountId: `uuid('${alice.id}')`, direction: "CREDIT", ...shared },
    ],
  });
  const deposit = { txTemplateCode: "DEPOSIT", params: { amount: "100.00" } };
  const posted = ledger.in(database).sync.transactions().post(deposit);
  return inside.balances().find({ journalId: posted.transaction.journalId, accountId: alice.id, currency: "USD" });
});
console.log(balance.settled.net);
await ledger.close();
database.close();
