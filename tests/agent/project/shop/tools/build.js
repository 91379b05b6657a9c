// Builds dist/main.js from src.
const fs = require('node:fs');
const path = require('node:path');
const out = path.join(__dirname, '../dist');
fs.mkdirSync(out, { recursive: true });
fs.writeFileSync(path.join(out, 'main.js'), fs.readFileSync(path.join(__dirname, '../main.src.js')));
console.log('built dist/main.js');
