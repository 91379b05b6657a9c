require('./lib/check').check('DATABASE_URL');
for (let i = 0; i < 20000; i++) console.log('line', i, 'x'.repeat(40));
