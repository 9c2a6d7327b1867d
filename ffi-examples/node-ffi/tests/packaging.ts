// The package as programs get it: packed, installed beside a program, and imported, required, bundled, run in Jest or
// only looked at by tsc. The programs run on each runtime of CALA_TEST_RUNTIMES.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./ground.js";
import { run, test } from "./runner.js";

const here = fileURLToPath(new URL("../../", import.meta.url));
const programs = temporaryFolder();
const modules = join(programs, "node_modules");
const installed = join(modules, "cala-ledger");

const runtimes = process.env["CALA_TEST_RUNTIMES"]?.split(" ") ?? [process.execPath];

function ranEverywhere(program: string, said: string): void {
  for (const runtime of runtimes) assert.equal(ran(runtime, [program]), said, runtime);
}

function ran(command: string, args: string[], cwd = programs): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 300_000 });
  assert.equal(status, 0, `${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout.trim();
}

function written(name: string, text: string): string {
  const path = join(programs, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const programText = `
async function main() {
  const ledger = await Ledger.open({ store: "sqlite::memory:" });
  const tx = await ledger.begin();
  await tx.accounts().create({ code: "A", name: "A" });
  await tx.commit();
  const wrong = await ledger.accounts().find({ code: "B" }).catch((error) => error);
  if (!(wrong instanceof NotFoundError) || !(wrong instanceof CalaError)) throw wrong;
  const { accounts } = await ledger.info();
  await ledger.close();
  console.log(accounts, wrong.code);
}
main();
`;
const required = `const { CalaError, Ledger, NotFoundError } = require("cala-ledger");\n${programText}`;
const imported = `import { CalaError, Ledger, NotFoundError } from "cala-ledger";\n${programText}`;
const expected = "1 account.not_found";

test("the_package_is_built_when_it_is_packed", () => {
  // A checkout in which nothing has been built.
  const checkout = join(programs, "checkout");
  const parts = new Set(["src", "examples", "tests", "LICENSE", "README.md"]);
  for (const name of readdirSync(here))
    if (parts.has(name) || /^(package|tsconfig).*json$|^\.npmrc$/.test(name))
      cpSync(join(here, name), join(checkout, name), { recursive: true });
  symlinkSync(join(here, "node_modules"), join(checkout, "node_modules"));
  const tarball = ran("npm", ["pack", "--silent"], checkout).split("\n").at(-1) as string;
  mkdirSync(installed, { recursive: true });
  ran("tar", ["xzf", join(checkout, tarball), "-C", installed, "--strip-components=1"]);
  for (const file of ["LICENSE", "README.md", "dist/src/index.d.ts", "dist/cjs/commonjs.d.ts"])
    assert.ok(existsSync(join(installed, file)), file);
  assert.ok(!existsSync(join(installed, "dist/tests")) && !existsSync(join(installed, "tests")));
  for (const name of ["koffi", "@koromix", "@types", "bun-types", "undici-types"])
    if (existsSync(join(here, "node_modules", name))) symlinkSync(join(here, "node_modules", name),
      join(modules, name));
});

test("it_is_imported_and_required", () => {
  ranEverywhere(written("required.cjs", required), expected);
  ranEverywhere(written("imported.mjs", imported), expected);
});

test("what_is_imported_and_what_is_required_know_each_other", () => {
  const both = `
    import { createRequire } from "node:module";
    import * as one from "cala-ledger";
    const two = createRequire(import.meta.url)("cala-ledger");
    const own = two.adapter({ connection: {}, exec: async () => null });
    const ledger = await one.Ledger.open({ store: "host:sqlite" });
    ledger.in(own);
    await ledger.close();
    const closed = await ledger.info().catch((error) => error);
    console.log(one.Ledger !== two.Ledger, closed instanceof two.ClosedError, closed instanceof two.MisuseError);
  `;
  ranEverywhere(written("both.mjs", both), "true true false");
});

test("it_is_bundled", () => {
  const esbuild = join(here, "node_modules/.bin/esbuild");
  const options = ["--bundle", "--platform=node", "--external:koffi", "--log-level=error"];
  for (const [source, format, extension] of [
    [written("imported.mjs", imported), "cjs", "cjs"],
    [written("required.cjs", required), "cjs", "cjs"],
    [written("imported.mjs", imported), "esm", "mjs"],
  ] as [string, string, string][]) {
    const out = join(programs, `bundled.${extension}`);
    ran(esbuild, [source, ...options, `--format=${format}`, `--outfile=${out}`]);
    assert.ok(!/["']cala-ledger["']\)/.test(readFileSync(out, "utf8")));
    ranEverywhere(out, expected);
  }
});

test("it_is_compiled_into_a_program_of_bun", () => {
  const bun = runtimes.find((runtime) => runtime.endsWith("bun"));
  if (!bun) return;
  const out = join(programs, "compiled");
  ran(bun, ["build", "--compile", "--external", "koffi", written("imported.mjs", imported), "--outfile", out]);
  assert.equal(ran(out, []), expected);
});

test("it_lies_where_aws_lambda_has_packages", () => {
  const handler = `exports.handler = async () => { ${required} };`.replace("main();", "await main();");
  const start = (task: string): string =>
    written(`${task}/start.cjs`, `require("./index.cjs").handler().then(() => console.log("answered"));`);
  // Beside the handler, in a folder that nobody may write.
  written("lambda/task/index.cjs", handler);
  const beside = start("lambda/task");
  cpSync(modules, join(programs, "lambda/task/node_modules"), { recursive: true, dereference: true });
  ran("chmod", ["-R", "a-w", join(programs, "lambda/task")]);
  // In a layer, which Lambda names in NODE_PATH.
  written("lambda/other/index.cjs", handler);
  const above = start("lambda/other");
  cpSync(modules, join(programs, "lambda/opt/nodejs/node_modules"), { recursive: true, dereference: true });
  for (const runtime of runtimes.filter((name) => !name.endsWith("bun"))) {
    assert.equal(ran(runtime, [beside], "/"), `${expected}\nanswered`, runtime);
    const layer = `NODE_PATH=${join(programs, "lambda/opt/nodejs/node_modules")}`;
    assert.equal(ran("env", [layer, runtime, above], "/"), `${expected}\nanswered`, runtime);
  }
  ran("chmod", ["-R", "u+w", join(programs, "lambda/task")]);
});

test("it_is_required_in_jest", () => {
  const source = `
    const { CalaError, Ledger, NotFoundError, lostRace } = require("cala-ledger");
    let ledger;
    beforeAll(async () => (ledger = await Ledger.open({ store: "sqlite::memory:" })));
    afterAll(() => ledger.close());
    test("a posting's rows come back", async () => {
      const tx = await ledger.begin();
      const metadata = { snake_key: [1, null], day: "2026-01-31" };
      const made = await tx.accounts().create({ code: "A", name: "A", metadata });
      await tx.commit();
      expect(await ledger.accounts().find({ code: "A" })).toEqual(made);
      expect(made.metadata).toEqual(metadata);
      const { id } = made;
      const found = await Promise.all([1, 2, 3].map(() => ledger.accounts().find({ id })));
      expect(found).toEqual([made, made, made]);
    });
    test("errors are of their classes, also of another copy of the modules", async () => {
      const missing = ledger.accounts().find({ code: "B" });
      await expect(missing).rejects.toThrow(NotFoundError);
      await expect(missing).rejects.toMatchObject({ code: "account.not_found", status: "NOT_FOUND" });
      jest.resetModules();
      const again = require("cala-ledger");
      expect(again.CalaError).not.toBe(CalaError);
      await expect(missing).rejects.toThrow(again.NotFoundError);
      expect(again.lostRace({ code: "40001" }) && lostRace({ code: "40001" })).toBe(true);
      const other = await again.Ledger.open({ store: "sqlite::memory:" });
      expect((await other.info()).accounts).toBe(0);
      await other.close();
    });
  `;
  for (const name of ["first", "second"]) written(`jest/${name}.test.js`, source);
  written("jest/package.json", JSON.stringify({ jest: { cacheDirectory: "./cache" } }));
  const jest = join(here, "node_modules/jest/bin/jest.js");
  // In one process, which loads the library for each file anew, and in a process for each file; neither may hang.
  for (const how of ["--runInBand", "--maxWorkers=2"]) {
    const said = ran(process.execPath, [jest, "--ci", "--json", "--silent", how], join(programs, "jest"));
    const { success, numPassedTests, openHandles } = JSON.parse(said);
    assert.deepEqual([success, numPassedTests, openHandles], [true, 4, []]);
  }
});

test("its_types_are_found_by_every_kind_of_resolution", () => {
  const source = `
    import { type CalaError, Ledger } from "cala-ledger";
    export async function first(store: string): Promise<string | undefined> {
      const ledger: Ledger = await Ledger.open({ store });
      return (await ledger.accounts().list().page()).items[0]?.code;
    }
    export const taken = (error: CalaError): boolean => error.code === "account.exists";
    // @ts-expect-error: no such code
    export const wrong = (error: CalaError): boolean => error.code === "account.exist";
  `;
  const tsc = join(here, "node_modules/.bin/tsc");
  for (const [kind, module, resolution] of [
    ["commonjs", "node16", "node16"],
    ["module", "nodenext", "nodenext"],
    ["commonjs", "commonjs", "node10"],
  ] as [string, string, string][]) {
    const folder = `types-${kind}-${resolution}`;
    written(`${folder}/package.json`, JSON.stringify({ type: kind }));
    const file = written(`${folder}/index.ts`, source);
    // Not skipLibCheck: the declarations themselves have to be right.
    const options = ["--strict", "--target", "es2022", "--lib", "es2023,esnext.disposable", "--types", "node"];
    ran(tsc, ["--noEmit", "--module", module, "--moduleResolution", resolution, ...options, file],
      join(programs, folder));
  }
});

// In a program of its own: Bun's types are of everything that is global there.
test("its_types_take_the_handles_of_bun", () => {
  const file = written(
    "types-bun/index.ts",
    `
    import { Ledger } from "cala-ledger";
    import { type TransactionSQL, SQL } from "bun";
    import { Database } from "bun:sqlite";
    export async function both(ledger: Ledger, id: string): Promise<void> {
      await new SQL("postgres://").begin(async (tx: TransactionSQL) =>
        void (await ledger.in(tx).accounts().lock({ id })));
      await new SQL("postgres://").begin((tx) => tx.savepoint((inner) => ledger.in(inner).accounts().lock({ id })));
      ledger.in(new Database(":memory:")).sync.accounts().lock({ id });
      // @ts-expect-error: a driver that answers with promises has no sync
      ledger.in(new SQL("postgres://")).sync;
    }
  `,
  );
  const options = ["--strict", "--skipLibCheck", "--target", "es2022", "--lib", "es2023,esnext.disposable", "--types",
    "bun-types"];
  ran(join(here, "node_modules/.bin/tsc"), ["--noEmit", "--module", "preserve", "--moduleResolution", "bundler",
    ...options, file]);
});

await run("packaging");
