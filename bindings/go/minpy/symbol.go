package minpy

import (
	"encoding/json"
	"runtime"
	"strings"
	"unsafe"

	"minpy/internal/capi"
)

// A Symbol is an expression graph with MXNet's conventions: variables, operators by name, automatic names.
type Symbol struct{ h uintptr }

// Attributes are a symbol operator's parameters: {"num_hidden": 128, "kernel": []int{3, 3}}.
type Attributes map[string]any

func (a Attributes) json() (string, error) {
	if len(a) == 0 {
		return "", nil
	}
	text, err := json.Marshal(a)
	return string(text), err
}

func ownSymbol(h uintptr, err error) (*Symbol, error) {
	if err != nil {
		return nil, err
	}
	s := &Symbol{h}
	runtime.SetFinalizer(s, (*Symbol).Close)
	return s, nil
}

func (s *Symbol) handle() (uintptr, error) {
	if s == nil || s.h == 0 {
		return 0, failure(ErrState, "ValueError", "the symbol is closed")
	}
	return s.h, nil
}

func symbolHandles(symbols []*Symbol) ([]uintptr, error) {
	to := make([]uintptr, len(symbols)+1) // never empty, so that its address is one
	for i, s := range symbols {
		h, err := s.handle()
		if err != nil {
			return nil, err
		}
		to[i] = h
	}
	return to, nil
}

// Close releases the symbol.
func (s *Symbol) Close() {
	if s.h != 0 {
		capi.Minpy_symbol_release(s.h)
		s.h = 0
		runtime.SetFinalizer(s, nil)
	}
}

// Variable is an input of a graph.
func Variable(name string) (*Symbol, error) {
	var h uintptr
	err := check(capi.Minpy_symbol_variable(name, "{}", &h))
	return ownSymbol(h, err)
}

// Apply applies an operator to symbols. Inputs that are missing become variables named after the result, as in
// "fc1_weight"; an empty name is MXNet's automatic one.
func Apply(op, name string, attributes Attributes, inputs ...*Symbol) (*Symbol, error) {
	text, err := attributes.json()
	if err != nil {
		return nil, err
	}
	in, err := symbolHandles(inputs)
	if err != nil {
		return nil, err
	}
	names := nameList(make([]string, len(inputs)))
	var h uintptr
	err = check(capi.Mg_symbol_apply(op, name, &in[0], unsafe.Pointer(&names[0]), len(inputs), text, &h))
	runtime.KeepAlive(inputs)
	return ownSymbol(h, err)
}

// nameList is the names as C's shim reads them: each ended by a NUL.
func nameList(names []string) []byte { return []byte(strings.Join(names, "\x00") + "\x00") }

// Group is one symbol with the outputs of several.
func Group(symbols ...*Symbol) (*Symbol, error) {
	in, err := symbolHandles(symbols)
	if err != nil {
		return nil, err
	}
	var h uintptr
	err = check(capi.Minpy_symbol_group(&in[0], len(symbols), &h))
	runtime.KeepAlive(symbols)
	return ownSymbol(h, err)
}

// Output is one of the outputs.
func (s *Symbol) Output(i int) (*Symbol, error) {
	var h uintptr
	defer runtime.KeepAlive(s)
	err := check(capi.Minpy_symbol_output(s.h, i, &h))
	return ownSymbol(h, err)
}

// Internals is a group of the outputs of all nodes.
func (s *Symbol) Internals() (*Symbol, error) {
	var h uintptr
	defer runtime.KeepAlive(s)
	err := check(capi.Minpy_symbol_internals(s.h, &h))
	return ownSymbol(h, err)
}

// Name is the name of the symbol's node.
func (s *Symbol) Name() string {
	defer runtime.KeepAlive(s)
	return capi.Minpy_symbol_name(s.h)
}

// Names are what a graph takes and gives.
type Names struct {
	Arguments       []string `json:"arguments"`
	Outputs         []string `json:"outputs"`
	AuxiliaryStates []string `json:"auxiliary_states"`
}

// List is the names of arguments, outputs and auxiliary states.
func (s *Symbol) List() (Names, error) {
	var names Names
	var b uintptr
	if err := check(capi.Minpy_symbol_list(s.h, &b)); err != nil {
		return names, err
	}
	runtime.KeepAlive(s)
	return names, json.Unmarshal(capi.TakeBuffer(b), &names)
}

// Shapes are what inference found, in the order of Names.
type Shapes struct {
	Complete        bool    `json:"complete"`
	Arguments       [][]int `json:"arguments"`
	Outputs         [][]int `json:"outputs"`
	AuxiliaryStates [][]int `json:"auxiliary_states"`
}

// InferShape finds all shapes from those that are known, forwards and backwards.
func (s *Symbol) InferShape(known map[string][]int) (Shapes, error) {
	var shapes Shapes
	text, err := json.Marshal(map[string]any{"shapes": known})
	if err != nil {
		return shapes, err
	}
	var b uintptr
	if err := check(capi.Minpy_symbol_infer(s.h, string(text), &b)); err != nil {
		return shapes, err
	}
	runtime.KeepAlive(s)
	return shapes, json.Unmarshal(capi.TakeBuffer(b), &shapes)
}

// MarshalJSON is MXNet's symbol JSON.
func (s *Symbol) MarshalJSON() ([]byte, error) {
	var b uintptr
	if err := check(capi.Minpy_symbol_save(s.h, &b)); err != nil {
		return nil, err
	}
	runtime.KeepAlive(s)
	return capi.TakeBuffer(b), nil
}

// LoadSymbol reads MXNet's symbol JSON.
func LoadSymbol(text string) (*Symbol, error) {
	var h uintptr
	err := check(capi.Minpy_symbol_load(text, uint64(len(text)), &h))
	return ownSymbol(h, err)
}

// Function makes the graph callable, with these inputs by position; none means all arguments, then the auxiliary states.
func (s *Symbol) Function(inputs ...string) (*Function, error) {
	names := nameList(inputs)
	var h uintptr
	err := check(capi.Mg_function_from_symbol(s.h, unsafe.Pointer(&names[0]), len(inputs), &h))
	runtime.KeepAlive(s)
	if err != nil {
		return nil, err
	}
	return ownFunction(h), nil
}
