require('../../lib/check').check('DATABASE_URL');
console.log('main ready');
