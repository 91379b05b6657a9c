// Lists files, and loads none.
require('../lib/check').check('DATABASE_URL');
console.log('listed', require('node:fs').readdirSync(__dirname + '/plugins').length > 0);
