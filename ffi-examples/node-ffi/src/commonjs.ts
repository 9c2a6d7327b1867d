// What require("cala-ledger") gives.
import { pathToFileURL } from "node:url";
import { packagedIn } from "./library.js";

packagedIn(pathToFileURL(__filename).href);
export * from "./exports.js";
