//go:build !cgo

package raw

// The compiler stops here and shows this name.
var _ = this_module_calls_C_set_CGO_ENABLED_1_and_install_a_C_compiler
