// What is written down, held against what is there: which method reaches which operation (tools/make_ffi makes
// ../coverage.json from the rows below), that it takes and gives what cala.h says, and that the README quotes files
// that are run.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import {
  type Listing,
  type OperationName,
  type Page,
  type RequestOf,
  type ResultOf,
  operationNames,
} from "cala-ledger";
import { OwnTransaction, TransactionScope } from "../src/transactions.js";
import { camelCased, snakeCased } from "../src/casing.js";
import { run, test } from "./runner.js";

/** Notes which operation is called. */
class Recorder extends TransactionScope {
  called: string[] = [];
  protected override async run(name: OperationName): Promise<any> {
    this.called.push(name);
    return { items: [], hasNextPage: false };
  }
}

const id = "00000000-0000-0000-0000-000000000000";
const key = { journalId: id, accountId: id, currency: "USD" };
const methods = {
  account_create: ["accounts().create", (scope) => scope.accounts().create({ code: "", name: "" })],
  account_create_many: ["accounts().createMany", (scope) => scope.accounts().createMany([])],
  account_ensure: ["accounts().ensure", (scope) => scope.accounts().ensure({ code: "", name: "" })],
  account_find: ["accounts().find", (scope) => scope.accounts().find({ id })],
  account_find_many: ["accounts().findMany", (scope) => scope.accounts().findMany([])],
  account_list: ["accounts().list", (scope) => scope.accounts().list().page()],
  account_update: ["accounts().update", (scope) => scope.accounts().update({ id })],
  account_lock: ["accounts().lock", (scope) => scope.accounts().lock({ id })],
  account_unlock: ["accounts().unlock", (scope) => scope.accounts().unlock({ id })],
  account_set_create: [
    "accountSets().create",
    (scope) => scope.accountSets().create({ journalId: id, name: "" }),
  ],
  account_set_find: ["accountSets().find", (scope) => scope.accountSets().find({ id })],
  account_set_find_many: ["accountSets().findMany", (scope) => scope.accountSets().findMany([])],
  account_set_list: ["accountSets().list", (scope) => scope.accountSets().list().page()],
  account_set_update: ["accountSets().update", (scope) => scope.accountSets().update({ id })],
  account_set_add_members: ["accountSets().addMembers", (scope) => scope.accountSets().addMembers([])],
  account_set_ensure: [
    "accountSets().ensure",
    (scope) => scope.accountSets().ensure({ id, journalId: "", name: "" }),
  ],
  account_set_ensure_members: [
    "accountSets().ensureMembers",
    (scope) => scope.accountSets().ensureMembers([]),
  ],
  account_set_remove_member: [
    "accountSets().removeMember",
    (scope) => scope.accountSets().removeMember({ accountSetId: id, accountId: id }),
  ],
  account_set_list_members: [
    "accountSets().listMembers",
    (scope) => scope.accountSets().listMembers({ accountSetId: id }).page(),
  ],
  account_set_list_parents: [
    "accountSets().listParents",
    (scope) => scope.accountSets().listParents({ accountId: id }).page(),
  ],
  journal_create: ["journals().create", (scope) => scope.journals().create({ name: "" })],
  journal_ensure: ["journals().ensure", (scope) => scope.journals().ensure({ name: "", code: "" })],
  journal_find: ["journals().find", (scope) => scope.journals().find({ id })],
  journal_list: ["journals().list", (scope) => scope.journals().list().page()],
  journal_update: ["journals().update", (scope) => scope.journals().update({ id })],
  journal_lock: ["journals().lock", (scope) => scope.journals().lock({ id })],
  journal_unlock: ["journals().unlock", (scope) => scope.journals().unlock({ id })],
  journal_close: ["journals().close", (scope) => scope.journals().close({ id, until: "2025-12-31" })],
  journal_reopen: ["journals().reopen", (scope) => scope.journals().reopen({ id, until: null })],
  tx_template_create: [
    "txTemplates().create",
    (scope) => scope.txTemplates().create({ code: "", transaction: { effective: "", journalId: "" }, entries: [] }),
  ],
  tx_template_ensure: [
    "txTemplates().ensure",
    (scope) => scope.txTemplates().ensure({ code: "", transaction: { effective: "", journalId: "" }, entries: [] }),
  ],
  tx_template_find: ["txTemplates().find", (scope) => scope.txTemplates().find({ id })],
  tx_template_list: ["txTemplates().list", (scope) => scope.txTemplates().list().page()],
  velocity_limit_create: [
    "velocityLimits().create",
    (scope) => scope.velocityLimits().create({ name: "", limit: { balance: [] } }),
  ],
  velocity_limit_ensure: [
    "velocityLimits().ensure",
    (scope) => scope.velocityLimits().ensure({ id, name: "", limit: { balance: [] } }),
  ],
  velocity_limit_list: ["velocityLimits().list", (scope) => scope.velocityLimits().list().page()],
  velocity_control_create: ["velocityControls().create", (scope) => scope.velocityControls().create({ name: "" })],
  velocity_control_ensure: ["velocityControls().ensure", (scope) => scope.velocityControls().ensure({ id, name: "" })],
  velocity_control_list: ["velocityControls().list", (scope) => scope.velocityControls().list().page()],
  velocity_control_add_limit: [
    "velocityControls().addLimit",
    (scope) => scope.velocityControls().addLimit({ controlId: id, limitId: id }),
  ],
  velocity_control_ensure_limit: [
    "velocityControls().ensureLimit",
    (scope) => scope.velocityControls().ensureLimit({ controlId: id, limitId: id }),
  ],
  velocity_control_attach: [
    "velocityControls().attach",
    (scope) => scope.velocityControls().attach({ controlId: id, accountIds: [] }),
  ],
  velocity_control_ensure_attached: [
    "velocityControls().ensureAttached",
    (scope) => scope.velocityControls().ensureAttached({ controlId: id, accountIds: [] }),
  ],
  velocity_control_detach: [
    "velocityControls().detach",
    (scope) => scope.velocityControls().detach({ controlId: id, accountIds: [] }),
  ],
  velocity_attachment_list: [
    "velocityControls().attachments",
    (scope) => scope.velocityControls().attachments().page(),
  ],
  velocity_headroom: ["velocityControls().headroom", (scope) => scope.velocityControls().headroom({ accountId: id })],
  transaction_post: ["transactions().post", (scope) => scope.transactions().post({ txTemplateCode: "" })],
  transaction_post_many: ["transactions().postMany", (scope) => scope.transactions().postMany([])],
  transaction_preview: ["transactions().preview", (scope) => scope.transactions().preview({ txTemplateCode: "" })],
  transaction_void: ["transactions().void", (scope) => scope.transactions().void({ id })],
  transaction_find: ["transactions().find", (scope) => scope.transactions().find({ id })],
  transaction_find_many: ["transactions().findMany", (scope) => scope.transactions().findMany([])],
  transaction_list: ["transactions().list", (scope) => scope.transactions().list().page()],
  hold_create: ["holds().create", (scope) => scope.holds().create({ txTemplateCode: "" })],
  hold_capture: ["holds().capture", (scope) => scope.holds().capture({ holdId: id })],
  hold_release: ["holds().release", (scope) => scope.holds().release({ holdId: id })],
  hold_find: ["holds().find", (scope) => scope.holds().find({ id })],
  hold_list: ["holds().list", (scope) => scope.holds().list().page()],
  hold_expire: ["holds().expire", (scope) => scope.holds().expire()],
  entry_list: ["entries().list", (scope) => scope.entries().list({ accountId: id }).page()],
  entry_find_many: ["entries().findMany", (scope) => scope.entries().findMany([])],
  balance_find: ["balances().find", (scope) => scope.balances().find(key)],
  balance_find_many: ["balances().findMany", (scope) => scope.balances().findMany([])],
  balance_list: ["balances().list", (scope) => scope.balances().list({ journalId: id, accountIds: [] }).page()],
  balance_history: ["balances().history", (scope) => scope.balances().history(key).page()],
  balance_at: ["balances().at", (scope) => scope.balances().at({ ...key, version: 1 })],
  balance_range: ["balances().range", (scope) => scope.balances().range({ ...key, from: "2026-01-01" })],
  account_statement: ["balances().statement", (scope) => scope.balances().statement(key)],
  trial_balance: ["balances().trial", (scope) => scope.balances().trial({ journalId: id })],
  balance_changes: [
    "balances().changes", (scope) => scope.balances().changes({ journalId: id,
      modifiedSince: "2026-01-01T00:00:00Z" }).page(),
  ],
  event_list: ["events().list", (scope) => scope.events().list()],
  event_prune: ["events().prune", (scope) => scope.events().prune({ place: 1 })],
  listener_place: ["listeners().place", (scope) => scope.listeners().place()],
  listener_ack: ["listeners().ack", (scope) => scope.listeners().ack({ name: "x", place: 1 })],
  listener_list: ["listeners().list", (scope) => scope.listeners().list().page()],
  listener_remove: ["listeners().remove", (scope) => scope.listeners().remove({ name: "x" })],
  tx_lock_accounts: ["lockAccounts", (scope) => scope.lockAccounts([])],
  tx_exec: ["OwnTransaction.exec", (scope) => OwnTransaction.prototype.exec.call(scope as any, "")],
  tx_finish: ["prepared().finish", (scope) => scope.prepared().finish({ gid: "x", outcome: "commit" })],
  prepared_list: ["prepared().list", (scope) => scope.prepared().list().page()],
  rollup_status: ["rollupStatus", (scope) => scope.rollupStatus()],
  rollup_await: ["rollupAwait", (scope) => scope.rollupAwait()],
  cel_evaluate: ["cel().evaluate", (scope) => scope.cel().evaluate({ expr: "" })],
  ledger_info: ["info", (scope) => scope.info()],
  ledger_health: ["health", (scope) => scope.health()],
  ledger_metrics: ["metrics", (scope) => scope.metrics()],
  ledger_migrate: ["migrate", (scope) => scope.migrate()],
} as const satisfies Record<OperationName, readonly [string, (scope: Recorder) => unknown]>;

// The method that a row names.
type Part<Of, Name> = Name extends keyof Of ? Of[Name] : never;
type Method<Path> = Path extends `${infer Noun}().${infer Name}`
  ? Part<Part<OwnTransaction, Noun> extends () => infer Made ? Made : never, Name>
  : Part<OwnTransaction, Path extends `OwnTransaction.${infer Name}` ? Name : Path>;

// Methods take a list, and give what is alone in an answer, by itself, but for a number, which its key explains.
type Alone<T> = { [Key in keyof T]-?: [Exclude<keyof T, Key>] extends [never] ? T[Key] : never }[keyof T];
type Takes<Asked> = [Alone<Asked>] extends [never] ? Asked : Alone<Asked> extends unknown[] ? Alone<Asked> : Asked;
type Gives<Told> =
  Told extends Page<infer Item>
    ? [Exclude<keyof Told, keyof Page<Item>>] extends [never]
      ? Listing<Item>
      : Promise<Told> // a page with more in it than its items
    : Promise<[Alone<Told>] extends [never | number] ? Told : Alone<Told>>;

// The operations of which a method takes or gives anything else than cala.h says. These have a form of their own,
// and what is asked for nothing takes nothing.
type Same<One, Two> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Two ? 1 : 2 ? true : false;
type Own = "tx_exec" | "cel_evaluate" | "transaction_find_many";
type Drifted<Paths extends Partial<Record<OperationName, string>>> = {
  [Name in Exclude<keyof Paths & OperationName, Own>]: Method<Paths[Name]> extends (...g: infer Given) => infer Answer
    ? [
        string extends keyof RequestOf<Name> ? true : Same<Exclude<Given[0], undefined>, Takes<RequestOf<Name>>>,
        Same<Answer, Gives<ResultOf<Name>>>,
      ] extends [true, true]
      ? never
      : Name
    : Name;
}[Exclude<keyof Paths & OperationName, Own>];
type Held<Nothing extends never> = Nothing;

/** An error here names the operations. */
export type EveryMethodFits = Held<Drifted<{ [Name in OperationName]: (typeof methods)[Name][0] }>>;
// @ts-expect-error: it takes and gives something else
export type AnotherIsNoticed = Held<Drifted<{ account_create: "journals().create" }>>;
// @ts-expect-error: it gives something else
export type AnotherAnswerIsNoticed = Held<Drifted<{ account_find_many: "entries().findMany" }>>;
// @ts-expect-error: it takes something else
export type AnotherRequestIsNoticed = Held<Drifted<{ journal_list: "accounts().list" }>>;

const file = new URL("../../coverage.json", import.meta.url);
const named = Object.fromEntries(Object.entries(methods).map(([name, [method]]) => [name, method]));

test("each_method_reaches_its_operation", async () => {
  for (const [name, [, invoke]] of Object.entries(methods)) {
    const scope = new Recorder();
    await invoke(scope);
    assert.deepEqual(scope.called, [name]);
  }
});
test("every_operation_has_a_method", () => assert.deepEqual(Object.keys(methods).sort(), [...operationNames].sort()));
test("what_programs_write_for_themselves_stays_as_they_wrote_it", () => {
  const { types, operations } = JSON.parse(readFileSync(new URL("../../../../abi/api.json", import.meta.url), "utf8"));
  const isOwn = (type: any): boolean =>
    type.kind === "map" ||
    (type.kind === "name" && (type.name === "json" || (types[type.name] !== undefined &&
      isOwn(types[type.name].type)))) ||
    (type.kind === "union" && type.of.some(isOwn));
  const keys = new Set<string>();
  const collect = (of: any): void => {
    if (typeof of !== "object" || of === null) return;
    for (const field of of.fields ?? []) if (isOwn(field.type)) keys.add(field.key);
    for (const value of Object.values(of)) collect(value);
  };
  collect([types, operations]);
  keys.delete("details"); // the library's own words
  assert.ok(keys.has("max_scale") && keys.has("metadata"));
  const own = { USD: "1", a_key: { bKey: 1 } };
  for (const key of keys) {
    const [[name, answered]] = Object.entries(camelCased({ [key]: own })) as [[string, unknown]];
    assert.deepEqual(answered, own, `answers rename what is in ${name}`);
    assert.deepEqual(snakeCased({ [name]: own }), { [key]: own }, `requests rename what is in ${name}`);
  }
});
test("coverage_json_is_up_to_date", () => assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), named));
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
