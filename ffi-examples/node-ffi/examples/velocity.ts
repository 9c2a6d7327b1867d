// Velocity: how much may pass in a day, what is left, other params, warnings, detaching:
// node dist/examples/velocity.js [store]
import { CalaError, Ledger, type Param } from "cala-ledger";
import { suffixFor } from "./suffix.js";

const store = process.argv[2] ?? "sqlite::memory:";
const suffix = suffixFor(store);
await using ledger = await Ledger.open({ store, migrate: true });

const journal = (await ledger.journals().create({ name: "Main" })).id;
const alice = (await ledger.accounts().create({ code: `ALICE${suffix}`, name: "Alice" })).id;
const shop = (await ledger.accounts().create({ code: `SHOP${suffix}`, name: "Shop" })).id;
const shared = { layer: "SETTLED", units: "params.amount", currency: "'USD'" };
await ledger.txTemplates().create({
  code: `PAY${suffix}`,
  params: [
    { name: "amount", type: "decimal" },
    { name: "day", type: "date" },
  ],
  transaction: { journalId: `uuid('${journal}')`, effective: "params.day" },
  entries: [
    { entryType: "'PAY_DR'", accountId: `uuid('${alice}')`, direction: "DEBIT", ...shared },
    { entryType: "'PAY_CR'", accountId: `uuid('${shop}')`, direction: "CREDIT", ...shared },
  ],
});

/** Creates a limit on what is debited within a day, and a control that has it. */
async function dailyControl(name: string, action: "reject" | "warn", amount: string, params: Param[]) {
  const limit = await ledger.velocityLimits().create({
    name: "Daily",
    window: [{ alias: "day", value: "context.vars.transaction.effective.format('%Y-%m-%d')" }],
    currency: "USD",
    params,
    limit: { balance: [{ layer: "SETTLED", amount, enforcementDirection: "DEBIT" }] },
  });
  const control = await ledger.velocityControls().create({ name, enforcement: { action } });
  await ledger.velocityControls().addLimit({ controlId: control.id, limitId: limit.id });
  return control.id;
}

async function pay(amount: string, day: string) {
  const title = `${day}  ${amount.padStart(6)}  `;
  try {
    const posted = await ledger.transactions().post({ txTemplateCode: `PAY${suffix}`, params: { amount, day } });
    const warned = posted.warnings?.map(({ requested, allowed }) => `, warned: ${requested} of ${allowed}`) ?? [];
    console.log(`${title}posted${warned.join("")}`);
  } catch (error) {
    if (!(error instanceof CalaError && error.is("velocity.exceeded"))) throw error;
    console.log(`${title}${error.code}: ${error.details.requested} of ${error.details.allowed}`);
  }
}

const daily = await dailyControl("Cards", "reject", "params.most", [{ name: "most", type: "decimal" }]);
const where = { controlId: daily, accountIds: [alice] };
await ledger.velocityControls().attach({ ...where, params: { most: "100" } });
console.log("at most 100 a day");
await pay("60.00", "2026-01-30");
await pay("50.00", "2026-01-30");
await pay("50.00", "2026-01-31");
const rooms = await ledger.velocityControls().headroom({ accountId: alice });
console.log("left of the days:", rooms.map((room) => `${room.left} of ${room.limit}`).join(", "));

await ledger.velocityControls().attach({ ...where, params: { most: "200" }, replace: true });
const watched = await dailyControl("Watched", "warn", "decimal('30')", []);
await ledger.velocityControls().attach({ controlId: watched, accountIds: [alice] });
console.log("at most 200 a day, and a warning above 30");
await pay("50.00", "2026-01-30");
await pay("20.00", "2026-02-01");

await ledger.velocityControls().detach(where);
const attached = await ledger.velocityControls().attachments({ accountId: alice }).page();
console.log("without the limit:", attached.items.length, "control attached");
await pay("500.00", "2026-02-01");
