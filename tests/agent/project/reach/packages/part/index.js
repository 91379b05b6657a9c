// A part of a workspace that loads its root.
require('../../');
console.log('part ready');
