// What the samples of transactions share: a journal, ALICE, and a tx template that gives an account 30.00.
import { type HostTransaction, type Ledger, NotFoundError, type OwnTransaction } from "cala-ledger";

/** A ledger ready for the samples. */
export interface Shop {
  journalId: string;
  alice: string;
  /** Gives 30.00 to an account. */
  pay(where: OwnTransaction | HostTransaction, account: string, id?: string): Promise<{ replayed: boolean }>;
  /** "1 order, ALICE has 30.00 USD". */
  summary(orders: number): Promise<string>;
}

/** Makes the accounts, the journal and the tx template. */
export async function openShop(ledger: Ledger, suffix: string): Promise<Shop> {
  const { id: journalId } = await ledger.journals().create({ name: "Shop" });
  const { id: alice } = await ledger.accounts().create({ code: `ALICE${suffix}`, name: "Alice" });
  const { id: bank } = await ledger
    .accounts()
    .create({ code: `BANK${suffix}`, name: "Bank", normalBalanceType: "debit" });
  const shared = { layer: "SETTLED", units: "decimal('30.00')", currency: "'USD'" };
  await ledger.txTemplates().create({
    code: `PAY${suffix}`,
    params: [{ name: "account", type: "uuid" }],
    transaction: { journalId: `uuid('${journalId}')`, effective: "date('2026-01-31')" },
    entries: [
      { entryType: "'PAY_DR'", accountId: `uuid('${bank}')`, direction: "DEBIT", ...shared },
      { entryType: "'PAY_CR'", accountId: "params.account", direction: "CREDIT", ...shared },
    ],
  });
  const balance = async (): Promise<string> => {
    try {
      const found = await ledger.balances().find({ journalId, accountId: alice, currency: "USD" });
      return `${found.settled.net} USD`;
    } catch (error) {
      if (error instanceof NotFoundError) return "no balance";
      throw error;
    }
  };
  return {
    journalId,
    alice,
    pay: (where, account, id) =>
      where.transactions().post({ ...(id ? { id } : {}), txTemplateCode: `PAY${suffix}`, params: { account } }),
    summary: async (orders) => `${orders} ${orders === 1 ? "order" : "orders"}, ALICE has ${await balance()}`,
  };
}
