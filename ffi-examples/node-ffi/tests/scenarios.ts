// The scenario files that every binding runs, through call(); ../../../tests/scenarios/README.md describes them.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { inspect } from "node:util";
import { CalaError, Ledger, type OperationName, type OwnTransaction } from "cala-ledger";
import { camelCased, camelPointer, snakeCased } from "../src/casing.js";
import { parsed } from "../src/json.js";
import { dropSchema, freshSchema, postgresUrl } from "./ground.js";
import { run, skip, test } from "./runner.js";

const folder = new URL("../../../../tests/scenarios/", import.meta.url);
const fewest = 101;

interface Line {
  place: string;
  text: string;
}

/** A file's lines without comments, continuations joined, includes in place. */
function linesOf(file: string): Line[] {
  const lines: Line[] = [];
  readFileSync(new URL(file, folder), "utf8").split("\n").forEach((text, index) => {
    const last = lines.at(-1);
    if (text === "" || text.startsWith("#")) return;
    if (text.startsWith(" ") && last) last.text += ` ${text.trimStart()}`;
    else lines.push({ place: `${file}:${index + 1}`, text });
  });
  return lines.flatMap((line) => (line.text.startsWith("include ") ? linesOf(line.text.slice(8)) : [line]));
}

interface Scenario {
  title: string;
  lines: Line[];
}

function scenariosOf(file: string): Scenario[] {
  const scenarios: Scenario[] = [];
  for (const line of linesOf(file)) {
    if (line.text.startsWith("scenario ")) scenarios.push({ title: line.text.slice(9), lines: [] });
    else scenarios.at(-1)?.lines.push(line);
  }
  return scenarios;
}

/** Where an answer is not as it should be; undefined when it is. */
function mismatch(wanted: any, found: any, at = ""): string | undefined {
  if (wanted === null) return found === null || found === undefined ? undefined : `${at} should be absent`;
  if (wanted === "*") return found === undefined ? `${at} is not there` : undefined;
  if (typeof wanted !== "object") return wanted === found ? undefined : `${at} should be ${wanted}, not ${found}`;
  if (typeof found !== "object" || found === null || Array.isArray(wanted) !== Array.isArray(found))
    return `${at} is of another kind: ${inspect(found)}`;
  if (Array.isArray(wanted) && wanted.length !== found.length) return `${at} has ${found.length} items`;
  for (const [key, value] of Object.entries(wanted)) {
    const wrong = mismatch(value, Object.hasOwn(found, key) ? found[key] : undefined, `${at}/${key}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

const states = ["usable", "aborted", "retry"];
const inSnake = (pointer: string): string =>
  pointer.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** An error as the files describe it. */
function documentOf(error: CalaError): any {
  const details: any = snakeCased(error.details);
  let { message } = error;
  if (typeof details.pointer === "string") {
    details.pointer = inSnake(details.pointer);
    message = message.replaceAll(camelPointer(details.pointer), details.pointer);
  }
  return {
    status: `CALA_${error.status}`,
    code: error.code,
    message,
    retryable: error.retryable,
    sqlstate: error.sqlstate,
    tx_state: states.indexOf(error.txState),
    posting_index: error.postingIndex ?? -1,
    details,
  };
}

type Answer = { result: any } | { refused: any };

class Story {
  readonly #names = new Map<string, string>();
  readonly #ledger: Ledger;
  #tx: OwnTransaction | undefined;
  #answer: Answer = { result: {} };
  #counts: unknown;
  #checked = true;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  async tell({ lines }: Scenario): Promise<void> {
    try {
      for (const { place, text } of lines) {
        if (text.startsWith("except ")) continue;
        try {
          await this.#read(text);
        } catch (error) {
          throw new Error(`${place}: ${text}`, { cause: error });
        }
      }
      assert.ok(this.#checked, "the last answer is not checked");
    } finally {
      await this.#tx?.[Symbol.asyncDispose]();
    }
  }

  async #read(line: string): Promise<void> {
    const text = line.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
      const value = this.#names.get(name);
      assert.ok(value !== undefined, `nothing is named ${name}`);
      return value;
    });
    const [word, rest] = cut(text);
    if (word === "ok" || word === "error") return this.#check(word, rest);
    assert.ok(this.#checked, `the answer before this line is not checked: ${inspect(this.#answer)}`);
    if (word === "do") return this.#do(...cut(rest));
    if (word === "clock") return this.#clock(...cut(rest));
    if (word === "set") this.#names.set(...cut(rest));
    else if (word === "take") this.#take(...cut(rest));
    else if (word === "begin") this.#tx = await this.#ledger.begin();
    else if (word === "commit" || word === "rollback") {
      await this.#tx?.[word]();
      this.#tx = undefined;
    } else throw new Error(`no line begins with "${word}"`);
  }

  // Requests go as the program would write them, in camelCase; answers come back to the files' spelling.
  async #do(operation: string, request: string): Promise<void> {
    const where = this.#tx ?? this.#ledger;
    await this.#keep(async () => snakeCased(await where.call(operation as OperationName,
      camelCased(parsed(request, true)))));
  }

  async #clock(what: string, value: string): Promise<void> {
    await this.#keep(async () => {
      if (what === "set") this.#ledger.clock.set(value);
      else this.#ledger.clock.advance(Number(value));
      return {};
    });
  }

  async #keep(work: () => Promise<any>): Promise<void> {
    this.#counts = await this.#count();
    this.#checked = false;
    try {
      this.#answer = { result: await work() };
    } catch (error) {
      if (!(error instanceof CalaError)) throw error;
      this.#answer = { refused: documentOf(error) };
    }
  }

  async #count(): Promise<unknown> {
    const { now: _, ...counts } = await (this.#tx ?? this.#ledger).info();
    return counts;
  }

  async #check(word: "ok" | "error", rest: string): Promise<void> {
    this.#checked = true;
    const [code, document] = word === "ok" ? ["", rest] : cut(rest);
    const answer = this.#answer;
    if (word === "ok") assert.ok("result" in answer, `it was refused: ${inspect(answer)}`);
    else {
      assert.ok("refused" in answer, `it was not refused: ${inspect(answer)}`);
      assert.equal(answer.refused.code, code, inspect(answer));
      assert.deepEqual(await this.#count(), this.#counts);
    }
    const found = "result" in answer ? answer.result : answer.refused;
    if (document === "") return;
    const wrong = mismatch(parsed(document, true), found);
    assert.ok(wrong === undefined, `${wrong}\nin ${inspect(found, { depth: 9 })}`);
  }

  #take(name: string, pointer: string): void {
    let value = "result" in this.#answer ? this.#answer.result : undefined;
    for (const key of pointer.split("/").slice(1)) value = value?.[key];
    assert.ok(typeof value === "string" || typeof value === "number", `there is no ${pointer}`);
    this.#names.set(name, String(value));
  }
}

/** The first word of a text, and what follows the spaces after it. */
function cut(text: string): [string, string] {
  const [, word = "", rest = ""] = /^(\S*) *([^]*)$/.exec(text) ?? [];
  return [word, rest];
}

const clock = { manual: "2026-01-01T00:00:00Z" };
const scenarios = readdirSync(folder)
  .filter((file) => file.endsWith(".txt"))
  .sort()
  .flatMap(scenariosOf);

/** Whether a scenario's first line says that Node cannot be asked, and why. */
function excepted({ lines: [first] }: Scenario): boolean {
  const [, hosts = ""] = /^except ([a-z ]+): ./.exec(first?.text ?? "") ?? [];
  return hosts.split(" ").includes("node");
}

test("there_are_scenarios", () => {
  const leftOut = scenarios.filter(excepted).map(({ title }) => title);
  assert.ok(scenarios.length - leftOut.length >= fewest, `only ${scenarios.length}`);
  assert.deepEqual(leftOut, [
    "Fractions in a param of type json are kept exactly",
    "A whole number of more than 64 bits is refused",
    "An integer of more than 64 bits in params is refused",
  ]);
});
for (const scenario of scenarios) {
  if (excepted(scenario)) continue;
  test(`sqlite ${scenario.title}`, async () => {
    await using ledger = await Ledger.open({ store: "sqlite::memory:", clock }, { bigint: true });
    await new Story(ledger).tell(scenario);
  });
  if (!postgresUrl) skip(`postgres ${scenario.title}`, "CALA_TEST_POSTGRES is not set");
  else {
    test(`postgres ${scenario.title}`, async () => {
      const schema = freshSchema();
      try {
        await using ledger = await Ledger.open({ store: postgresUrl as string, schema, migrate: true, clock },
          { bigint: true });
        await new Story(ledger).tell(scenario);
      } finally {
        await dropSchema(schema);
      }
    });
  }
}
await run("scenarios");
