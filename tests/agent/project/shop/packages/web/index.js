// Serves style.css with index.html.
require('../../../lib/check').check('DATABASE_URL');
console.log('web ready');
