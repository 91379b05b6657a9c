const [first, ...rest] = process.argv.slice(2);
if (first === "--title") {
  process.title = "a title";
  console.log("title", ...rest);
} else if (first === "--exit") process.exit(Number(rest[0]));
else if (first === "--wait") setTimeout(() => {}, 20000);
else if (first === "--count") console.log("many", rest.length);
else console.log([first, ...rest].map((word) => word + "|").join(""));
