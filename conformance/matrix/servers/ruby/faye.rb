require "faye/websocket"
require "thin"

Faye::WebSocket.load_adapter("thin")

app = lambda do |env|
  next [404, { "Content-Type" => "text/plain" }, ["not a WebSocket"]] unless Faye::WebSocket.websocket?(env)

  socket = Faye::WebSocket.new(env, [], max_length: Integer(ENV["MAX_MESSAGE"]))
  socket.on(:message) { |event| socket.send(event.data) }
  socket.rack_response
end

$stdout.sync = true
version = Gem::Specification.find_by_name("faye-websocket").version
puts "faye-websocket #{version}, thin #{Thin::VERSION::STRING} | Ruby #{RUBY_VERSION}"
Thin::Logging.silent = true
Thin::Server.new("127.0.0.1", Integer(ENV["PORT"]), app, signals: false).start
