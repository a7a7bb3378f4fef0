// Queries that users have stored - features, labels - run as their owner, where they can change nothing.
#pragma once
#include "border/border.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "utils/plancache.h"
}

namespace xsell::pg {

// While it lives, the session is another role, cannot become a third, writes nothing and finds no name that is not spelled with
// its schema. An error that leaves it is put right twice: here, and by the end of the transaction.
class Confinement {
  public:
    Confinement();
    ~Confinement();
    Confinement(const Confinement &) = delete;
    Confinement &operator=(const Confinement &) = delete;

    void become(Oid user);

  private:
    Oid caller_;
    int context_;
    bool writable_;
    int settings_;
};

// The role that a query stored under an owner runs as when the present role asks for it. NULL owner: the present role. A
// superuser and the members of the owner run any text as the owner; roles that see every org run what is stored; everybody else
// runs what is stored as themselves, so that row security holds. To be asked inside a Confinement, before it becomes anybody.
Oid acting_role(const char *owner, const char *query);

// One SELECT of $1, a timestamptz, that changes and locks nothing. Lives between SPI_connect and SPI_finish, which it does.
class StoredQuery {
  public:
    explicit StoredQuery(const char *query);
    ~StoredQuery();
    StoredQuery(const StoredQuery &) = delete;
    StoredQuery &operator=(const StoredQuery &) = delete;

    TupleDesc columns() const { return source_->resultDesc; }
    void run(Datum at, bool at_null, DestReceiver *destination);

  private:
    SPIPlanPtr plan_ = nullptr;
    CachedPlanSource *source_ = nullptr;
};

// What a column is as a feature: number, boolean, time or category; nullptr where its type is none of them.
const char *feature_kind(Oid type);

}  // namespace xsell::pg
