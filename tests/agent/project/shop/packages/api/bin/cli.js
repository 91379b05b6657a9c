#!/usr/bin/env node
require("../../../../lib/check").check("DATABASE_URL");
console.log("cli ready", process.argv.slice(2).join(" "));
