#include <cstdlib>
#include <iostream>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/extensions/permessage_deflate/enabled.hpp>
#include <websocketpp/server.hpp>
#include <websocketpp/version.hpp>

struct Config : websocketpp::config::asio {
  typedef Config type;
  typedef websocketpp::config::asio base;
  struct permessage_deflate_config {};
  typedef websocketpp::extensions::permessage_deflate::enabled<permessage_deflate_config>
      permessage_deflate_type;
};

using Server = websocketpp::server<Config>;

int main() {
  std::cout << "websocketpp " << websocketpp::major_version << '.' << websocketpp::minor_version << '.'
            << websocketpp::patch_version << " | GCC " << __VERSION__ << std::endl;
  Server server;
  server.clear_access_channels(websocketpp::log::alevel::all);
  server.clear_error_channels(websocketpp::log::elevel::all);
  server.set_max_message_size(std::atoll(std::getenv("MAX_MESSAGE")));
  server.set_message_handler([&](websocketpp::connection_hdl to, Server::message_ptr message) {
    websocketpp::lib::error_code error;
    server.send(to, message->get_payload(), message->get_opcode(), error);
  });
  server.init_asio();
  server.set_reuse_addr(true);
  server.listen("127.0.0.1", std::getenv("PORT"));
  server.start_accept();
  server.run();
}
