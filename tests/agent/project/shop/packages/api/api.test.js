require('node:test')('adds', () => require('node:assert').equal(1 + 1, 2));
