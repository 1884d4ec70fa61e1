/* Julia: `swig -xml` writes down what the header declares; swig/julia/generate.py makes the calls from that. */
%module minpy
#define MINPY_API
%include "minpy/types.h"
%include "minpy/minpy.h"
