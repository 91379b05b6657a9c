require('http').createServer((q, r) => { require('./lazy/part'); r.end('x'); }).listen(8396, '127.0.0.1'); setTimeout(() => process.exit(0), 9000);
