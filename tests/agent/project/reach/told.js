// Run npm run lint first. Reads ${HOME} as data.
require('../lib/check').check('DATABASE_URL');
console.log('told', process.env.ENTRY ?? '');
