// The outbox server of the retired bindings: cala-outbox-server, a program of its own, run beside this one.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { UnavailableError } from "./errors.js";

/** Ends by itself when this process does. */
export class OutboxServer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<Error | undefined>;
  #said = "";

  /** The server when it serves, or, with a warning, when it could not. */
  static async start(store: string, schema: string | undefined, port: number): Promise<OutboxServer> {
    const server = new OutboxServer(store, schema, port);
    const error = await Promise.race([server.#ready(), server.#ended]);
    server.#hold(false);
    if (error) process.emitWarning(error.message, { code: "CALA_OUTBOX_SERVER" });
    return server;
  }

  private constructor(store: string, schema: string | undefined, port: number) {
    const program = process.env.CALA_OUTBOX_SERVER || "cala-outbox-server";
    // Where a connection string has a password, nobody sees it among the arguments.
    const env = { ...process.env, CALA_OUTBOX_STORE: store,
      ...(schema === undefined ? {} : { CALA_OUTBOX_SCHEMA: schema }) };
    this.#child = spawn(program, ["--grpc", `127.0.0.1:${port}`, "--stop-with-stdin", "--quiet"], { env });
    this.#ended = new Promise((resolve) => {
      this.#child.on("error", (error: NodeJS.ErrnoException) => resolve(failed(unstarted(program, error), error)));
      this.#child.on("close", (code, signal) => {
        resolve(code === 0 ? undefined : failed(this.#said.trim() ||
          `cala-outbox-server ended with ${code ?? signal}`));
      });
    });
    this.#child.stdin.on("error", () => {}); // it has ended, which is told elsewhere
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-4096);
    });
  }

  /** Waits until it has ended, and rejects when it failed. */
  async wait(): Promise<void> {
    this.#hold(true);
    const error = await this.#ended;
    if (error) throw error;
  }

  async stop(): Promise<void> {
    this.#hold(true);
    this.#child.stdin.end();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await this.#ended;
    clearTimeout(late);
  }

  #ready(): Promise<undefined> {
    return new Promise((resolve) => this.#child.stdout.once("data", () => resolve(undefined)));
  }

  /** Whether this process stays for it. */
  #hold(held: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const part of [this.#child, stdin, stdout, stderr] as { ref?(): void; unref?(): void }[]) {
      if (held) part.ref?.();
      else part.unref?.();
    }
  }
}

function unstarted(program: string, { code, message }: NodeJS.ErrnoException): string {
  if (code !== "ENOENT") return `outbox.enabled: ${program} cannot be started: ${message}`;
  return (
    `outbox.enabled: ${program} was not found, so no other process is told of events. Build it with ` +
    "-DCALA_OUTBOX_SERVER=ON (docs/outbox-server.md of libcala), and put it into PATH or name its file in " +
    "CALA_OUTBOX_SERVER. The ledger works without it."
  );
}

function failed(message: string, cause?: Error): UnavailableError {
  return new UnavailableError({ status: "UNAVAILABLE", code: "outbox.server", message, ...(cause && { cause }) });
}
