import { InvalidError } from "./errors.js";

// Documents are snake_case in the library and camelCase here. What the program wrote for itself stays as it wrote it.

const untouched = new Set(
  ["metadata", "params", "vars", "bindings", "value", "window", "labels"].concat(
    ["maxScale", "max_scale", "minAvailable", "min_available", "maxAvailable", "max_available"], // keys are currencies
  ),
);
const snakeNames = new Map<string, string>();
const camelNames = new Map<string, string>();

function remembered(names: Map<string, string>, name: string, convert: (name: string) => string): string {
  let converted = names.get(name);
  if (converted === undefined) {
    converted = convert(name);
    if (names.size < 1024) names.set(name, converted);
  }
  return converted;
}

const toSnake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const toCamel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function renamed(value: unknown, pointer: string): unknown {
  if (Array.isArray(value)) return value.map((item, index) => renamed(item, `${pointer}/${index}`));
  if (!isPlain(value)) return value;
  const request: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const key = remembered(snakeNames, name, toSnake);
    if (Object.hasOwn(request, key)) throw twice(`${pointer}/${name}`, key);
    request[key] = typeof item !== "object" || untouched.has(name) ? item : renamed(item, `${pointer}/${name}`);
  }
  return request;
}

function twice(pointer: string, key: string): InvalidError {
  return new InvalidError({
    status: "INVALID",
    code: "request.malformed",
    message: `${pointer} is given twice: as ${toCamel(key)} and as ${key}`,
    details: { pointer },
  });
}

/** A request as the library wants it. */
export function snakeCased(request: unknown): unknown {
  return renamed(request, "");
}

/** An answer as programs see it: what JSON.parse gave. */
export function camelCased(answer: any): any {
  if (Array.isArray(answer)) return answer.map(camelCased);
  if (typeof answer !== "object" || answer === null) return answer;
  const seen: Record<string, unknown> = {};
  for (const name of Object.keys(answer)) {
    const item = answer[name];
    seen[remembered(camelNames, name, toCamel)] =
      typeof item !== "object" || untouched.has(name) ? item : camelCased(item);
  }
  return seen;
}

/** A JSON pointer into a request as programs see it: keys of the program's own stay as it wrote them. */
export function camelPointer(pointer: string): string {
  let own = false;
  const camel = pointer.split("/").map((key) => {
    const said = own ? key : toCamel(key);
    own ||= untouched.has(key);
    return said;
  });
  return camel.join("/");
}
