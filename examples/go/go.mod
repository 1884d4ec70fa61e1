module minpy/examples

go 1.19

require minpy v0.0.0

replace minpy => ../../bindings/go/minpy
