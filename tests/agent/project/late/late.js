setTimeout(() => require('./dist/part'), 1500);
