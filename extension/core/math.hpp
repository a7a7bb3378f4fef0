// exp, log and their kin in plain double arithmetic: the same bits on every machine, whatever its C library.
#pragma once

namespace xsell::core {

double exp(double x);
double log(double x);

// 1 / (1 + exp(-x)), monotone, 0 and 1 only where a double can no longer tell.
double sigmoid(double x);

// log(p / (1 - p)); -inf at 0, +inf at 1, NaN outside.
double logit(double p);

}  // namespace xsell::core
