#include "sync/context.hpp"

#include <utility>

namespace xsell::sync {
namespace {

thread_local Context here;

}  // namespace

const Context &Context::current() { return here; }

ContextScope::ContextScope(Context context) : before_(std::exchange(here, std::move(context))) {}
ContextScope::~ContextScope() { here = std::move(before_); }

}  // namespace xsell::sync
