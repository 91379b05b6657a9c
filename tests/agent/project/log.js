// A careless program: it prints what it was given.
console.log('url is', process.env.DATABASE_URL);
console.error('key is', process.env.STRIPE_KEY);
console.log('\u001b[32mgreen\u001b[0m ünïcode');
