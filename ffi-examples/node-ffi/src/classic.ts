// The surface of the retired Node bindings (@galoymoney/cala-ledger), on top of Ledger: programs written for it go on.
import { inspect } from "node:util";
import { InvalidError } from "./errors.js";
import { Ledger, type LedgerConfig } from "./ledger.js";
import { OutboxServer } from "./outbox.js";
import type { Scope } from "./scope.js";
import type { OwnTransaction } from "./transactions.js";
import type * as t from "./types.js";

/**
 * What the retired bindings took, or what Ledger.open takes. With pgCon the tables are migrated, as they were there.
 * outbox: with `enabled`, cala-outbox-server serves events over gRPC on 127.0.0.1, at listenPort (2253), until the
 * ledger is closed; where that program is not installed, a warning says so and all else works.
 */
export type CalaLedgerConfig =
  | { pgCon: string; maxConnections?: number; outbox?: { enabled?: boolean; listenPort?: number } }
  | LedgerConfig;

/** The types of tx template params. */
export enum ParamDataTypeValues {
  String = 0,
  Integer,
  Decimal,
  Boolean,
  Uuid,
  Date,
  Timestamp,
  Json,
}

type ParamType = t.Param["type"];
const paramTypes: ParamType[] = ["string", "integer", "decimal", "boolean", "uuid", "date", "timestamp", "json"];

/** A new tx template whose params may name their types as the retired bindings did. */
export type NewTxTemplateValues = Omit<t.TxTemplateCreateRequest, "params"> & {
  params?: (Omit<t.Param, "type"> & { type: ParamDataTypeValues | ParamType })[];
};

/** Where to go on in a list. */
export interface Cursor {
  token: string;
}

/** A thing of the ledger's with its id and its values. */
export class Entity<Values extends { id: string }> {
  readonly #values: Values;

  /** @internal */
  constructor(values: Values) {
    this.#values = values;
  }
  id(): string {
    return this.#values.id;
  }
  values(): Values {
    return this.#values;
  }
  toJSON(): Values {
    return this.#values;
  }
  [inspect.custom](): Values {
    return this.#values;
  }
}

export type CalaAccount = Entity<t.Account>;
export type CalaJournal = Entity<t.Journal>;
export type CalaTxTemplate = Entity<t.TxTemplate>;
export type CalaTransaction = Entity<t.Transaction>;

export class CalaAccounts {
  /** @internal */
  constructor(private readonly scope: Scope) {}

  async create(account: t.AccountCreateRequest): Promise<CalaAccount> {
    return new Entity(await this.scope.accounts().create(account));
  }
  createInOp(operation: CalaOperation, account: t.AccountCreateRequest): Promise<CalaAccount> {
    return operation.accounts().create(account);
  }
  /** Accounts by code. */
  async list(
    page: { first?: number; after?: Cursor } = {},
  ): Promise<{ accounts: t.Account[]; hasNextPage: boolean; endCursor?: Cursor }> {
    const { items, hasNextPage, endCursor } = await this.scope
      .accounts()
      .list({ first: page.first, after: page.after?.token })
      .page();
    return { accounts: items, hasNextPage, ...(endCursor === undefined ? {} : { endCursor: { token: endCursor } }) };
  }
}

export class CalaJournals {
  /** @internal */
  constructor(private readonly scope: Scope) {}

  async create(journal: t.JournalCreateRequest): Promise<CalaJournal> {
    return new Entity(await this.scope.journals().create(journal));
  }
  createInOp(operation: CalaOperation, journal: t.JournalCreateRequest): Promise<CalaJournal> {
    return operation.journals().create(journal);
  }
  async find(id: string): Promise<CalaJournal> {
    return new Entity(await this.scope.journals().find({ id }));
  }
  async findByCode(code: string): Promise<CalaJournal> {
    return new Entity(await this.scope.journals().find({ code }));
  }
}

export class CalaTxTemplates {
  /** @internal */
  constructor(private readonly scope: Scope) {}

  async create(template: NewTxTemplateValues): Promise<CalaTxTemplate> {
    const { params = [], ...others } = template;
    const typed = params.map((param) => ({ ...param, type: typeName(param.type) }));
    return new Entity(await this.scope.txTemplates().create({ ...others, params: typed }));
  }
  createInOp(operation: CalaOperation, template: NewTxTemplateValues): Promise<CalaTxTemplate> {
    return operation.txTemplates().create(template);
  }
  async findByCode(code: string): Promise<CalaTxTemplate> {
    return new Entity(await this.scope.txTemplates().find({ code }));
  }
}

export class CalaTransactions {
  /** @internal */
  constructor(private readonly scope: Scope) {}

  /** Posts a transaction. Pass amounts as text: a JavaScript number with a fraction is refused. */
  async post(txTemplateCode: string, params: Record<string, t.Json> = {}): Promise<CalaTransaction> {
    return new Entity((await this.scope.transactions().post({ txTemplateCode, params })).transaction);
  }
  postInOp(
    operation: CalaOperation,
    txTemplateCode: string,
    params: Record<string, t.Json> = {},
  ): Promise<CalaTransaction> {
    return operation.transactions().post(txTemplateCode, params);
  }
  /** Voids a transaction: gives the one that takes it back. */
  async voidTransaction(existingTxId: string): Promise<CalaTransaction> {
    return new Entity((await this.scope.transactions().void({ id: existingTxId })).transaction);
  }
  async findById(id: string): Promise<CalaTransaction> {
    return new Entity(await this.scope.transactions().find({ id }));
  }
  async findByExternalId(externalId: string): Promise<CalaTransaction> {
    return new Entity(await this.scope.transactions().find({ externalId }));
  }
}

function typeName(type: ParamDataTypeValues | ParamType): ParamType {
  const name = typeof type === "number" ? paramTypes[type] : type;
  if (name !== undefined) return name;
  throw malformed("/params", `${type} is no type of a param`);
}

function malformed(pointer: string, message: string): InvalidError {
  return new InvalidError({ status: "INVALID", code: "request.malformed", message, details: { pointer } });
}

function checkOutbox(outbox: unknown): void {
  if (typeof outbox !== "object" || outbox === null) {
    throw malformed("/outbox", `outbox is ${outbox}: it has to be an object, { enabled: true }`);
  }
  const { enabled, listenPort, ...others } = outbox as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw malformed(`/outbox/${unknown}`, `outbox has no key ${unknown}`);
  if (enabled !== undefined && typeof enabled !== "boolean") {
    throw malformed("/outbox/enabled", `outbox.enabled is ${enabled}: it has to be true or false`);
  }
}

class Nouns {
  /** @internal */
  constructor(protected readonly scope: Scope) {}

  accounts(): CalaAccounts {
    return new CalaAccounts(this.scope);
  }
  journals(): CalaJournals {
    return new CalaJournals(this.scope);
  }
  txTemplates(): CalaTxTemplates {
    return new CalaTxTemplates(this.scope);
  }
  transactions(): CalaTransactions {
    return new CalaTransactions(this.scope);
  }
}

/** Several calls that land together, or not at all. */
export class CalaOperation extends Nouns {
  readonly #transaction: OwnTransaction;

  /** @internal */
  constructor(transaction: OwnTransaction) {
    super(transaction);
    this.#transaction = transaction;
  }
  commit(): Promise<void> {
    return this.#transaction.commit();
  }
  rollback(): Promise<void> {
    return this.#transaction.rollback();
  }
}

/** A ledger with the surface of the retired bindings. `ledger` has everything else. */
export class CalaLedger extends Nouns {
  readonly #outbox: OutboxServer | undefined;

  private constructor(
    readonly ledger: Ledger,
    outbox?: OutboxServer,
  ) {
    super(ledger);
    this.#outbox = outbox;
  }

  static async connect(config: CalaLedgerConfig): Promise<CalaLedger> {
    if (!("pgCon" in config)) return new CalaLedger(await Ledger.open(config));
    const { pgCon, outbox, ...more } = config;
    if (typeof pgCon !== "string") throw malformed("/pgCon", `pgCon is ${pgCon}: it has to be a connection string`);
    if ("maxConnections" in more && typeof more.maxConnections !== "number") {
      throw malformed("/maxConnections", `maxConnections is ${more.maxConnections}: it has to be a number`);
    }
    if (outbox !== undefined) checkOutbox(outbox);
    const port = outbox?.listenPort ?? 2253;
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw malformed("/outbox/listenPort", `outbox.listenPort is ${port}: it has to be a port`);
    }
    const { maxConnections, ...others } = more;
    const pool = maxConnections === undefined ? {} : { pool: { max: maxConnections } };
    const ledger = await Ledger.open({ ...others, ...pool, store: pgCon, migrate: true });
    if (!outbox?.enabled) return new CalaLedger(ledger);
    const schema = (others as { schema?: string }).schema;
    return new CalaLedger(ledger, await OutboxServer.start(pgCon, schema, port));
  }

  /** Begins several calls that land together: its nouns are these, and it ends with commit() or rollback(). */
  async beginOperation(): Promise<CalaOperation> {
    return new CalaOperation(await this.ledger.begin());
  }

  /**
   * Waits while the outbox server serves: until close(), or rejects when it could not begin, as where the program is
   * not installed, or failed. Resolves at once where `outbox` is not enabled.
   */
  async awaitOutboxServer(): Promise<void> {
    await this.#outbox?.wait();
  }

  async close(): Promise<void> {
    await this.#outbox?.stop();
    await this.ledger.close();
  }
}
