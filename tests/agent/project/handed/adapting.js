require('../lib/check').check('DATABASE_URL');
const adapter = process.argv[2];
require(require('node:path').resolve(adapter || 'reach/inner/one.js'));
