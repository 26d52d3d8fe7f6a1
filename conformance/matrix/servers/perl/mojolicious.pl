use Mojolicious::Lite -signatures;
use Mojo::Server::Daemon;

websocket '/' => sub ($c) {
  my $tx = $c->tx;
  $tx->with_compression;
  $tx->max_websocket_size($ENV{MAX_MESSAGE});
  $c->on(text   => sub ($c, $text)  { $c->send({text   => $text}) });
  $c->on(binary => sub ($c, $bytes) { $c->send({binary => $bytes}) });
};

app->log->level('fatal');
$| = 1;
print "Mojolicious @{[Mojolicious->VERSION]} | Perl @{[sprintf '%vd', $^V]}\n";
Mojo::Server::Daemon->new(app => app, listen => ["http://127.0.0.1:$ENV{PORT}"], silent => 1)->run;
