Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT),
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response("not a WebSocket", { status: 400 });
  },
  websocket: {
    maxPayloadLength: Number(process.env.MAX_MESSAGE),
    perMessageDeflate: true,
    backpressureLimit: 0,
    message(socket, message) {
      socket.send(message, true);
    },
  },
});
console.log(`Bun.serve | Bun ${Bun.version}`);
