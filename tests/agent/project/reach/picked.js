// Loads what a variable names.
require(process.env.ADAPTER ? require('node:path').resolve(process.env.ADAPTER) : './inner/one.js');
