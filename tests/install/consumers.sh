# Installs, moves the prefix, and builds the same C program from there, found in one WAY: consumers.sh BUILD_FOLDER WAY
set -eu
build=$1 way=$2 here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "$build/tests/consumer.XXXXXX"); trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/first place" >/dev/null
prefix="$work/moved"; mv "$work/first place" "$prefix"
pc=$(find "$prefix" -name minpy.pc); libdir=$(dirname "$(dirname "$pc")")
cd "$work"

case $way in
pkg_config)
    export PKG_CONFIG_PATH="${pc%/minpy.pc}"
    gcc -std=c99 -Wall -Wextra -Werror "$here/consumer.c" $(pkg-config --cflags --libs minpy) \
        -Wl,-rpath,"$(pkg-config --variable=libdir minpy)" -o consumer
    ;;
find_package)
    cmake -G Ninja -S "$here/find_package" -B . -DCMAKE_PREFIX_PATH="$prefix" >log && cmake --build . >>log ||
        { cat log; exit 1; }
    ;;
plain)
    gcc -std=c89 "$here/consumer.c" -I"$prefix/include" -L"$libdir" -lminpy -Wl,-rpath,"$libdir" -o consumer
    ;;
subdirectory)
    # Configured only, which says what would be built: the library, and neither tests nor Python.
    cmake -G Ninja -S "$here/subdirectory" -B . >log || { cat log; exit 1; }
    ninja -t targets all >targets
    grep -q '^minpy/lib/libminpy.so:' targets
    ! grep -E 'gtest|_test|python' targets
    exit
    ;;
relocatable)
    # Nothing installed says where it was built, and nothing but libminpy is asked for by name of a folder.
    ! grep -rlF "$build" "$prefix"
    ! readelf -d "$libdir"/libminpy.so | grep -E 'R(UN)?PATH'
    readelf -d "$libdir"/libminpy.so | grep -q 'SONAME.*\[libminpy.so.0\]'
    exit
    ;;
esac
./consumer
