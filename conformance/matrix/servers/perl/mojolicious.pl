use Mojolicious::Lite -signatures;
use Mojo::Server::Daemon;

websocket '/' => sub ($c) {
  my $tx = $c->tx;
  $tx->with_compression;
  $tx->max_websocket_size($ENV{MAX_MESSAGE});
  # Of a text the event "message" has the characters, as it has the bytes of what "binary" told of before.
  my $binary = 0;
  $c->on(binary  => sub ($c, $bytes) { $c->send({binary => $bytes}); $binary = 1 });
  $c->on(message => sub ($c, $text)  { $binary ? ($binary = 0) : $c->send($text // "") });
};

app->log->level('fatal');
$| = 1;
print "Mojolicious @{[Mojolicious->VERSION]} | Perl @{[sprintf '%vd', $^V]}\n";
Mojo::Server::Daemon->new(app => app, listen => ["http://127.0.0.1:$ENV{PORT}"], silent => 1)->run;
