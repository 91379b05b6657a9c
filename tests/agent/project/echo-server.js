require("http").createServer((request, response) => response.end(request.headers.x + " from the header\n")).listen(8412, "127.0.0.1");
