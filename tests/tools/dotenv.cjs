// Reads files with npm's dotenv; prints, for each, its variables with their values in hex.
const { readFileSync } = require("node:fs");
const { parse } = require("dotenv");
const read = (path) => Object.fromEntries(Object.entries(parse(readFileSync(path))).map(([name, value]) => [name, Buffer.from(value).toString("hex")]));
console.log(JSON.stringify(process.argv.slice(2).map(read)));
