// One case of lifecycle.ts, in a process of its own. Says "done" when what it checks held; how it ends is checked by
// the parent.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { CalaError, CancelledError, ClosedError, Ledger, LibraryMissingError, UnsupportedError,
  lostRace } from "cala-ledger";
import { Completions } from "../src/completions.js";
import { Status } from "../src/raw/types.js";
import { Ground, temporaryFolder } from "./ground.js";
import { failure } from "./runner.js";

const path = isMainThread ? (process.argv[3] as string) : (workerData as string);
const store = `sqlite:${path}`;
const collect: () => void = (globalThis as any).gc ?? (() => (globalThis as any).Bun.gc(true));
const done = (): void => console.log("done");
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

async function opened(): Promise<Ground> {
  return new Ground(await Ledger.open({ store })).prepare();
}

/** Starts posts and lets them be. */
function started(ground: Ground, count: number): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled(Array.from({ length: count }, () => ground.post(ground.ledger)));
}

/** Leaves a transaction open that nobody holds on to. */
async function forgotten(ground: Ground): Promise<void> {
  const tx = await ground.ledger.begin();
  await tx.lockAccounts([ground.key()]);
}

const cases: Record<string, () => Promise<void>> = {
  async exit_with_work_in_flight() {
    void started(await opened(), 200);
    done();
    process.exit(0);
  },

  async exit_without_close() {
    const ground = await opened();
    await started(ground, 10);
    await ground.ledger.begin();
    done();
  },

  async work_in_flight_keeps_the_process_alive() {
    void started(await opened(), 100).then((ends) => {
      assert.ok(ends.every(({ status }) => status === "fulfilled"));
      done();
    });
  },

  // At every instant of a close: the queue of the one that opens must not be ended with the last one's.
  async open_while_the_last_one_closes() {
    const { release } = Completions.prototype;
    let opening: Promise<Ledger> | undefined;
    for (let ahead = 0; ahead < 12; ahead++) {
      const last = await Ledger.open({ store: "sqlite::memory:" });
      Completions.prototype.release = function (...of) {
        Completions.prototype.release = release;
        opening = Ledger.open({ store: "sqlite::memory:" });
        let step = Promise.resolve();
        for (let count = 0; count < ahead; count++) step = step.then(() => undefined);
        void step.then(() => release.apply(this, of));
      };
      await last.close();
      const next = (await opening) as Ledger;
      assert.equal((await next.info()).accounts, 0);
      await next.close();
    }
    done();
  },

  async close_says_who_called() {
    const ledger = await Ledger.open({ store });
    const { start } = Completions.prototype;
    Completions.prototype.start = function (owner, begin, finish) {
      assert.equal(begin(null as never, 0), Status.OK); // somebody else shuts it down
      return start.call(this, owner, begin, finish);
    };
    async function theCloser(): Promise<void> {
      await ledger.close();
    }
    const error = await failure(theCloser());
    assert.ok(error instanceof ClosedError, String(error));
    assert.match(error.stack as string, /theCloser/);
    done();
    process.exit(0);
  },

  async close_while_busy() {
    const ground = await opened();
    const posts = started(ground, 300);
    await ground.ledger.close();
    const ends = await posts;
    for (const end of ends) {
      if (end.status === "rejected")
        assert.ok(end.reason instanceof CancelledError || end.reason instanceof ClosedError);
    }
    await using again = await Ledger.open({ store });
    const landed = ends.filter(({ status }) => status === "fulfilled").length;
    assert.equal((await again.info()).transactions, landed);
    done();
  },

  async collection_under_stress() {
    const kept = await opened();
    for (let round = 0; round < 10; round++) {
      const posts = started(kept, 20);
      void (await Ledger.open({ store: "sqlite::memory:" })).info();
      void (await opened()).ledger.accounts().list().page();
      collect();
      await turn();
      collect();
      assert.ok((await posts).every(({ status }) => status === "fulfilled"));
    }
    await forgotten(kept);
    // SQLite has one writer: this begins once the forgotten transaction has been collected.
    let begun = false;
    const next = kept.ledger.begin().then((tx) => {
      begun = true;
      return tx;
    });
    while (!begun) {
      collect();
      await turn();
    }
    await (await next).rollback();
    await kept.ledger.close();
    done();
  },

  async finalizer_after_close() {
    for (let round = 0; round < 20; round++) {
      const { ledger } = await opened();
      const tx = await ledger.begin();
      await ledger.close();
      assert.ok((await tx.commit().catch((error: unknown) => error)) instanceof ClosedError);
    }
    for (let round = 0; round < 5; round++) {
      collect();
      await turn();
    }
    done();
  },

  async threads_share_a_ledger() {
    const ground = await opened();
    const file = fileURLToPath(import.meta.url);
    const workers = Array.from({ length: 3 }, () => new Worker(file, { workerData: path }));
    const ended = workers.map(
      (worker) =>
        new Promise((resolve, reject) => {
          worker.on("message", resolve);
          worker.on("error", reject);
        }),
    );
    workers.forEach((worker) => worker.postMessage([ground.suffix, ground.alice]));
    // Bun 1.4 crashes when a worker is terminated while it loads or runs native code.
    const victim = "Bun" in globalThis ? undefined : new Worker(file, { workerData: path });
    victim?.postMessage([ground.suffix, ground.alice]);
    await started(ground, 50);
    await victim?.terminate();
    assert.deepEqual(await Promise.all(ended), [50, 50, 50]);
    assert.ok(Number(await ground.net()) >= 200 * 30);
    await ground.ledger.close();
    done();
  },

  async a_throwing_handler() {
    let thrown = 0;
    process.on("uncaughtException", () => (thrown += 1));
    process.on("unhandledRejection", () => (thrown += 1));
    const ground = await opened();
    let heard = 0;
    const posts = Array.from({ length: 30 }, () => ground.post(ground.ledger));
    posts.forEach(
      (post, index) =>
        void post.then(() => {
          heard += 1;
          if (index % 3 === 0) throw new Error("a handler's own fault");
        }),
    );
    await Promise.all(posts);
    await ground.ledger.close();
    await turn();
    assert.deepEqual([heard, thrown], [30, 10]);
    done();
  },

  async another_library() {
    const known = process.env["CALA_LIBRARY"];
    const file = join(temporaryFolder(), "libcala.so.1");
    const stub = fileURLToPath(new URL("../../../stub_library", import.meta.url));
    assert.equal(spawnSync(stub, [file, "0x20003"]).status, 0);
    process.env["CALA_LIBRARY"] = file;
    for (const use of [() => Ledger.open({ store }), async () => lostRace({ code: "40001" })]) {
      const error = await (use() as Promise<unknown>).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof UnsupportedError, String(error));
      assert.equal(error.code, "library.version");
      assert.match(error.message, /has 2\.3/);
    }
    const old = join(temporaryFolder(), "libcala.so.1");
    assert.equal(spawnSync(stub, [old, "0x10000", "cala_lost_race"]).status, 0);
    process.env["CALA_LIBRARY"] = old;
    const error = await (Ledger.open({ store }) as Promise<unknown>).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof UnsupportedError && error.code === "library.version", String(error));
    assert.match(error.message, /0\.0\.0 .* is too old .*cala_lost_race/);
    process.env["CALA_LIBRARY"] = known;
    await (await Ledger.open({ store })).close();
    done();
  },

  async library_missing() {
    const known = process.env["CALA_LIBRARY"];
    process.env["CALA_LIBRARY"] = "/no/such/libcala.so";
    const named = await Ledger.open({ store }).catch((error: unknown) => error);
    assert.ok(named instanceof LibraryMissingError && named instanceof CalaError);
    assert.equal(named.code, "library.missing");
    assert.match(named.message, /CALA_LIBRARY.*\/no\/such\/libcala\.so/);
    delete process.env["CALA_LIBRARY"];
    const unnamed = await Ledger.open({ store }).catch((error: unknown) => error);
    assert.ok(unnamed instanceof LibraryMissingError);
    assert.ok((unnamed.details["tried"] as string[]).length > 1);
    process.env["CALA_LIBRARY"] = known;
    await (await Ledger.open({ store })).close();
    done();
  },
};

async function asWorker(): Promise<void> {
  const [suffix, account] = await new Promise<[string, string]>((resolve) => parentPort?.once("message", resolve));
  const ledger = await Ledger.open({ store });
  const params = { account, debit: "30", credit: "30" };
  const posts = Array.from({ length: 50 }, () =>
    ledger.retrying(() => ledger.transactions().post({ txTemplateCode: `PAY-${suffix}`, params })),
  );
  const ends = await Promise.allSettled(posts);
  await ledger.close();
  parentPort?.postMessage(ends.filter(({ status }) => status === "fulfilled").length);
}

if (isMainThread) {
  const body = cases[process.argv[2] as string];
  if (!body) throw new Error(`no case ${process.argv[2]}`);
  process.once("exit", () => rmSync(path, { force: true }));
  await body();
} else {
  await asWorker();
}
