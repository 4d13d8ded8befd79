// Socket.IO on Node.js with rooms and the Redis streams adapter: each message is stored before it is delivered, and
// clients can recover. The arguments are the store's socket and the port.
import { createAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [path, port] = process.argv.slice(-2);
const client = createClient({ socket: { path } });
await client.connect();
const server = new Server({
  transports: ["websocket"],
  connectionStateRecovery: {},
  adapter: createAdapter(client),
});

server.on("connection", (socket) => {
  socket.join(socket.handshake.auth.room);
  socket.on("m", (room, text) => server.to(room).emit("m", text));
});
server.listen(Number(port));
