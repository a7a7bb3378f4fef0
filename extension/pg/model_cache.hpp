// Models in the memory of this session, by content; and the handle through which a call site of a statement uses one.
#pragma once
#include "border/border.hpp"
#include "core/scoring/model.hpp"
#include "registry.hpp"

namespace xsell::pg {

struct CachedModel;

// What a call site remembers between rows: who scores is resolved once and resolved again only under another snapshot or role.
// Lives in the memory context of the call site and gives its models back when that goes, on errors too.
class ModelHandle {
  public:
    // The handle of this call site, kept in fn_extra.
    static ModelHandle &of(FunctionCallInfo fcinfo);

    // The model to score with: the champion, or a given version (0: the champion). Cheap when nothing has changed.
    const core::Model &use(std::string_view model, int version = 0) {
        resolve(model, version);
        return load(0);
    }
    // The one that an entity belongs to under the split in force.
    const core::Model &use_for(std::string_view model, std::int64_t entity);
    // The same without loading it: its place among the arms; -1 where nothing is deployed.
    int assign(std::string_view model, std::int64_t entity);
    const core::Model &load(int place);

    std::string_view name() const { return {name_, name_length_}; }
    // The version in use, and the role it plays.
    int version() const { return slots_[in_use_].arm.version; }
    const char *role() const { return slots_[in_use_].arm.role; }
    const Arm &arm(int place) const { return slots_[place].arm; }
    // Grows when another model or other versions than before are resolved.
    std::uint64_t changes() const { return changes_; }
    MemoryContext context() const { return context_; }

    // After an explanation: makes room in the cache if the model has grown by its tables.
    void settle();

    // For what a caller wants to keep with the handle; allocated in context().
    void *extra = nullptr;

  private:
    static constexpr int champion_only = 0;
    static constexpr int nothing = -1;
    static constexpr int whole_split = -2;
    struct Slot {
        Arm arm;
        CachedModel *cached;  // loaded when first needed
    };
    struct SnapshotKey {
        TransactionId xmin, xmax;
        std::uint32_t running;
        std::int32_t running_sub;
        CommandId command;
        Oid user;  // whose privileges held
        bool operator==(const SnapshotKey &) const = default;
    };
    static SnapshotKey current_snapshot();
    static void release(void *handle);
    void resolve(std::string_view model, int asked) {
        if (asked_ != asked || name() != model || generation_ != deployment_generation() || snapshot_ != current_snapshot()) {
            resolve_anew(model, asked);
        }
    }
    void resolve_anew(std::string_view model, int asked);
    void replace(const Arm *arms, std::size_t count);
    void remember_name(std::string_view model);

    MemoryContext context_ = nullptr;
    MemoryContextCallback at_end_ = {};
    char *name_ = nullptr;
    std::size_t name_length_ = 0;
    std::size_t name_room_ = 0;
    std::int64_t seed_ = 0;  // of the hash that assigns entities
    int asked_ = nothing;
    int in_use_ = 0;
    std::size_t count_ = 0;
    Slot slots_[max_arms] = {};
    SnapshotKey snapshot_ = {};
    std::uint64_t generation_ = 0;
    std::uint64_t changes_ = 0;
};

}  // namespace xsell::pg
