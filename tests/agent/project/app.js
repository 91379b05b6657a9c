// Says whether it was given the real value, without showing it.
const { check } = require('./lib/check');
check('DATABASE_URL');
console.log('connected');
if (process.argv.includes('--arg')) {
  console.log(require('./lib/check').digest(process.argv.at(-1)) === require('./expected.json').DATABASE_URL ? 'argument-ok' : 'argument-wrong');
}
