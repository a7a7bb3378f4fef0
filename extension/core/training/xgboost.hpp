// XGBoost's C API in RAII: handles that free themselves, errors as core::Error, threads that leave the caller's signals alone.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "core/training/matrix.hpp"

namespace xsell::core::xgboost {

// "1.7.4"
std::string version();

// The text of an error without the time, source paths and stack addresses around it.
std::string clean_message(const std::string &raw);

// Creates the thread pool under a fully blocked signal mask: its threads inherit the mask, so that no signal handler of the
// process ever runs on one of them.
void start_threads(int threads);

class DMatrix {
  public:
    // Binned at once: one byte or four a value, in place of XGBoost's eight.
    static DMatrix quantile(const Matrix &matrix, int max_bin, int threads);
    static DMatrix dense(const Matrix &matrix, int threads);
    DMatrix(DMatrix &&other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
    DMatrix(const DMatrix &) = delete;
    DMatrix &operator=(const DMatrix &) = delete;
    ~DMatrix();
    void *handle() const { return handle_; }

  private:
    explicit DMatrix(void *handle) : handle_(handle) {}
    void *handle_;
};

class Booster {
  public:
    explicit Booster(std::span<const DMatrix *const> cached);
    Booster(Booster &&other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
    Booster(const Booster &) = delete;
    Booster &operator=(const Booster &) = delete;
    ~Booster();
    void set(const char *name, const std::string &value);
    void update(int round, const DMatrix &train);
    // A round by gradients of the caller's own.
    void update(const DMatrix &train, std::vector<float> &gradient, std::vector<float> &hessian);
    void load(const std::string &model);
    std::span<const float> margins(const DMatrix &rows) const;  // valid until the next call
    Booster first_rounds(int count) const;
    std::string save(const char *format) const;  // "ubj" or "json"

  private:
    explicit Booster(void *handle) : handle_(handle) {}
    void *handle_;
};

}  // namespace xsell::core::xgboost
