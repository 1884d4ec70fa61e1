package minpy

import (
	"fmt"
	"strconv"

	"minpy/internal/capi"
)

// A Code is the class of an error. Codes are errors themselves, for errors.Is(err, minpy.ErrShape).
type Code int32

// The classes of errors, by the C API's numbers.
const (
	ErrUnknown     Code = iota + 1 // an internal error
	ErrInvalid                     // an argument's value is wrong
	ErrType                        // an argument's type or dtype is wrong
	ErrShape                       // shapes do not fit together
	ErrIndex                       // an index or axis is out of bounds
	ErrNoMemory                    // memory was refused
	ErrNotFound                    // no operator, feature or entry of that name
	ErrUnsupported                 // not possible with this build, device or version
	ErrDevice                      // a device failed
	ErrIO                          // a file could not be read or written
	ErrCallback                    // a callback failed
	ErrCancelled                   // the work was cancelled
	ErrABI                         // header, library or plugin do not fit together
	ErrState                       // not possible now, as with a closed array
	ErrLinAlg                      // a matrix is singular, or an iteration does not converge
)

var codeTexts = [...]string{
	"success", "internal error", "invalid argument", "wrong type", "shapes do not fit", "index out of bounds",
	"out of memory", "not found", "unsupported", "device failure", "input or output", "callback failed", "cancelled",
	"ABI mismatch", "wrong state", "linear algebra",
}

func (c Code) Error() string {
	if c >= 0 && int(c) < len(codeTexts) {
		return codeTexts[c]
	}
	return "error " + strconv.Itoa(int(c))
}

// An Error is what a call of the library failed with.
type Error struct {
	Code     Code
	Op       string // the operator, or ""
	Argument string // its argument, or ""
	Kind     string // the class of NumPy's exception: "ValueError", "AxisError" …
	Message  string // NumPy's sentence where NumPy has one
	text     string
}

// Error is the whole text: operator, argument, sentence, shapes and dtypes.
func (e *Error) Error() string { return e.text }

// Is makes errors.Is compare with a Code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

func failure(code Code, kind, format string, args ...any) *Error {
	text := fmt.Sprintf(format, args...)
	return &Error{Code: code, Kind: kind, Message: text, text: text}
}

// check turns what a C call gave into an error: 0, a detached error, or a bare status where there was no memory for one.
func check(e uint64) error {
	const codes = 4096
	if e == 0 {
		return nil
	}
	if e < codes {
		return failure(Code(e), "", "%s", Code(e).Error())
	}
	h := uintptr(e)
	const message, op, argument, kind, full = 0, 1, 2, 3, 4
	err := &Error{
		Code: Code(capi.ErrorCode(h)), Op: capi.Minpy_error_text(h, op), Argument: capi.Minpy_error_text(h, argument),
		Kind: capi.Minpy_error_text(h, kind), Message: capi.Minpy_error_text(h, message),
		text: capi.Minpy_error_text(h, full),
	}
	capi.Minpy_error_release(h)
	return err
}

func itoa(n uint) string { return strconv.FormatUint(uint64(n), 10) }
