// Listens, and says whether a request carried the real key.
const { check, digest } = require('./lib/check');
check('STRIPE_KEY');
require('node:http').createServer((request, response) => {
  const key = (request.headers.authorization ?? '').replace('Bearer ', '');
  response.end(digest(key) === require('./expected.json').STRIPE_KEY ? 'authorized\n' : 'refused\n');
}).listen(Number(process.argv[2] ?? 8391), '127.0.0.1', () => console.log('listening'));
setTimeout(() => process.exit(0), 8000);
