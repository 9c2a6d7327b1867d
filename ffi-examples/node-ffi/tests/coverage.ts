// What is written down, held against what is there: which method reaches which operation (`write` writes
// ../coverage.json), and that the README quotes files that are run.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { type OperationName, operationNames } from "cala-ledger";
import { OwnTransaction, TransactionScope } from "../src/transactions.js";
import { run, test } from "./runner.js";

/** Notes which operation is called. */
class Recorder extends TransactionScope {
  called: string[] = [];
  override async call(name: OperationName): Promise<any> {
    this.called.push(name);
    return { items: [], hasNextPage: false };
  }
}

const id = "00000000-0000-0000-0000-000000000000";
const key = { journalId: id, accountId: id, currency: "USD" };
const methods: Record<OperationName, [string, (scope: Recorder) => unknown]> = {
  account_create: ["accounts().create", (scope) => scope.accounts().create({ code: "", name: "" })],
  account_create_many: ["accounts().createMany", (scope) => scope.accounts().createMany([])],
  account_find: ["accounts().find", (scope) => scope.accounts().find({ id })],
  account_find_many: ["accounts().findMany", (scope) => scope.accounts().findMany([])],
  account_list: ["accounts().list", (scope) => scope.accounts().list().page()],
  account_update: ["accounts().update", (scope) => scope.accounts().update({ id })],
  account_lock: ["accounts().lock", (scope) => scope.accounts().lock({ id })],
  account_unlock: ["accounts().unlock", (scope) => scope.accounts().unlock({ id })],
  journal_create: ["journals().create", (scope) => scope.journals().create({ name: "" })],
  journal_find: ["journals().find", (scope) => scope.journals().find({ id })],
  journal_list: ["journals().list", (scope) => scope.journals().list().page()],
  journal_update: ["journals().update", (scope) => scope.journals().update({ id })],
  journal_lock: ["journals().lock", (scope) => scope.journals().lock({ id })],
  journal_unlock: ["journals().unlock", (scope) => scope.journals().unlock({ id })],
  tx_template_create: [
    "txTemplates().create",
    (scope) => scope.txTemplates().create({ code: "", transaction: { effective: "", journalId: "" }, entries: [] }),
  ],
  tx_template_find: ["txTemplates().find", (scope) => scope.txTemplates().find({ id })],
  tx_template_list: ["txTemplates().list", (scope) => scope.txTemplates().list().page()],
  transaction_post: ["transactions().post", (scope) => scope.transactions().post({ txTemplateCode: "" })],
  transaction_post_many: ["transactions().postMany", (scope) => scope.transactions().postMany([])],
  transaction_find: ["transactions().find", (scope) => scope.transactions().find({ id })],
  transaction_find_many: ["transactions().findMany", (scope) => scope.transactions().findMany([])],
  transaction_list: ["transactions().list", (scope) => scope.transactions().list().page()],
  entry_list: ["entries().list", (scope) => scope.entries().list({ accountId: id }).page()],
  entry_find_many: ["entries().findMany", (scope) => scope.entries().findMany([])],
  balance_find: ["balances().find", (scope) => scope.balances().find(key)],
  balance_find_many: ["balances().findMany", (scope) => scope.balances().findMany([])],
  balance_list: ["balances().list", (scope) => scope.balances().list({ journalId: id, accountIds: [] }).page()],
  balance_history: ["balances().history", (scope) => scope.balances().history(key).page()],
  balance_at: ["balances().at", (scope) => scope.balances().at({ ...key, version: 1 })],
  tx_lock_accounts: ["lockAccounts", (scope) => scope.lockAccounts([])],
  tx_exec: ["OwnTransaction.exec", (scope) => OwnTransaction.prototype.exec.call(scope as any, "")],
  cel_evaluate: ["cel().evaluate", (scope) => scope.cel().evaluate({ expr: "" })],
  ledger_info: ["info", (scope) => scope.info()],
  ledger_migrate: ["migrate", (scope) => scope.migrate()],
};

const file = new URL("../../coverage.json", import.meta.url);
const named = Object.fromEntries(Object.entries(methods).map(([name, [method]]) => [name, method]));
const table = `${JSON.stringify(named, null, 2)}\n`;

if (process.argv[2] === "write") {
  writeFileSync(file, table);
} else {
  test("each_method_reaches_its_operation", async () => {
    for (const [name, [, invoke]] of Object.entries(methods)) {
      const scope = new Recorder();
      await invoke(scope);
      assert.deepEqual(scope.called, [name]);
    }
  });
  test("every_operation_has_a_method", () => assert.deepEqual(Object.keys(methods).sort(), [...operationNames].sort()));
  test("coverage_json_is_up_to_date", () => assert.equal(readFileSync(file, "utf8"), table));
  test("the_readme_quotes_examples", () => {
    const folder = new URL("../../examples/", import.meta.url);
    const examples = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8"));
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const quotes = [...readme.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1] as string);
    assert.ok(quotes.length > 0);
    for (const quote of quotes)
      assert.ok(
        examples.some((example) => example.includes(quote)),
        `not in an example:\n${quote}`,
      );
  });
  await run("coverage");
}
