// Postings a second: 64 in flight on the ledger's own connections; and one at a time in a transaction of the ledger's
// own and of the host's.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Ledger } from "cala-ledger";
import { Ground, dropSchema, freshSchema, postgresUrl, temporaryFolder } from "./ground.js";
import { type Host, postgresDrivers, sqliteDrivers } from "./hosts.js";

const seconds = Number(process.env["CALA_BENCH_SECONDS"] ?? 3);
const inFlight = 64;

/** What one way of posting measured, in milliseconds. */
class Times {
  readonly #each: number[] = [];
  constructor(readonly title: string) {}

  async add(work: () => Promise<unknown>): Promise<void> {
    const begin = performance.now();
    await work();
    this.#each.push(performance.now() - begin);
  }

  /** over: how long it took in all; without it the sum of the times, for what ran one at a time. */
  print(over?: number): void {
    const sorted = this.#each.toSorted((one, other) => one - other);
    const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(2).padStart(8);
    const total = over ?? sorted.reduce((sum, time) => sum + time, 0);
    const rate = ((1000 * sorted.length) / total).toFixed(0).padStart(8);
    console.log(`${this.title.padEnd(52)}${rate}/s   p50 ${at(0.5)} ms   p99 ${at(0.99)} ms`);
  }
}

async function pipelined(name: string, ground: Ground): Promise<void> {
  const times = new Times(`${name}, own connection, ${inFlight} in flight`);
  const begin = performance.now();
  const end = begin + 1000 * seconds;
  const lane = async (): Promise<void> => {
    while (performance.now() < end) await times.add(() => ground.post(ground.ledger));
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  times.print(performance.now() - begin);
}

// The ways take turns posting by posting, so that what else the machine does falls on all of them.
async function oneByOne(name: string, ground: Ground, driver: string, host: Host): Promise<void> {
  const { ledger } = ground;
  const plain = new Times(`${name}, own connection, one post`);
  const own = new Times(`${name}, own transaction with one post`);
  const hosted = new Times(`${name}, ${driver}'s transaction with one post`);
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    await plain.add(() => ground.post(ledger));
    await own.add(async () => {
      await using tx = await ledger.begin();
      await ground.post(tx);
      await tx.commit();
    });
    await hosted.add(() => host.transaction((tx) => ground.post(ledger.in(tx.handle))));
  }
  for (const times of [plain, own, hosted]) times.print();
}

const { bun, node } = process.versions;
console.log(bun ? `Bun ${bun}, ${process.env["CALA_FFI"] ?? "default loader"}` : `Node ${node}`);
{
  await using ledger = await Ledger.open({ store: "sqlite::memory:" });
  await pipelined("SQLite in memory", await new Ground(ledger).prepare());
}
{
  const path = join(temporaryFolder(), `${randomUUID()}.db`);
  await using ledger = await Ledger.open({ store: `sqlite:${path}` });
  const ground = await new Ground(ledger).prepare();
  await pipelined("SQLite file", ground);
  const [driver] = sqliteDrivers;
  if (driver) {
    const host = await driver.connect(path);
    host.outside.exec("PRAGMA synchronous = FULL");
    await oneByOne("SQLite file", ground, driver.name, host);
    await host.end();
  }
}
if (postgresUrl) {
  const schema = freshSchema();
  {
    await using ledger = await Ledger.open({ store: postgresUrl, schema, migrate: true });
    const ground = await new Ground(ledger).prepare();
    await pipelined("PostgreSQL", ground);
    for (const driver of postgresDrivers) {
      const host = await driver.connect(postgresUrl);
      await oneByOne("PostgreSQL", ground, driver.name, host);
      await host.end();
    }
  }
  await dropSchema(schema);
}
