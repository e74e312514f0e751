// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "this measurement needs Linux, as it assigns CPUs and reads the CPU time of processes; run it there")
	os.Exit(1)
}
