// Starts what it is told, with the secrets of the service.
const { spawnSync } = require('node:child_process');
require('../lib/check').check('DATABASE_URL');
const [program, ...rest] = process.argv.slice(2);
spawnSync(program, rest, { stdio: 'inherit' });
