# `pip install .` gives a package that works by itself, out of the release build's objects: wheel.sh BUILD_FOLDER PYTHON
set -eu
build=$1 python=$2 root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "$build/tests/wheel.XXXXXX"); trap 'rm -rf "$work"' EXIT
cd "$work"
export CCACHE_STATSLOG="$work/ccache.log"
"$python" -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps --no-index --target site "$root"
env -u LD_LIBRARY_PATH PYTHONPATH="$work/site" "$python" -c '
import minpy.numpy as np, minpy
assert minpy.__file__.startswith("'"$work"'"), minpy.__file__
assert (np.ones(3) + 1).sum() == 6
'
! command -v ccache >/dev/null || ! grep -q cache_miss ccache.log || { echo "compiled again:"; cat ccache.log; exit 1; }
