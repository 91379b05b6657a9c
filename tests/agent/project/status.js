// Like any program whose behaviour depends on its secret: one byte of it comes out as the exit code.
process.exit((process.env.STRIPE_KEY || "").charCodeAt(Number(process.argv[2])) || 0);
