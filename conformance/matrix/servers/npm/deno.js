const options = { hostname: "127.0.0.1", port: Number(Deno.env.get("PORT")), onListen() {} };
Deno.serve(options, (request) => {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response("not a WebSocket", { status: 400 });
  }
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(data);
  };
  socket.onerror = () => {};
  return response;
});
console.log(`Deno.upgradeWebSocket | Deno ${Deno.version.deno}`);
