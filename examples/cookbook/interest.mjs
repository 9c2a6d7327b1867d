// Interest by day on a loan, which is right again after a repayment that was booked late.
import { Ledger, NotFoundError } from "cala-ledger";
import { account, credit, debit, template } from "./book.mjs";

const ledger = await Ledger.open({ store: "sqlite::memory:" });
const { id: main } = await ledger.journals().create({ code: "MAIN", name: "Main", effectiveBalances: true });
const bank = await account(ledger, "BANK", "debit");
const earned = await account(ledger, "INTEREST");
const loan = await account(ledger, "LOAN_7", "debit");
const due = await account(ledger, "INTEREST_7", "debit");

const params = { debit: "uuid", credit: "uuid", amount: "decimal", day: "date" };
for (const code of ["PAYMENT", "INTEREST"]) {
  const entries = [debit("params.debit"), credit("params.credit")];
  await template(ledger, main, code, params, entries, { effective: "params.day" });
}

const post = (txTemplateCode, debited, credited, amount, day) =>
  ledger.transactions().post({ txTemplateCode, params: { debit: debited, credit: credited, amount, day } });

/** What the account had at the end of that day, as it is known now. */
async function netOf(accountId, day) {
  try {
    return (await ledger.balances().at({ journalId: main, accountId, currency: "USD", effective: day })).settled.net;
  } catch (error) {
    if (error instanceof NotFoundError) return "0";
    throw error;
  }
}

// JavaScript has no decimals; the ledger's expressions have.
const decimal = async (expr) => (await ledger.cel().evaluate({ expr })).value;

/** Books what the day's interest should be, less what is booked of it already: running it again does no harm. */
async function accrue(day) {
  const before = new Date(Date.parse(day) - 86_400_000).toISOString().slice(0, 10);
  const principal = await netOf(loan, day);
  const should = await decimal(`decimal.Div(decimal('${principal}') * decimal('0.05'), '365', 2, 'HALF_EVEN')`);
  const booked = `decimal('${await netOf(due, day)}') - decimal('${await netOf(due, before)}')`;
  const missing = await decimal(`decimal('${should}') - (${booked})`);
  if (missing.startsWith("-")) await post("INTEREST", earned, due, missing.slice(1), day);
  else if (Number(missing) > 0) await post("INTEREST", due, earned, missing, day);
  console.log(`${day}  principal ${principal.padStart(9)}  interest ${should}  booked ${missing.padStart(5)}`);
}

const days = ["2026-02-01", "2026-02-02", "2026-02-03"];
await post("PAYMENT", loan, bank, "10000.00", days[0]);
for (const day of days) await accrue(day);
console.log("4000.00 came in on 2026-02-02, and is booked only now");
await post("PAYMENT", bank, loan, "4000.00", days[1]);
for (const day of days) await accrue(day);
console.log("interest due:", await netOf(due, days[2]));
await ledger.close();
