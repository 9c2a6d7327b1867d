// Each case in a process of its own, CALA_RUNS times (default 20):
// it ends by itself, with success, and says "done" once.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./ground.js";
import { run, test } from "./runner.js";

const child = fileURLToPath(new URL("lifecycle-child.js", import.meta.url));
const runs = Number(process.env["CALA_RUNS"] ?? 20);
const folder = temporaryFolder();
const flags = "Bun" in globalThis ? [] : ["--expose-gc"];
const hung = 120_000;

function runCase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = join(folder, `${randomUUID()}.db`);
    execFile(
      process.execPath,
      [...flags, child, name, path],
      { timeout: hung, killSignal: "SIGKILL" },
      (error, stdout, stderr) => {
        if (error) return reject(new Error(`code ${error.code}, signal ${error.signal}\n${stdout}${stderr}`));
        resolve(assert.equal(stdout, "done\n", stderr));
      },
    );
  });
}

for (const name of [
  "exit_with_work_in_flight",
  "exit_without_close",
  "work_in_flight_keeps_the_process_alive",
  "close_while_busy",
  "open_while_the_last_one_closes",
  "close_says_who_called",
  "collection_under_stress",
  "finalizer_after_close",
  "threads_share_a_ledger",
  "a_throwing_handler",
  "library_missing",
  "another_library",
]) {
  test(name, async () => {
    for (let count = 0; count < runs; count++) await runCase(name);
  });
}
await run(`life cycle, ${runs} runs each`);
