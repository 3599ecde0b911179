package grpcauth

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/grpc"
)

// Validate checks the names in [Options] against the methods of a server, so that a
// typing error neither drops a requirement nor leaves a name behind that becomes
// public one day. Call it when all services are registered. Its error lists every
// fault: a name that the server does not have, a name that is both in Public and in
// Require, a nil Check, a nil Verifier.
//
// It cannot tell whether the server was made with [Auth.ServerOptions].
func (a *Auth) Validate(s *grpc.Server) error {
	if a == nil || a.verifier == nil {
		return errors.New("grpcauth: the Verifier is nil")
	}
	if s == nil {
		return errors.New("grpcauth: Validate needs a server")
	}
	methods := methodsOf(s)
	var faults []error
	for _, method := range slices.Sorted(maps.Keys(a.public)) {
		if !methods[method] {
			faults = append(faults, unknown("Public", method))
		}
		if _, required := a.require[method]; required {
			faults = append(faults, fmt.Errorf("grpcauth: %q is both in Options.Public and in Options.Require", method))
		}
	}
	for _, method := range slices.Sorted(maps.Keys(a.require)) {
		if !methods[method] {
			faults = append(faults, unknown("Require", method))
		}
		for i, check := range a.require[method] {
			if check == nil {
				faults = append(faults, fmt.Errorf("grpcauth: Options.Require: check %d of %q is nil", i+1, method))
			}
		}
	}
	return errors.Join(faults...)
}

func unknown(field, method string) error {
	return fmt.Errorf("grpcauth: Options.%s: the server has no method %q", field, method)
}

// methodsOf returns the full names of a server's methods.
func methodsOf(s *grpc.Server) map[string]bool {
	methods := make(map[string]bool)
	for service, info := range s.GetServiceInfo() {
		for _, method := range info.Methods {
			methods["/"+service+"/"+method.Name] = true
		}
	}
	return methods
}
