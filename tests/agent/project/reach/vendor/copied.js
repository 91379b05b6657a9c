exports.copied = 1;
