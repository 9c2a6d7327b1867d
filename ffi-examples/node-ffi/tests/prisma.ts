// What `prisma generate` makes of a schema with one model, without its command: the client's own runtime does the work.
import { createRequire } from "node:module";
import type { Address } from "./ground.js";

const require = createRequire(import.meta.url);
const datasource = { 6: '  url = "postgres://x"\n', 7: "" };
const names = { 6: "query_compiler_bg", 7: "query_compiler_fast_bg" };
const operations =
  "where,Note.findUnique,Note.findUniqueOrThrow,orderBy,cursor,Note.findFirst,Note.findFirstOrThrow,Note.findMany,data," +
  "Note.createOne,Note.createMany,Note.createManyAndReturn,Note.updateOne,Note.updateMany,Note.updateManyAndReturn,create," +
  "update,Note.upsertOne,Note.deleteOne,Note.deleteMany,having,_count,_min,_max,Note.groupBy,Note.aggregate,AND,OR,NOT,note," +
  "equals,in,notIn,lt,lte,gt,gte,contains,startsWith,endsWith,not,set";
const graph =
  "JAkQBBoAAB8AMBsAAAQAEBwAAB8AMB0BAAAAAQEAAAABACABAAAAAQAgBBoAAB8AMBsAAAQAEBwAAB8AMB0BACAAIQADAAAABAAgAwAABQAwBA" +
  "AAAQAgAwAAAAQAIAMAAAUAMAQAAAEAIAMAAAAEACADAAAFADAEAAABACABHQEAAAABAQgAAAkAIAEdAQAAAAEBCAAACwAwAQgAAAsAMAEdAQAk" +
  "ACECAAAAAQAgCAAADgAgAR0BACQAIQIAAAAEACAIAAAQACACAAAABAAgCAAAEAAgAwAAAAEAIA8AAAkAIBAAAA4AIAEAAAABACABAAAABAAgAx" +
  "UAACEAIBYAACMAIBcAACIAIAQaAAAaADAbAAAXABAcAAAaADAdAQAbACEDAAAABAAgAwAAFgAwFAAAFwAgAwAAAAQAIAMAAAUAMAQAAAEAIAQa" +
  "AAAaADAbAAAXABAcAAAaADAdAQAbACEOFQAAHQAgFgAAHgAgFwAAHgAgHgEAAAABHwEAAAAEIAEAAAAEIQEAAAABIgEAAAABIwEAAAABJAEAAA" +
  "ABJQEAAAABJgEAAAABJwEAAAABKAEAHAAhDhUAAB0AIBYAAB4AIBcAAB4AIB4BAAAAAR8BAAAABCABAAAABCEBAAAAASIBAAAAASMBAAAAASQB" +
  "AAAAASUBAAAAASYBAAAAAScBAAAAASgBABwAIQgeAgAAAAEfAgAAAAQgAgAAAAQhAgAAAAEiAgAAAAEjAgAAAAEkAgAAAAEoAgAdACELHgEAAA" +
  "ABHwEAAAAEIAEAAAAEIQEAAAABIgEAAAABIwEAAAABJAEAAAABJQEAAAABJgEAAAABJwEAAAABKAEAHgAhBBoAAB8AMBsAAAQAEBwAAB8AMB0B" +
  "ACAAIQseAQAAAAEfAQAAAAQgAQAAAAQhAQAAAAEiAQAAAAEjAQAAAAEkAQAAAAElAQAAAAEmAQAAAAEnAQAAAAEoAQAeACEAAAABKQEAAAABAA" +
  "AAAAMVAAYWAAcXAAgAAAADFQAGFgAHFwAIAQIBAgMBBQYBBgcBBwgBCQoBCgwCCw0DDA8BDRECDhIEERMBEhQBExUCGBgFGRkJ";

/** A Prisma client that is connected through its driver adapter for pg. */
export function prismaClient(major: 6 | 7, address: Address): any {
  const [client, adapter] = { 6: ["prisma6-client", "prisma6-adapter-pg"],
    7: ["@prisma/client", "@prisma/adapter-pg"] }[major];
  const { getPrismaClient } = require(`${client}/runtime/client.js`);
  const { PrismaPg } = require(adapter as string);
  const compiler = `${client}/runtime/${names[major]}.postgresql`;
  const provider = { fromEnvVar: null, value: "prisma-client" };
  const Client = getPrismaClient({
    generator: { name: "client", provider, config: { engineType: "client" }, binaryTargets: [], previewFeatures: [] },
    relativePath: "..",
    datasourceNames: ["db"],
    inlineDatasources: { db: { url: { fromEnvVar: null, value: null } } },
    inlineSchemaHash: "",
    copyEngine: true,
    dirname: "/",
    previewFeatures: [],
    clientVersion: require(`${client}/package.json`).version,
    engineVersion: "",
    activeProvider: "postgresql",
    inlineSchema:
      'generator client {\n  provider = "prisma-client"\n}\n' +
      `datasource db {\n  provider = "postgresql"\n${datasource[major]}}\nmodel Note {\n  note String @id\n}\n`,
    runtimeDataModel: {
      models: { Note: { fields: [{ name: "note", kind: "scalar", type: "String" }], dbName: null, schema: null } },
      enums: {},
      types: {},
    },
    parameterizationSchema: { strings: operations.split(","), graph },
    compilerWasm: {
      getRuntime: async () => require(`${compiler}.js`),
      getQueryCompilerWasmModule: async () =>
        new (globalThis as any).WebAssembly.Module(Buffer.from(require(`${compiler}.wasm-base64.js`).wasm, "base64")),
      importName: `./${names[major]}.js`,
    },
  });
  return new Client({ adapter: new PrismaPg({ ...address, max: 4 }),
    transactionOptions: { timeout: 30_000, maxWait: 10_000 } });
}
