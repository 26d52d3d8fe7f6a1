// A thread for each connection, as in Beast's example of a synchronous server.
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdlib>
#include <iostream>
#include <thread>

namespace beast = boost::beast;
namespace websocket = beast::websocket;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

void serve(tcp::socket socket, std::size_t limit) {
  websocket::stream<tcp::socket> stream{std::move(socket)};
  websocket::permessage_deflate deflate;
  deflate.server_enable = true;
  stream.set_option(deflate);
  stream.read_message_max(limit);
  try {
    stream.accept();
    for (;;) {
      beast::flat_buffer message;
      stream.read(message);
      stream.text(stream.got_text());
      stream.write(message.data());
    }
  } catch (const beast::system_error&) {
    // The connection is closed, or failed.
  }
}

int main() {
  const auto port = static_cast<unsigned short>(std::atoi(std::getenv("PORT")));
  const auto limit = static_cast<std::size_t>(std::atoll(std::getenv("MAX_MESSAGE")));
  std::cout << "Boost.Beast " << BOOST_BEAST_VERSION << ", Boost " << BOOST_VERSION / 100000 << '.'
            << BOOST_VERSION / 100 % 1000 << '.' << BOOST_VERSION % 100 << " | GCC " << __VERSION__
            << std::endl;
  asio::io_context context;
  tcp::acceptor acceptor{context, {asio::ip::make_address("127.0.0.1"), port}};
  for (;;) std::thread{serve, acceptor.accept(), limit}.detach();
}
