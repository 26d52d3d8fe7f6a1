require "em-websocket"
require "em-websocket/version"

$stdout.sync = true
puts "em-websocket #{EventMachine::Websocket::VERSION} | Ruby #{RUBY_VERSION}"
EM.run do
  # It counts the head of a frame, of up to 14 bytes.
  EM::WebSocket.max_frame_size = Integer(ENV["MAX_MESSAGE"]) + 14
  EM::WebSocket.run(host: "127.0.0.1", port: Integer(ENV["PORT"])) do |socket|
    socket.onmessage { |text| socket.send_text(text) }
    socket.onbinary { |bytes| socket.send_binary(bytes) }
    socket.onerror { |_| }
  end
end
