require('../lib/check').check('DATABASE_URL');
console.log('ready', process.env.PORT ?? '');
