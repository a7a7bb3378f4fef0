// What the current thread is reading, for its log lines.
#pragma once
#include <cstdint>
#include <string>

namespace xsell::sync {

struct Context {
    std::string org, object;
    std::int64_t run = 0, page = 0;

    static const Context &current();
};

// While it lives, the thread's lines carry it.
class ContextScope {
  public:
    explicit ContextScope(Context context);
    ~ContextScope();
    ContextScope(const ContextScope &) = delete;
    ContextScope &operator=(const ContextScope &) = delete;

  private:
    Context before_;
};

}  // namespace xsell::sync
