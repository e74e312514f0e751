// SPDX-License-Identifier: Apache-2.0

package dirlock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// errSharingViolation is what Windows answers when the file is open elsewhere.
const errSharingViolation syscall.Errno = 32

// openLocked opens a file that nobody else can open until it is closed or the
// process ends.
func openLocked(name string) (*os.File, error) {
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	const shareNothing = 0
	handle, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shareNothing,
		nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharingViolation) {
		return nil, ErrHeld
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", name, err)
	}
	return os.NewFile(uintptr(handle), name), nil
}
