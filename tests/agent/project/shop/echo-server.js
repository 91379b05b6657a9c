// A development server: counts requests into access.log and says whether the key came.
const fs = require('node:fs');
const path = require('node:path');
const { check, digest } = require('../lib/check');
check('STRIPE_KEY');
require('node:http').createServer((request, response) => {
  fs.appendFileSync(path.join(__dirname, 'access.log'), `${request.method} ${request.url}\n`);
  let body = '';
  request.on('data', (chunk) => (body += chunk)).on('end', () => {
    const key = (request.headers.authorization ?? '').replace('Bearer ', '') || body.trim();
    response.end(digest(key) === require('../expected.json').STRIPE_KEY ? 'welcome\n' : 'refused\n');
  });
}).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
setTimeout(() => process.exit(0), 10000);
