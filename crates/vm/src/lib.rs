//! Stage vm.
