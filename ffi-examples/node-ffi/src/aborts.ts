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
