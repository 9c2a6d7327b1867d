// A test is a named function that throws when it fails. The same runner serves Node and Bun.

const only = process.env["CALA_TEST_FILTER"] ?? "";
const tests: { name: string; body: () => Promise<void> | void }[] = [];
const skipped: string[] = [];

/** Adds a test. */
export function test(name: string, body: () => Promise<void> | void): void {
  if (name.includes(only)) tests.push({ name, body });
}

/** Says why a test does not run. */
export function skip(name: string, why: string): void {
  if (name.includes(only)) skipped.push(`${name}: ${why}`);
}

/** Runs what was added, in order, and ends the process: 1 when anything failed. */
export async function run(title: string): Promise<never> {
  let failed = 0;
  for (const { name, body } of tests) {
    try {
      await body();
      if (process.env["CALA_TEST_VERBOSE"]) console.log(`  ok    ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`  FAIL  ${name}`);
      console.log(error);
    }
  }
  for (const line of skipped) console.log(`  skip  ${line}`);
  console.log(`${title}: ${tests.length - failed} passed, ${failed} failed, ${skipped.length} skipped`);
  process.exit(failed === 0 ? 0 : 1);
}

/** What an awaited call fails with; an error of its own when it does not. */
export async function failure(work: Promise<unknown>): Promise<any> {
  return work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error,
  );
}
