// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package wal

import "os"

// syncContent makes the content of a file survive a power cut: by F_FULLFSYNC on macOS,
// and FlushFileBuffers on Windows.
func syncContent(file *os.File) error { return file.Sync() }
