const { check } = require('../../lib/check');
require('node:test')('has its secret', () => check('STRIPE_KEY'));
