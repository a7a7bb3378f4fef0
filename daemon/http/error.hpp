// Why a request gave no response; responses with a bad status are no errors here.
#pragma once
#include <stdexcept>
#include <string>

namespace xsell::http {

enum class Failure {
    refused,    // our own rules: untrusted host, plain http, redirect to another host
    network,    // not reachable, timed out, cut or truncated: worth another try
    tls,        // the certificate cannot be trusted
    too_large,  // the body passes the cap
    stopped,    // stop_transfers() was called
};

struct Error : std::runtime_error {
    Error(Failure kind, const std::string &what) : std::runtime_error(what), failure(kind) {}
    Failure failure;
};

}  // namespace xsell::http
