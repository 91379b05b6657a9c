require('../../../lib/check').check('STRIPE_KEY');
console.log('api ready');
