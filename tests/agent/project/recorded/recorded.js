require('../lib/check').check('DATABASE_URL');
require('recorder');
console.log('recorded');
