// AxisCare: a home-care agency of its own, with health data planted all over it.
#pragma once

namespace httplib {
class Server;
}

namespace xsell::simulator {

class Service;

// Its truth is written when the first request after a move of the clock arrives.
void mount_axiscare(httplib::Server &server, Service &service);

}  // namespace xsell::simulator
