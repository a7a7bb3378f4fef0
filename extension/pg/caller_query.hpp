// What running a caller's query for its rows takes, wherever that is done.
#pragma once
#include "border/border.hpp"

extern "C" {
#include "executor/tstoreReceiver.h"
}

namespace xsell::pg {

// A query that may have been written as a statement, fit to stand in parentheses once a line end follows it.
inline std::string without_semicolon(std::string_view query) {
    return std::string(query.substr(0, query.find_last_not_of(" \t\r\n;") + 1));
}

// From the executor straight into the result of a function that InitMaterializedSRF has prepared. May raise a backend error.
inline DestReceiver *result_receiver(FunctionCallInfo fcinfo) noexcept {
    const auto *result = reinterpret_cast<const ReturnSetInfo *>(fcinfo->resultinfo);
    DestReceiver *receiver = CreateDestReceiver(DestTuplestore);
    SetTuplestoreDestReceiverParams(receiver, result->setResult, result->econtext->ecxt_per_query_memory, false, nullptr,
                                    nullptr);
    return receiver;
}

}  // namespace xsell::pg
