require('..');
console.log('up ready');
