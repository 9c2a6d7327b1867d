// What examples/two-phase.ts does not show of recovering.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Ledger, type Prepared, type Recovered } from "cala-ledger";
import { dropSchema, freshSchema, onPostgres, postgresUrl } from "./ground.js";
import { failure, run, skip, test } from "./runner.js";

const gidsOf = (prepared: Prepared[]): string[] => prepared.map(({ gid }) => gid);
const nothing: Recovered = { committed: [], rolledBack: [], ended: [], left: [], failed: [] };

async function preparedIn(ledger: Ledger): Promise<Prepared[]> {
  return (await ledger.prepared().list().page()).items;
}

/** A ledger in which these are prepared, of accounts that are in nobody's way. */
function oncePrepared(name: string, gids: string[], body: (ledger: Ledger, schema: string) => Promise<void>): void {
  if (!postgresUrl) return skip(name, "CALA_TEST_POSTGRES is not set");
  const store = postgresUrl;
  test(name, async () => {
    const schema = freshSchema();
    const ledger = await Ledger.open({ store, schema, migrate: true });
    try {
      for (const gid of gids) {
        await using tx = await ledger.begin();
        await tx.accounts().create({ code: gid, name: "An account" });
        await tx.prepare(gid);
      }
      await body(ledger, schema);
    } finally {
      for (const { gid } of await preparedIn(ledger)) await ledger.prepared().finish({ gid, outcome: "rollback" });
      await ledger.close();
      await dropSchema(schema);
    }
  });
}

oncePrepared("what_is_not_decided_or_too_young_is_left_as_it_is", ["a", "b", "c", "d"], async (ledger) => {
  const decided = ({ gid }: Prepared): any => ({ a: "commit", c: "ROLLBACK", d: null })[gid];
  const unasked = (): any => assert.fail("it is too young");
  assert.deepEqual(await ledger.recover({ decided: unasked, minAgeMs: 3_600_000 }), nothing);
  const done = await ledger.recover({ decided });
  assert.deepEqual(
    [done.committed, done.rolledBack, done.ended, done.left].map(gidsOf),
    [["a"], ["c"], [], ["b", "d"]],
  );
  assert.deepEqual(done.failed, []);
  assert.deepEqual(Object.keys(done.left[0] ?? {}).sort(), ["ageMs", "gid", "owner", "preparedAt"]);
  assert.deepEqual(gidsOf(await preparedIn(ledger)), ["b", "d"]);
});

oncePrepared("whatever_is_no_decision_ends_nothing", ["order"], async (ledger) => {
  for (const answer of ["", "maybe", false, true, 0, ["commit"]]) {
    const error = await failure(ledger.recover({ decided: () => answer as any }));
    assert.equal(error.name, "InvalidError", String(answer));
  }
  for (const minAgeMs of [-1, 1.5, "1", Number.NaN]) {
    const error = await failure(ledger.recover({ decided: () => "commit", minAgeMs: minAgeMs as any }));
    assert.deepEqual([error.code, /minAgeMs/.test(error.message)], ["request.malformed", true]);
  }
  for (const options of [{}, { decided: "commit" }, { decided: () => "commit", minAge: 1 }]) {
    assert.equal((await failure(ledger.recover(options as any))).code, "request.malformed");
  }
  assert.deepEqual(gidsOf(await preparedIn(ledger)), ["order"]);
});

oncePrepared("what_ended_or_is_anothers_is_told_and_the_rest_is_finished", ["a", "b", "c"], async (ledger, schema) => {
  const clerk = `clerk_${randomUUID().slice(0, 8)}`;
  await onPostgres(
    `CREATE ROLE ${clerk} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${clerk};` +
      ` GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${clerk}`,
  );
  try {
    await using theirs = await Ledger.open({ store: String(postgresUrl).replace("//cala@", `//${clerk}@`), schema });
    const done = await theirs.recover({ decided: async ({ gid }) => (gid === "b" ? "commit" : undefined) });
    assert.deepEqual(
      done.failed.map(({ prepared, error }) => [prepared.gid, error.code]),
      [["b", "store.permission"]],
    );
    assert.deepEqual(gidsOf(done.left), ["a", "c"]);
  } finally {
    await onPostgres(`DROP OWNED BY ${clerk}; DROP ROLE ${clerk}`);
  }
  const done = await ledger.recover({
    decided: async ({ gid }) => {
      if (gid === "b") await ledger.prepared().finish({ gid, outcome: "rollback" }); // another recovery, meanwhile
      return "commit" as const;
    },
  });
  assert.deepEqual([gidsOf(done.committed), gidsOf(done.ended)], [["a", "c"], ["b"]]);
});

oncePrepared("what_decided_throws_ends_it_and_the_next_recovery_goes_on", ["a", "b"], async (ledger) => {
  const decided = ({ gid }: Prepared): "commit" => {
    if (gid === "b") throw new RangeError("the program's database is away");
    return "commit";
  };
  assert.ok((await failure(ledger.recover({ decided }))) instanceof RangeError);
  assert.deepEqual(gidsOf((await ledger.recover({ decided: () => "rollback" })).rolledBack), ["b"]);
});

test("where_nothing_can_be_prepared_there_is_nothing_to_do", async () => {
  await using ledger = await Ledger.open({ store: "sqlite::memory:" });
  assert.deepEqual(await ledger.recover({ decided: () => "commit" }), nothing);
});

await run("recovering");
