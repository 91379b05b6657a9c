require('../lib/check').check('DATABASE_URL');
console.log('root ready');
