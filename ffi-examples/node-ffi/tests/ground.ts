// A ledger to test on, with accounts, a journal and tx templates.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type HostTransaction, Ledger, NotFoundError, type OwnTransaction, type Posted } from "cala-ledger";
import { failure } from "./runner.js";

export const postgresUrl = process.env["CALA_TEST_POSTGRES"];
export const pgbouncerUrl = process.env["CALA_TEST_PGBOUNCER"];

/** What drivers want in parts. */
export interface Address {
  host: string;
  port: number;
  user: string;
  database: string;
}

export function addressOf(url: string): Address {
  const parsed = new URL(url.replace("@/", "@localhost/"));
  return {
    host: parsed.searchParams.get("host") ?? parsed.hostname,
    port: Number(parsed.searchParams.get("port") ?? (parsed.port || "5432")),
    user: parsed.username,
    database: parsed.pathname.slice(1),
  };
}

export type Where = Ledger | OwnTransaction | HostTransaction;

/** The things that tests post to. */
export class Ground {
  journalId = "";
  alice = "";
  bob = "";
  bank = "";
  locked = "";
  readonly suffix = randomUUID().slice(0, 8);

  constructor(readonly ledger: Ledger) {}

  /** Makes accounts, journal and templates, on the ledger itself or, for a host-only one, in a transaction. */
  async prepare(where: Where = this.ledger): Promise<this> {
    const account = async (code: string, direction: "debit" | "credit" = "credit"): Promise<string> =>
      (await where.accounts().create({ code: `${code}-${this.suffix}`, name: code, normalBalanceType: direction })).id;
    this.journalId = (await where.journals().create({ name: "Tests" })).id;
    [this.alice, this.bob, this.bank, this.locked] = [
      await account("ALICE"),
      await account("BOB"),
      await account("BANK", "debit"),
      await account("LOCKED"),
    ];
    await where.accounts().lock({ id: this.locked });
    const shared = { layer: "SETTLED", currency: "'USD'" };
    await where.txTemplates().create({
      code: `PAY-${this.suffix}`,
      params: [
        { name: "account", type: "uuid" },
        { name: "debit", type: "decimal" },
        { name: "credit", type: "decimal" },
      ],
      transaction: { journalId: `uuid('${this.journalId}')`, effective: "date('2026-01-31')" },
      entries: [
        { entryType: "'DR'", accountId: `uuid('${this.bank}')`, direction: "DEBIT", units: "params.debit", ...shared },
        { entryType: "'CR'", accountId: "params.account", direction: "CREDIT", units: "params.credit", ...shared },
      ],
    });
    return this;
  }

  post(
    where: Where,
    account = this.alice,
    { id, debit = "30.00", signal }: { id?: string; debit?: string; signal?: AbortSignal } = {},
  ): Promise<Posted> {
    const params = { account, debit, credit: "30.00" };
    return where
      .transactions()
      .post({ ...(id ? { id } : {}), txTemplateCode: `PAY-${this.suffix}`, params }, { signal });
  }

  key(account = this.alice): { journalId: string; accountId: string; currency: string } {
    return { journalId: this.journalId, accountId: account, currency: "USD" };
  }

  /** An account's settled net; "none" before the first entry. */
  async net(where: Where = this.ledger, account = this.alice): Promise<string> {
    try {
      return (await where.balances().find(this.key(account))).settled.net;
    } catch (error) {
      if (error instanceof NotFoundError) return "none";
      throw error;
    }
  }
}

/**
 * Holds that the least and the greatest integer go into a real ledger and come back: exactly where it was opened with
 * `bigint`, otherwise as JavaScript rounds them.
 */
export async function holdsIntegers(ground: Ground, where: Where, bigint: boolean): Promise<void> {
  const code = `INTEGERS-${randomUUID()}`;
  const shared = { layer: "SETTLED", currency: "'USD'", units: "decimal('1')" };
  await where.txTemplates().create({
    code,
    params: [
      { name: "n", type: "integer" },
      { name: "given", type: "json" },
    ],
    transaction: {
      journalId: `uuid('${ground.journalId}')`,
      effective: "date('2026-01-31')",
      metadata: "{'n': params.n, 'given': params.given}",
    },
    entries: [
      { entryType: "'DR'", accountId: `uuid('${ground.bank}')`, direction: "DEBIT", ...shared },
      { entryType: "'CR'", accountId: `uuid('${ground.bob}')`, direction: "CREDIT", ...shared },
    ],
  });
  const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];
  const post = (n: bigint): Promise<Posted> =>
    where.transactions().post({ txTemplateCode: code, params: { n, given: { snake_key: n, list: [n, 7n, "x"] } } });
  for (const n of [least, most]) {
    const seen = bigint ? n : Number(n);
    const metadata = { n: seen, given: { snake_key: seen, list: [seen, 7, "x"] } };
    const { transaction } = await post(n);
    assert.deepEqual(transaction.metadata, metadata);
    assert.deepEqual((await where.transactions().find({ id: transaction.id })).metadata, metadata);
    const page = await where.transactions().list({ txTemplateId: transaction.txTemplateId, order: "desc" }).page();
    assert.deepEqual(page.items[0]?.metadata, metadata);
    const account = await where.accounts().create({ code: `N${n}-${code}`, name: "N", metadata: { camelKey: n } });
    assert.deepEqual((await where.accounts().find({ id: account.id })).metadata, { camelKey: seen });
    assert.deepEqual((await where.cel().evaluate({ expr: `{'n': ${n}}`, as: "json" })).value, { n: seen });
  }
  for (const n of [least - 1n, most + 1n]) assert.equal((await failure(post(n))).code, "param.type");
}

/** A folder that goes away with the process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "cala-node-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let schemas = 0;

/** A schema name that nobody else uses. */
export function freshSchema(): string {
  return `cala_node_${process.pid}_${++schemas}_${randomUUID().slice(0, 6)}`;
}

/** Runs one statement on PostgreSQL. */
export async function onPostgres(sql: string): Promise<any[]> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Removes what a test made in PostgreSQL. */
export async function dropSchema(schema: string): Promise<void> {
  await onPostgres(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
}
