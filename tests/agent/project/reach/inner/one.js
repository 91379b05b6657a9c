require('../../lib/check').check('DATABASE_URL');
console.log('inner ready');
