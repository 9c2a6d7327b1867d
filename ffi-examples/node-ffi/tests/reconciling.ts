// What examples/reconcile.ts does not show of reconciling.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  type Expected,
  InvalidError,
  Ledger,
  type Posted,
  type ReconcileOptions,
  type Reconciled,
  type TransactionPostRequest,
} from "cala-ledger";
import { dropSchema, freshSchema, postgresUrl } from "./ground.js";
import { failure, run, skip, test } from "./runner.js";

const beginning = "2026-01-01T00:00:00Z";

/** A ledger with a manual clock and a tx template whose transactions have external ids. */
class Books {
  journalId = "";
  alice = "";
  closed = "";

  constructor(readonly ledger: Ledger) {}

  async prepare(): Promise<this> {
    const account = async (code: string): Promise<string> =>
      (await this.ledger.accounts().create({ code, name: code })).id;
    this.journalId = (await this.ledger.journals().create({ name: "Main" })).id;
    const cash = await account("CASH");
    [this.alice, this.closed] = [await account("ALICE"), await account("CLOSED")];
    await this.ledger.accounts().lock({ id: this.closed });
    const shared = { entryType: "'E'", layer: "SETTLED", units: "params.amount", currency: "'USD'" };
    await this.ledger.txTemplates().create({
      code: "NAMED",
      params: [
        { name: "externalId", type: "string" },
        { name: "account", type: "uuid" },
        { name: "amount", type: "decimal" },
      ],
      transaction: { journalId: `uuid('${this.journalId}')`, effective: "date()", externalId: "params.externalId" },
      entries: [
        { ...shared, accountId: `uuid('${cash}')`, direction: "DEBIT" },
        { ...shared, accountId: "params.account", direction: "CREDIT" },
      ],
    });
    return this;
  }

  posting(externalId: string, account = this.alice): TransactionPostRequest {
    return { txTemplateCode: "NAMED", params: { externalId, account, amount: "10.00" } };
  }

  post(externalId: string): Promise<Posted> {
    return this.ledger.transactions().post(this.posting(externalId));
  }

  async pages(rows: Expected[], options: Partial<ReconcileOptions> = {}): Promise<Reconciled[]> {
    const pages: Reconciled[] = [];
    for await (const page of this.ledger.reconcile({ rows: () => rows, ...options })) pages.push(page);
    return pages;
  }
}

function everywhere(name: string, body: (books: Books) => Promise<void>): void {
  const on = async (store: object): Promise<void> => {
    await using ledger = await Ledger.open({ ...store, clock: { manual: beginning }, migrate: true });
    await body(await new Books(ledger).prepare());
  };
  test(`memory ${name}`, () => on({ store: "sqlite::memory:" }));
  if (!postgresUrl) return skip(`postgres ${name}`, "CALA_TEST_POSTGRES is not set");
  const store = postgresUrl;
  test(`postgres ${name}`, async () => {
    const schema = freshSchema();
    await on({ store, schema }).finally(() => dropSchema(schema));
  });
}

everywhere("every_field_that_is_given_is_compared", async (books) => {
  const { transaction } = await books.post("one");
  const same: Expected = {
    externalId: "one",
    txTemplateCode: "NAMED",
    journalId: books.journalId,
    effective: transaction.effective,
    correlationId: transaction.correlationId,
    amounts: { USD: "10.0000" },
  };
  assert.deepEqual((await books.pages([same]))[0]?.differing, []);
  const changes: Partial<Expected>[] = [
    { txTemplateCode: "OTHER" },
    { journalId: randomUUID() },
    { effective: "2020-01-01" },
    { correlationId: "c" },
    { description: "d" },
    { amounts: { USD: "10.01" } },
    { amounts: {} },
    { amounts: { EUR: "10" } },
    { amounts: { USD: "10", EUR: "0" } },
  ];
  for (const change of changes) {
    const [page] = await books.pages([{ ...same, ...change }]);
    assert.deepEqual(page?.differing.map(({ fields }) => fields), [Object.keys(change)]);
  }
});

everywhere("mistakes_in_what_is_expected_are_refused", async (books) => {
  await books.post("one");
  const mistakes: object[] = [
    { amount: "1" },
    { amounts: null },
    { amounts: ["10.00"] },
    { amounts: { USD: 10 } },
    { amounts: { USD: null } },
    { amounts: { USD: "ten" } },
    { effective: new Date() },
    { description: 5 },
  ];
  const rows: any[] = [null, "one", {}, { externalId: null },
    ...mistakes.map((mistake) => ({ externalId: "one", ...mistake }))];
  for (const row of rows) {
    const error = await failure(books.pages([row]));
    assert.ok(error instanceof InvalidError, `${JSON.stringify(row)} ${error}`);
  }
  for (const pageSize of [0, 1001, 1.5]) {
    assert.ok((await failure(books.pages([], { pageSize }))) instanceof InvalidError);
  }
});

everywhere("mistakes_in_the_options_are_refused", async (books) => {
  await books.post("one");
  const mistakes: [any, RegExp][] = [
    [{ recordedBy: null }, /recordedBy is null/],
    [{ recordedBy: "soon" }, /recordedBy is soon/],
    [{ recordedBy: new Date("soon") }, /recordedBy is Invalid Date/],
    [{ page_size: 2 }, /no key page_size/],
    [{ place: { rows: "one" } }, /place of reconcile has no key rows/],
    [{ place: "one" }, /place of reconcile is string/],
    [{ place: [] }, /place of reconcile is array/],
    [{ place: { row: 1 } }, /row of the place of reconcile is number/],
    [{ known: () => [["one"]] }, /known gave an external id that is array/],
    [{ known: () => undefined }, /known gave undefined/],
    [{ known: async () => null }, /known gave null/],
    [{ known: () => "one" }, /known gave string/],
  ];
  for (const [options, said] of mistakes) {
    const error = await failure(books.pages([], options));
    assert.ok(error instanceof InvalidError, String(error));
    assert.match(error.message, said);
  }
});

everywhere("what_was_taken_back_is_not_as_expected", async (books) => {
  const { transaction } = await books.post("one");
  const [same] = await books.pages([{ externalId: "one", description: null }]);
  assert.deepEqual(same?.differing, []);
  await books.ledger.transactions().void({ id: transaction.id });
  let asked = 0;
  const replay = (): undefined => void (asked += 1);
  const known = (): string[] => [];
  const [page, other] = await books.pages([{ externalId: "one" }], { replay, known });
  assert.deepEqual(page?.differing.map(({ fields }) => fields), [["voidedBy"]]);
  assert.deepEqual([page?.missing, asked], [[], 0]);
  assert.deepEqual([other?.checked, other?.extra], [2, []]);
});

everywhere("what_the_ledger_refuses_is_told_and_the_rest_is_posted", async (books) => {
  const postings = new Map([
    ["a", books.posting("a", books.closed)],
    ["b", books.posting("b")],
    ["d", books.posting("other")],
  ]);
  const replay = ({ externalId }: Expected): TransactionPostRequest | undefined => postings.get(externalId);
  const [page] = await books.pages([{ externalId: "a" }, { externalId: "b" }, { externalId: "c" }], { replay });
  assert.deepEqual(
    page?.refused.map(({ expected, error }) => [expected.externalId, error.code]),
    [["a", "account.locked"]],
  );
  assert.deepEqual(page?.replayed.map(({ transaction }) => transaction.externalId), ["b"]);
  assert.deepEqual(page?.missing.map(({ externalId }) => externalId), ["a", "b", "c"]);
  assert.ok((await failure(books.pages([{ externalId: "d" }], { replay }))) instanceof TypeError);
  assert.equal((await books.ledger.info()).transactions, 1);
});

everywhere("what_is_younger_waits_for_the_next_time", async (books) => {
  await books.post("one");
  books.ledger.clock.advance(1000);
  await books.post("two");
  const known = (): string[] => [];
  const [page] = await books.pages([], { known, recordedBy: new Date(beginning), pageSize: 2 });
  assert.ok(page);
  assert.deepEqual([page.checked, page.extra.map(({ externalId }) => externalId)], [1, ["one"]]);
  const { place } = page;
  assert.deepEqual(await books.pages([], { known, recordedBy: beginning, place }), []);
  const later = await books.pages([], { known, place });
  assert.deepEqual(later.flatMap(({ extra }) => extra.map(({ externalId }) => externalId)), ["two"]);
});

await run("reconciling");
