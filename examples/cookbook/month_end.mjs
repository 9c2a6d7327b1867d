// A month's end: a late invoice, the trial balance of the month, a statement, and the books closed into the capital.
import { Ledger } from "cala-ledger";
import { account, credit, debit, template } from "./book.mjs";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const { id: main } = await ledger.journals().create({ code: "MAIN", name: "Main", effectiveBalances: true });
const ids = {};
for (const code of ["BANK", "RENT", "WAGES"]) ids[code] = await account(ledger, code, "debit");
for (const code of ["CAPITAL", "SALES", "SUPPLIERS"]) ids[code] = await account(ledger, code);
const params = { debit: "uuid", credit: "uuid", amount: "decimal", day: "date", text: "string" };
const entries = [debit("params.debit"), credit("params.credit")];
await template(ledger, main, "BOOK", params, entries, { effective: "params.day", description: "params.text" });

const book = (day, debited, credited, amount, text) =>
  ledger.transactions().post({
    txTemplateCode: "BOOK",
    params: { debit: ids[debited], credit: ids[credited], amount, day, text },
  });

async function showTrialBalance(title) {
  console.log(title);
  const trial = await ledger.balances().trial({ journalId: main, at: { effective: "2026-01-31" } });
  const show = (code, { debit, credit }) =>
    console.log(`  ${code.padEnd(9)} ${debit.padStart(8)} ${credit.padStart(8)}`);
  for (const line of trial.items) show(line.code, line);
  for (const total of trial.totals) show("", total);
}

await book("2026-01-02", "BANK", "CAPITAL", "5000.00", "Begin");
await book("2026-01-15", "BANK", "SALES", "1200.00", "Sales");
await book("2026-01-31", "WAGES", "BANK", "700.00", "Wages");
await book("2026-02-02", "BANK", "SALES", "300.00", "Sales");
await book("2026-01-20", "RENT", "SUPPLIERS", "400.00", "Rent, an invoice that came in February");
await showTrialBalance("2026-01-31, before closing");

const key = (code) => ({ journalId: main, accountId: ids[code], currency: "USD" });
const dates = { by: "effective", from: "2026-01-15", until: "2026-01-31" };
const statement = await ledger.balances().statement({ ...key("BANK"), ...dates });
console.log("BANK since the 15th: had", statement.opening.net);
for (const { entry, running } of statement.items) {
  console.log(`  ${entry.direction.padEnd(6)} ${entry.units.padStart(8)} ${running.net.padStart(8)}`);
}
console.log("  and has", statement.closing.net);

// What was earned and spent in the month goes to the capital; its accounts begin the next month at zero.
for (const [code, debited, credited] of [
  ["SALES", "SALES", "CAPITAL"],
  ["RENT", "CAPITAL", "RENT"],
  ["WAGES", "CAPITAL", "WAGES"],
]) {
  const month = await ledger.balances().range({ ...key(code), from: "2026-01-01", until: "2026-01-31" });
  await book("2026-01-31", debited, credited, month.close.settled.net, "Closing January");
}
await showTrialBalance("2026-01-31, closed");
console.log("SALES in February:", (await ledger.balances().find(key("SALES"))).settled.net);

await ledger.journals().close({ id: main, until: "2026-01-31" });
await book("2026-01-31", "BANK", "SALES", "50.00", "Too late").catch(({ code, details }) =>
  console.log(`refused: ${code}, until ${details.closedUntil}`),
);
await ledger.close();
