// Runs a script of the package.
require('node:child_process').execSync('npm run -s ready', { cwd: __dirname, stdio: 'inherit' });
