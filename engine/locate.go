package engine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// LibraryEnv is the environment variable that names the library to load.
const LibraryEnv = "KASKAD_CHDB_LIB"

// installation is a ClickHouse that can be started: libchdb, or the official
// binary.
type installation struct {
	library string
	binary  string
}

// Available reports whether there is a ClickHouse to start. Its error wraps [ErrNoClickHouse], names every place that
// was searched, and the fix.
func Available() error {
	_, err := locate()
	return err
}

// locate searches for ClickHouse: the environment variable, lib/ beside the
// executable, bin/lib from the working directory up to the module's root (so
// that tests find what the build fetched), and the official binary on PATH. What
// another user could change is not used.
func locate() (installation, error) {
	if library := os.Getenv(LibraryEnv); library != "" {
		if !isFile(library) {
			return installation{}, fmt.Errorf("%w: %s names %s, which is no file; correct or unset it", ErrNoClickHouse,
				LibraryEnv, library)
		}
		if err := trusted(library); err != nil {
			return installation{}, fmt.Errorf("%w: %s: %w", ErrNoClickHouse, LibraryEnv, err)
		}
		library, err := filepath.Abs(library)
		return installation{library: library}, err
	}

	var searched []string
	var folders []string
	if executable, err := os.Executable(); err == nil {
		if resolved, err := filepath.EvalSymlinks(executable); err == nil {
			executable = resolved
		}
		folders = append(folders, filepath.Join(filepath.Dir(executable), "lib"))
	}
	if directory, err := os.Getwd(); err == nil {
		if root, ok := moduleRoot(directory); ok {
			folders = append(folders, filepath.Join(root, "bin", "lib"))
		}
	}
	for _, folder := range folders {
		for _, name := range []string{"libchdb.so", "libchdb.dylib"} {
			library := filepath.Join(folder, name)
			if !isFile(library) {
				continue
			}
			err := trusted(library)
			if err == nil {
				return installation{library: library}, nil
			}
			searched = append(searched, fmt.Sprintf("%s (not used: %v)", library, err))
		}
		searched = append(searched, filepath.Join(folder, "libchdb.so"))
	}

	if binary, err := exec.LookPath("clickhouse"); err == nil {
		if binary, err = filepath.Abs(binary); err == nil {
			err := trusted(binary)
			if err == nil {
				return installation{binary: binary}, nil
			}
			searched = append(searched, fmt.Sprintf("%s (not used: %v)", binary, err))
		}
	}
	searched = append(searched, "clickhouse on PATH")
	return installation{}, fmt.Errorf("%w: looked for %s; run engine/fetch.sh of the sources or of the release's "+
		"archive to fetch it, install ClickHouse 26 or newer, or use a server with --clickhouse DSN",
		ErrNoClickHouse, strings.Join(searched, ", "))
}

// moduleRoot walks up to the directory that holds go.mod.
func moduleRoot(directory string) (string, bool) {
	for {
		if isFile(filepath.Join(directory, "go.mod")) {
			return directory, true
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return "", false
		}
		directory = parent
	}
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
