//go:build !linux

package engine

import "os"

// readMethod is how ClickHouse reads files: as it does by default on this system.
func readMethod(*os.File) string { return "pread" }
