#!/usr/bin/env node
require("./argv.js");
