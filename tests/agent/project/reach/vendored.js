require('../lib/check').check('DATABASE_URL');
require('./vendor/copied');
console.log('vendored');
