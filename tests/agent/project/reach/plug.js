// Loads every plugin that there is.
const fs = require('node:fs');
const path = require('node:path');
require('../lib/check').check('DATABASE_URL');
for (const name of fs.readdirSync(path.join(__dirname, 'plugins'))) require(path.join(__dirname, 'plugins', name));
console.log('plugged');
