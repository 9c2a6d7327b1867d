/** One value for all copies of this package in a program, which may both import and require it. */
export function shared<T>(name: string, make: () => T): T {
  const all = globalThis as { [name: symbol]: any };
  return (all[Symbol.for(`cala-ledger.${name}`)] ??= make());
}
