// Whole files: read at once, written whole or not at all.
#pragma once
#include <string>

namespace minpy {

std::string read_file(const char* path);
// Into a new file beside `path`, which takes its place when everything is on disk.
void write_file(const char* path, const std::string& bytes);

}  // namespace minpy
