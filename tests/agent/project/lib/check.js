const { createHash } = require('node:crypto');
const expected = require('../expected.json');
const digest = (text) => createHash('sha256').update(text ?? '').digest('hex');
exports.digest = digest;
exports.check = (name) => {
  if (digest(process.env[name]) !== expected[name]) {
    console.error(`${name} is not the real value`);
    process.exit(3);
  }
};
