require('./lib2');
console.log('folder ready');
