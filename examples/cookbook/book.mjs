// What the recipes share: short words for a tx template and its entries.

export const debit = (accountId, units = "params.amount", { layer = "SETTLED", currency = "'USD'" } = {}) => ({
  accountId,
  direction: "DEBIT",
  units,
  layer,
  currency,
});

export const credit = (accountId, units, where) => ({ ...debit(accountId, units, where), direction: "CREDIT" });

/** Creates a tx template; params: types by name. An amount that comes from outside is not below zero. */
export async function template(ledger, journal, code, params, entries, transaction = {}) {
  await ledger.txTemplates().create({
    code,
    params: Object.entries(params).map(([name, type]) => ({
      name,
      type,
      ...(type === "decimal" ? { min: "decimal('0')" } : {}),
    })),
    transaction: { journalId: `uuid('${journal}')`, effective: "date()", ...transaction },
    entries: entries.map((entry) => ({ entryType: `'${code}'`, ...entry })),
  });
}

/** Creates an account and gives its id. */
export async function account(ledger, code, normalBalanceType = "credit", more = {}) {
  return (await ledger.accounts().create({ code, name: code, normalBalanceType, ...more })).id;
}
