import { packagedIn } from "./library.js";

packagedIn(import.meta.url);
export * from "./exports.js";
