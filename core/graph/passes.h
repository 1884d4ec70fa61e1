// What is done to a recorded program before it runs. Each pass leaves a program that computes the same bits.
#pragma once
#include "core/graph/program.h"

namespace minpy {

void fold_constants(Program& p);  // steps of constants alone, by the results that the recording has
void merge_equal(Program& p);     // the same operator of the same operands runs once
void drop_dead(Program& p);       // what no result and no effect needs
// Results that the backward part reads leave as copies: their new owner may write to them.
void separate_results(Program& p);
void add_workspaces(Program& p);  // a buffer for each kernel that works in scratch memory

bool checks_graphs();  // MINPY_CHECK=1
// All of them, verified between passes with MINPY_CHECK=1. Afterwards temporaries hold no storage.
void optimize(Program& p);

}  // namespace minpy
