#include "core/training/xgboost.hpp"

#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <xgboost/c_api.h>

#include <cmath>
#include <limits>
#include <new>
#include <regex>

#include "core/error.hpp"

namespace xsell::core::xgboost {
namespace {

void check(int status) {
    if (status != 0) {
        const std::string message = clean_message(XGBGetLastError());
        // Its C API tells of every failure by text alone.
        if (message.find("bad_alloc") != std::string::npos) throw std::bad_alloc();
        throw Error(Kind::not_trained, "XGBoost: " + message);
    }
}

std::string array_interface(const float *data, std::size_t rows, std::size_t columns) {
    return "{\"data\":[" + std::to_string(reinterpret_cast<std::uintptr_t>(data)) + ",true],\"shape\":[" + std::to_string(rows) +
           "," + std::to_string(columns) + "],\"typestr\":\"<f4\",\"version\":3}";
}

void describe_rows(DMatrixHandle handle, const Matrix &matrix) {
    check(XGDMatrixSetDenseInfo(handle, "label", matrix.label.data(), matrix.rows(), 1));
    check(XGDMatrixSetDenseInfo(handle, "weight", matrix.weight.data(), matrix.rows(), 1));
}

// The matrix as one batch; the callbacks run below C frames, so they report failure by their result and throw nothing.
struct Batch {
    const Matrix *matrix;
    DMatrixHandle proxy;
    bool given = false;
};

void reset(DataIterHandle iterator) { static_cast<Batch *>(iterator)->given = false; }

int next(DataIterHandle iterator) {
    auto *batch = static_cast<Batch *>(iterator);
    if (batch->given) {
        return 0;
    }
    batch->given = true;
    try {
        const Matrix &matrix = *batch->matrix;
        check(XGProxyDMatrixSetDataDense(batch->proxy,
                                         array_interface(matrix.values.data(), matrix.rows(), matrix.features).c_str()));
        describe_rows(batch->proxy, matrix);
    } catch (...) {
        return 0;
    }
    return 1;
}

}  // namespace

std::string version() {
    int major = 0, minor = 0, patch = 0;
    XGBoostVersion(&major, &minor, &patch);
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

std::string clean_message(const std::string &raw) {
    std::string text = raw.substr(0, raw.find("\nStack trace"));
    static const std::regex place(R"(^\[\d+:\d+:\d+\]\s*)");
    static const std::regex source(R"((\.{0,2}/)?[\w./+-]+\.(cc|cpp|h|hpp|cu):\d+:\s*)");
    text = std::regex_replace(text, place, "");
    text = std::regex_replace(text, source, "");
    text = std::regex_replace(text, std::regex(R"(0x[0-9a-fA-F]+)"), "");
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
        text.pop_back();
    }
    return text.empty() ? "unknown error" : text;
}

void start_threads(int threads) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    omp_set_num_threads(threads);
    if (threads > 1) {  // any parallel region creates the pool
        const float values[64] = {};
        DMatrixHandle handle = nullptr;
        if (XGDMatrixCreateFromMat_omp(values, 64, 1, std::numeric_limits<float>::quiet_NaN(), &handle, threads) == 0) {
            XGDMatrixFree(handle);
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

DMatrix DMatrix::quantile(const Matrix &matrix, int max_bin, int threads) {
    DMatrixHandle proxy = nullptr, handle = nullptr;
    check(XGProxyDMatrixCreate(&proxy));
    const DMatrix owner(proxy);
    Batch batch{&matrix, proxy};
    const std::string config =
        "{\"missing\":NaN,\"nthread\":" + std::to_string(threads) + ",\"max_bin\":" + std::to_string(max_bin) + "}";
    check(XGQuantileDMatrixCreateFromCallback(&batch, proxy, nullptr, reset, next, config.c_str(), &handle));
    return DMatrix(handle);
}

DMatrix DMatrix::dense(const Matrix &matrix, int threads) {
    DMatrixHandle handle = nullptr;
    check(XGDMatrixCreateFromMat_omp(matrix.values.data(), matrix.rows(), matrix.features,
                                     std::numeric_limits<float>::quiet_NaN(), &handle, threads));
    DMatrix result(handle);
    describe_rows(handle, matrix);
    return result;
}

DMatrix::~DMatrix() {
    if (handle_) {
        XGDMatrixFree(handle_);
    }
}

Booster::Booster(std::span<const DMatrix *const> cached) : handle_(nullptr) {
    std::vector<DMatrixHandle> handles;
    for (const DMatrix *matrix : cached) {
        handles.push_back(matrix->handle());
    }
    check(XGBoosterCreate(handles.data(), handles.size(), &handle_));
}

Booster::~Booster() {
    if (handle_) {
        XGBoosterFree(handle_);
    }
}

void Booster::set(const char *name, const std::string &value) { check(XGBoosterSetParam(handle_, name, value.c_str())); }

void Booster::update(int round, const DMatrix &train) { check(XGBoosterUpdateOneIter(handle_, round, train.handle())); }

void Booster::update(const DMatrix &train, std::vector<float> &gradient, std::vector<float> &hessian) {
    check(XGBoosterBoostOneIter(handle_, train.handle(), gradient.data(), hessian.data(), gradient.size()));
}

void Booster::load(const std::string &model) { check(XGBoosterLoadModelFromBuffer(handle_, model.data(), model.size())); }

std::span<const float> Booster::margins(const DMatrix &rows) const {
    const bst_ulong *shape = nullptr;
    bst_ulong dimensions = 0;
    const float *result = nullptr;
    check(XGBoosterPredictFromDMatrix(
        handle_, rows.handle(),
        "{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false}", &shape, &dimensions,
        &result));
    return {result, dimensions > 0 ? static_cast<std::size_t>(shape[0]) : 0};
}

Booster Booster::first_rounds(int count) const {
    BoosterHandle handle = nullptr;
    check(XGBoosterSlice(handle_, 0, count, 1, &handle));
    return Booster(handle);
}

std::string Booster::save(const char *format) const {
    const std::string config = std::string("{\"format\":\"") + format + "\"}";
    bst_ulong length = 0;
    const char *bytes = nullptr;
    check(XGBoosterSaveModelToBuffer(handle_, config.c_str(), &length, &bytes));
    return {bytes, static_cast<std::size_t>(length)};
}

}  // namespace xsell::core::xgboost
