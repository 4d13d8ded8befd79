// Socket.IO on Node.js: the broadcast from its documentation, on WebSocket alone.
import { Server } from "socket.io";

const server = new Server({ transports: ["websocket"] });

server.on("connection", (socket) => {
  socket.on("m", (text) => server.emit("m", text));
});
server.listen(Number(process.argv.at(-1)));
