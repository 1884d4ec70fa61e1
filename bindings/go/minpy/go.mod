module minpy

go 1.19
