// Models in the memory of this session, by content; and the handle through which a call site of a statement uses one.
#pragma once
#include "border/border.hpp"
#include "core/scoring/model.hpp"
#include "registry.hpp"

namespace xsell::pg {

struct CachedModel;

// What a call site remembers between rows: the version is resolved once and resolved again only under another snapshot. Lives in
// the memory context of the call site and gives its model back when that goes, on errors too.
class ModelHandle {
  public:
    // The handle of this call site, kept in fn_extra.
    static ModelHandle &of(FunctionCallInfo fcinfo);

    // The model to score with: the champion, or a given version (0: the champion). Cheap when nothing has changed.
    const core::Model &use(std::string_view model, int version = 0);

    const std::string_view name() const { return {name_, name_length_}; }
    int version() const { return row_.version; }
    // Grows when a model or version other than before is in use.
    std::uint64_t changes() const { return changes_; }
    MemoryContext context() const { return context_; }

    // For what a caller wants to keep with the handle; allocated in context().
    void *extra = nullptr;

  private:
    struct SnapshotKey {
        TransactionId xmin, xmax;
        std::uint32_t running;
        std::int32_t running_sub;
        CommandId command;
        bool operator==(const SnapshotKey &) const = default;
    };
    static SnapshotKey current_snapshot();
    static void release(void *handle);
    const core::Model &resolve(std::string_view model, int version);
    void remember_name(std::string_view model);

    MemoryContext context_ = nullptr;
    MemoryContextCallback at_end_ = {};
    CachedModel *cached_ = nullptr;
    char *name_ = nullptr;
    std::size_t name_length_ = 0;
    std::size_t name_room_ = 0;
    int asked_ = -1;
    VersionRow row_ = {};
    SnapshotKey snapshot_ = {};
    std::uint64_t generation_ = 0;
    std::uint64_t changes_ = 0;
};

}  // namespace xsell::pg
