// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"errors"
	"sync"
)

// inParallel does something to all at once and returns what went wrong.
func inParallel[T any](all []T, do func(T) error) error {
	errs := make([]error, len(all))
	var done sync.WaitGroup
	for i, one := range all {
		done.Go(func() { errs[i] = do(one) })
	}
	done.Wait()
	return errors.Join(errs...)
}
