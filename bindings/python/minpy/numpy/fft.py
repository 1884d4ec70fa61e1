"""numpy.fft."""

import numpy.fft as _numpy_fft

from .._namespace import namespace as _namespace

_namespace(globals(), _numpy_fft, "fft.")
