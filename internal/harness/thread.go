// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"runtime"
	"sync"
)

// OnLastingThread runs start on a thread that never ends. A signal for the death of the
// parent comes when the thread ends that started the process.
func OnLastingThread(start func() error) error {
	result := make(chan error)
	lasting() <- func() { result <- start() }
	return <-result
}

var lasting = sync.OnceValue(func() chan<- func() {
	starts := make(chan func())
	go func() {
		runtime.LockOSThread()
		for start := range starts {
			start()
		}
	}()
	return starts
})
