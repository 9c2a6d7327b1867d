import { InvalidError } from "./errors.js";

/** Refuses what is no signal, before there is anything that its listener would have to free. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (!signal || typeof signal.addEventListener === "function") return;
  throw new InvalidError({
    status: "INVALID",
    code: "request.malformed",
    message: `signal is of type ${typeof signal}, and must be an AbortSignal`,
    details: { pointer: "/signal" },
  });
}

const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Runs `then` when the signal is aborted, until the returned function is called. One listener a signal, however many
 * wait for it.
 */
export function onAbort(signal: AbortSignal | undefined, then: () => void): () => void {
  if (!signal) return () => undefined;
  let all = waiting.get(signal);
  if (!all) {
    const these = new Set<() => void>();
    signal.addEventListener("abort", () => these.forEach((each) => each()), { once: true });
    waiting.set(signal, these);
    all = these;
  }
  const mine = all;
  mine.add(then);
  return () => void mine.delete(then);
}
