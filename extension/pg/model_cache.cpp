#include "model_cache.hpp"

#include <new>

#include "settings.hpp"

namespace xsell::pg {

// Lives in a memory context of its own, so that the server's view of its memory names it.
struct CachedModel {
    MemoryContext context;
    MemoryContextCallback at_end;
    std::unique_ptr<const core::Model> model;
    char sha256[65];
    int users;
    std::uint64_t last_use;
    std::size_t bytes;  // when last counted
    bool grown;         // by the tables of explanations, since it was loaded
};

namespace {

std::vector<CachedModel *> cache;
std::uint64_t clock_hand = 0;

void destroy(void *cached) { static_cast<CachedModel *>(cached)->~CachedModel(); }

CachedModel *new_entry(const char *model, const Arm &arm) {
    void *place = pg([&]() noexcept {
        static MemoryContext parent = nullptr;
        if (parent == nullptr) {
            parent = AllocSetContextCreate(TopMemoryContext, "xsell models", ALLOCSET_SMALL_SIZES);
        }
        MemoryContext own = AllocSetContextCreate(parent, "xsell model", ALLOCSET_SMALL_SIZES);
        MemoryContextSetIdentifier(own, MemoryContextStrdup(own, psprintf("%s version %d", model, arm.version)));
        auto *space = static_cast<CachedModel *>(MemoryContextAllocZero(own, sizeof(CachedModel)));
        space->context = own;
        return static_cast<void *>(space);
    });
    MemoryContext own = static_cast<CachedModel *>(place)->context;
    auto *entry = new (place) CachedModel{own, {}, nullptr, {}, 0, 0, 0, false};
    entry->at_end.func = destroy;
    entry->at_end.arg = entry;
    MemoryContextRegisterResetCallback(own, &entry->at_end);
    std::memcpy(entry->sha256, arm.sha256, sizeof entry->sha256);
    return entry;
}

// Drops what nobody uses, the longest unused first, until the setting is met.
void trim() {
    const std::size_t limit = static_cast<std::size_t>(settings.model_cache_mb) << 20;
    std::size_t total = 0;
    for (CachedModel *entry : cache) {
        entry->bytes = entry->model->bytes();
        total += entry->bytes;
    }
    while (total > limit) {
        auto victim = cache.end();
        for (auto it = cache.begin(); it != cache.end(); ++it) {
            if ((*it)->users == 0 && (victim == cache.end() || (*it)->last_use < (*victim)->last_use)) {
                victim = it;
            }
        }
        if (victim == cache.end()) {
            return;
        }
        CachedModel *entry = *victim;
        total -= entry->bytes;
        cache.erase(victim);
        MemoryContextDelete(entry->context);
    }
}

// What explanations added to a model must not outlive its use when it does not fit.
void give_back(CachedModel *entry) {
    if (--entry->users == 0 && entry->grown) {
        trim();
    }
}

CachedModel *load_model(const char *model, const Arm &arm) {
    bytea *blob = version_blob(model, arm);
    auto loaded = core::Model::load(std::as_bytes(std::span(VARDATA(blob), VARSIZE(blob) - VARHDRSZ)));
    pfree(blob);
    cache.reserve(cache.size() + 1);
    CachedModel *entry = new_entry(model, arm);
    entry->model = std::move(loaded);
    cache.push_back(entry);
    return entry;
}

CachedModel *acquire(const char *model, const Arm &arm) {
    CachedModel *entry = nullptr;
    for (CachedModel *candidate : cache) {
        if (std::memcmp(candidate->sha256, arm.sha256, sizeof arm.sha256) == 0) {
            entry = candidate;
        }
    }
    if (entry == nullptr) {
        entry = load_model(model, arm);
    }
    ++entry->users;
    entry->last_use = ++clock_hand;
    trim();
    return entry;
}

}  // namespace

ModelHandle::SnapshotKey ModelHandle::current_snapshot() {
    if (!ActiveSnapshotSet()) {
        return {};
    }
    const Snapshot s = GetActiveSnapshot();
    return {s->xmin, s->xmax, s->xcnt, s->subxcnt, s->curcid, GetUserId()};
}

void ModelHandle::release(void *handle) { static_cast<ModelHandle *>(handle)->replace(nullptr, 0); }

ModelHandle &ModelHandle::of(FunctionCallInfo fcinfo) {
    FmgrInfo *function = fcinfo->flinfo;
    if (function->fn_extra == nullptr) {
        void *place = pg([&]() noexcept { return MemoryContextAllocZero(function->fn_mcxt, sizeof(ModelHandle)); });
        auto *handle = new (place) ModelHandle;
        handle->context_ = function->fn_mcxt;
        handle->at_end_.func = release;
        handle->at_end_.arg = handle;
        MemoryContextRegisterResetCallback(function->fn_mcxt, &handle->at_end_);
        function->fn_extra = handle;
    }
    return *static_cast<ModelHandle *>(function->fn_extra);
}

int ModelHandle::assign(std::string_view model, std::int64_t entity) {
    resolve(model, whole_split);
    if (count_ == 0) {
        return -1;
    }
    const Datum hash = DirectFunctionCall2(hashint8extended, Int64GetDatum(entity), Int64GetDatum(seed_));
    const auto bucket = static_cast<std::uint32_t>(DatumGetUInt64(hash) & (buckets - 1));
    std::size_t place = 0;
    while (place + 1 < count_ && bucket >= slots_[place].arm.until) {
        ++place;
    }
    return static_cast<int>(place);
}

const core::Model &ModelHandle::use_for(std::string_view model, std::int64_t entity) {
    const int place = assign(model, entity);
    if (place < 0) {
        raise_not_deployed(name_);
    }
    return load(place);
}

const core::Model &ModelHandle::load(int place) {
    in_use_ = place;
    Slot &slot = slots_[place];
    if (slot.cached == nullptr) {
        slot.cached = acquire(name_, slot.arm);
    }
    return *slot.cached->model;
}

void ModelHandle::resolve_anew(std::string_view model, int asked) {
    changes_ += name() != model;
    remember_name(model);
    asked_ = nothing;  // an error on the way leaves nothing half resolved
    const SnapshotKey snapshot = current_snapshot();
    Arm arms[max_arms];
    std::size_t count = 1;
    if (asked == whole_split) {
        count = arms_in_force(name_, arms);
    } else {
        arms[0] = asked == champion_only ? champion(name_) : stored_version(name_, asked);
    }
    generation_ = deployment_generation();
    replace(arms, count);
    seed_ = DatumGetInt32(hash_any(reinterpret_cast<const unsigned char *>(name_), static_cast<int>(name_length_)));
    snapshot_ = snapshot;
    asked_ = asked;
}

// The slots' new arms; models that stay in use are kept, the others given back.
void ModelHandle::replace(const Arm *arms, std::size_t count) {
    Slot before[max_arms];
    std::copy_n(slots_, count_, before);
    const std::size_t count_before = count_;
    bool same = count == count_before;
    for (std::size_t i = 0; i < count; ++i) {
        slots_[i] = {arms[i], nullptr};
        for (std::size_t j = 0; j < count_before; ++j) {
            if (before[j].cached != nullptr && std::memcmp(before[j].arm.sha256, arms[i].sha256, sizeof arms[i].sha256) == 0) {
                slots_[i].cached = std::exchange(before[j].cached, nullptr);
                break;
            }
        }
        same = same && before[i].arm.version == arms[i].version && slots_[i].cached != nullptr;
    }
    for (std::size_t j = 0; j < count_before; ++j) {
        if (before[j].cached != nullptr) {
            give_back(before[j].cached);
        }
    }
    count_ = count;
    in_use_ = 0;
    changes_ += !same;
}

void ModelHandle::settle() {
    CachedModel *entry = slots_[in_use_].cached;
    if (entry->bytes != entry->model->bytes()) {
        entry->grown = true;
        trim();
    }
}

void ModelHandle::remember_name(std::string_view model) {
    if (model.size() + 1 > name_room_) {
        const std::size_t room = model.size() + 64;
        name_ = pg([&]() noexcept { return static_cast<char *>(MemoryContextAlloc(context_, room)); });
        name_room_ = room;
    }
    std::memcpy(name_, model.data(), model.size());
    name_[model.size()] = '\0';
    name_length_ = model.size();
}

}  // namespace xsell::pg
