// JSON whose integers may be greater than JavaScript's numbers hold exactly.
import { randomBytes } from "node:crypto";

// Stands before such an integer where it is written as a string for a moment. No text of the ledger's has a NUL.
const mark = `\0${randomBytes(6).toString("hex")}:`;
const written = JSON.stringify(mark).slice(1, -1);
const markedInteger = new RegExp(`"${written.replace("\\", "\\\\")}(-?\\d+)"`, "g");
const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];

const replaced = (_key: string, value: unknown): unknown => {
  if (typeof value !== "bigint") return value;
  if (Number.isSafeInteger(Number(value))) return Number(value);
  // The library takes integers of 64 bits; a greater one can only be an amount, which may be text.
  return value < least || value > most ? String(value) : mark + value;
};

/** The JSON of a document, in which there may be BigInts. */
export function stringified(document: unknown): string {
  try {
    return JSON.stringify(document);
  } catch {
    return JSON.stringify(document, replaced).replace(markedInteger, "$1");
  }
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

// Puts the integers that a number does not hold into marked strings.
function marked(text: string): string {
  let out = "";
  let kept = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      for (at++; text.charCodeAt(at) !== 34; at++) if (text.charCodeAt(at) === 92) at++;
    } else if (code === 45 || isDigit(code)) {
      const begin = at++;
      while (isDigit(text.charCodeAt(at))) at++;
      const integer = !/[.eE]/.test(text.charAt(at));
      if (integer && !Number.isSafeInteger(Number(text.slice(begin, at)))) {
        out += `${text.slice(kept, begin)}"${written}${text.slice(begin, at)}"`;
        kept = at;
      }
      while (/[\d.eE+-]/.test(text.charAt(at))) at++;
      at--;
    }
  }
  return out + text.slice(kept);
}

/** A document of the library's. big: its integers beyond 2^53 become BigInts; otherwise JavaScript rounds them. */
export function parsed(text: string, big: boolean): any {
  if (!big || !/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(marked(text), (_key, value) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}
