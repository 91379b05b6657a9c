exports.add = (a, b) => a + b;
// listen here
