import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import koffi from "koffi";
import { LibraryMissingError, UnsupportedError } from "./errors.js";
import * as bound from "./raw/koffi.js";
import type { Raw } from "./raw/types.js";

const onBun = "Bun" in globalThis;
const fileNames: Record<string, string[]> = {
  darwin: ["libcala.1.dylib", "libcala.dylib"],
  win32: ["cala.dll"],
};

let packaged: string | undefined;

/** Told by the package's entry where it is, as a URL; a bundler may leave it without one. */
export function packagedIn(url: string | undefined): void {
  packaged = url;
}

/**
 * Where the library is looked for: the file that CALA_LIBRARY names, or the package of this platform that was installed
 * along with this one, beside this one, and where the system's loader looks.
 */
function candidates(): string[] {
  const named = process.env.CALA_LIBRARY;
  if (named) return [named];
  const names = fileNames[process.platform] ?? ["libcala.so.1", "libcala.so"];
  if (!packaged?.startsWith("file:")) return names;
  const beside = fileURLToPath(new URL("../../native/", packaged));
  return [...ofPlatform(packaged, names[0]!), ...names.map((name) => join(beside, name)), ...names];
}

/** On Linux for either C library: npm installs what fits, other installers perhaps both; only what fits loads. */
function ofPlatform(from: string, name: string): string[] {
  const require = createRequire(from);
  const found: string[] = [];
  for (const libc of process.platform === "linux" ? ["-gnu", "-musl"] : [""]) {
    try {
      found.push(require.resolve(`@cala-ledger/${process.platform}-${process.arch}${libc}/${name}`));
    } catch {
      // not installed
    }
  }
  return found;
}

// Node exports an OpenSSL of its own, to which libpq's would be bound otherwise.
const deep = !onBun && process.platform === "linux";

function find(load: (path: string) => Raw): Raw {
  const tried: string[] = [];
  for (const path of candidates()) {
    if (/[\\/]/.test(path) && !existsSync(path)) {
      tried.push(`${path}: no such file`);
      continue;
    }
    try {
      checkVersion(path);
    } catch (error) {
      if (error instanceof UnsupportedError) throw error;
      tried.push(`${path}: ${said(error)}`);
      continue;
    }
    try {
      return load(path);
    } catch (error) {
      throw another(`libcala ${versions(path).version()} (${path}) is too old for this package: ${said(error)}`);
    }
  }
  throw new LibraryMissingError({
    status: "UNAVAILABLE",
    code: "library.missing",
    message: `libcala was not found; name its file in CALA_LIBRARY. Tried: ${tried.join("; ")}`,
    details: { tried },
  });
}

/** What a library says that it is, which may lack other functions. */
function versions(path: string): { version: () => string; interface: () => number } {
  const library = koffi.load(path, { deep });
  return {
    version: library.func("cala_version", "str", []),
    interface: library.func("cala_abi_version", "int32_t", []),
  };
}

function checkVersion(path: string): void {
  const version = versions(path).interface();
  if (version >> 16 === 1) return;
  const has = `${version >> 16}.${version & 0xffff}`;
  throw another(`this package is for version 1 of the library's interface, and ${path} has ${has}`);
}

function another(message: string): UnsupportedError {
  return new UnsupportedError({ status: "UNSUPPORTED", code: "library.version", message });
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

let loaded: Raw | undefined;

/** The library at once, loaded once a thread. LibraryMissingError, UnsupportedError (another version). */
export function libraryAtOnce(): Raw {
  return (loaded ??= find((path) => bound.load(path, deep)));
}

/**
 * The library. koffi calls it, in Node and in Bun: measured on postings, bun:ffi costs the same. CALA_FFI=bun takes
 * that on Bun; it cannot call on another thread, so the functions that wait stay with koffi.
 */
export async function library(): Promise<Raw> {
  if (!onBun || process.env.CALA_FFI !== "bun") return libraryAtOnce();
  const bun = await import("./raw/bun.js");
  return (loaded ??= find((path) => bun.load(path, bound.load(path, deep).waiting)));
}
