require('node:test')('the real value is there', () => require('./lib/check').check('DATABASE_URL'));
