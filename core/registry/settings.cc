#include "core/registry/settings.h"

#include <cerrno>
#include <cstdlib>

#include "core/registry/statistics.h"

namespace minpy {

int64_t number_setting(const char* name, int64_t low, int64_t high, int64_t otherwise) {
    const char* text = std::getenv(name);
    if (!text || !*text) return otherwise;
    errno = 0;
    char* end;
    long long value = std::strtoll(text, &end, 10);
    if (!errno && !*end && value >= low && value <= high) return value;
    log_message(2, "settings",
                cat(name, " is '", text, "', no integer from ", low, " to ", high, ": ", otherwise, " instead"));
    return otherwise;
}

}  // namespace minpy
