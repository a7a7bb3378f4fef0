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
};

namespace {

std::vector<CachedModel *> cache;
std::uint64_t clock_hand = 0;

void destroy(void *cached) { static_cast<CachedModel *>(cached)->~CachedModel(); }

CachedModel *new_entry(const char *model, const VersionRow &row) {
    void *place = pg([&]() noexcept {
        static MemoryContext parent = nullptr;
        if (parent == nullptr) {
            parent = AllocSetContextCreate(TopMemoryContext, "xsell models", ALLOCSET_SMALL_SIZES);
        }
        MemoryContext own = AllocSetContextCreate(parent, "xsell model", ALLOCSET_SMALL_SIZES);
        MemoryContextSetIdentifier(own, MemoryContextStrdup(own, psprintf("%s version %d", model, row.version)));
        auto *space = static_cast<CachedModel *>(MemoryContextAllocZero(own, sizeof(CachedModel)));
        space->context = own;
        return static_cast<void *>(space);
    });
    MemoryContext own = static_cast<CachedModel *>(place)->context;
    auto *entry = new (place) CachedModel{own, {}, nullptr, {}, 0, 0};
    entry->at_end.func = destroy;
    entry->at_end.arg = entry;
    MemoryContextRegisterResetCallback(own, &entry->at_end);
    std::memcpy(entry->sha256, row.sha256, sizeof entry->sha256);
    return entry;
}

// Drops what nobody uses, the longest unused first, until the setting is met.
void trim() {
    const std::size_t limit = static_cast<std::size_t>(settings.model_cache_mb) << 20;
    std::size_t total = 0;
    for (const CachedModel *entry : cache) {
        total += entry->model->bytes();
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
        total -= entry->model->bytes();
        cache.erase(victim);
        MemoryContextDelete(entry->context);
    }
}

CachedModel *load(const char *model, const VersionRow &row) {
    bytea *blob = version_blob(model, row);
    auto loaded = core::Model::load(std::as_bytes(std::span(VARDATA(blob), VARSIZE(blob) - VARHDRSZ)));
    pfree(blob);
    cache.reserve(cache.size() + 1);
    CachedModel *entry = new_entry(model, row);
    entry->model = std::move(loaded);
    cache.push_back(entry);
    return entry;
}

CachedModel *acquire(const char *model, const VersionRow &row) {
    CachedModel *entry = nullptr;
    for (CachedModel *candidate : cache) {
        if (std::memcmp(candidate->sha256, row.sha256, sizeof row.sha256) == 0) {
            entry = candidate;
        }
    }
    if (entry == nullptr) {
        entry = load(model, row);
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
    return {s->xmin, s->xmax, s->xcnt, s->subxcnt, s->curcid};
}

void ModelHandle::release(void *handle) {
    auto *self = static_cast<ModelHandle *>(handle);
    if (self->cached_ != nullptr) {
        --self->cached_->users;
        self->cached_ = nullptr;
    }
}

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

const core::Model &ModelHandle::use(std::string_view model, int version) {
    if (cached_ != nullptr && asked_ == version && name() == model && generation_ == deployment_generation() &&
        snapshot_ == current_snapshot()) {
        return *cached_->model;
    }
    return resolve(model, version);
}

const core::Model &ModelHandle::resolve(std::string_view model, int version) {
    remember_name(model);
    asked_ = -1;  // an error on the way leaves nothing half resolved
    const SnapshotKey snapshot = current_snapshot();
    const VersionRow row = version == 0 ? deployed_version(name_) : stored_version(name_, version);
    const std::uint64_t generation = deployment_generation();
    CachedModel *fresh = acquire(name_, row);
    changes_ += fresh != cached_ || row.version != row_.version;
    if (cached_ != nullptr) {
        --cached_->users;
    }
    cached_ = fresh;
    row_ = row;
    snapshot_ = snapshot;
    generation_ = generation;
    asked_ = version;
    return *cached_->model;
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
