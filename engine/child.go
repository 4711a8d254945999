package engine

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/ebitengine/purego"
)

const (
	// childEnv marks the re-executed process that becomes ClickHouse. Its value
	// is the path of the library to load.
	childEnv = "KASKAD_ENGINE_CHILD"

	// childStampEnv names the version stamp of the data directory, which the
	// child compares with the library's version before it touches any data.
	childStampEnv = "KASKAD_ENGINE_STAMP"

	// childJailEnv names the port that the child may listen on, and childBinaryEnv
	// the official binary that it becomes when there is no library.
	childJailEnv   = "KASKAD_ENGINE_JAIL"
	childBinaryEnv = "KASKAD_ENGINE_BINARY"

	// childConnectEnv lets the child connect to others.
	childConnectEnv = "KASKAD_ENGINE_CONNECT"

	// exitChild is the exit code of a child that could not become ClickHouse,
	// exitNewer of one that refused data of a newer version.
	exitChild = 3
	exitNewer = 4
)

// MaybeChild turns the process into the embedded ClickHouse, or the embedded
// broker, when it was started as such by [StartClickHouse] or [SuperviseBroker],
// and never returns then. In every other process it returns at once. Call it
// first thing in main and in TestMain, before flags are read: the child is the
// program's own executable with other arguments.
func MaybeChild() {
	if config := os.Getenv(brokerEnv); config != "" {
		os.Exit(runBroker(config))
	}
	if port := os.Getenv(childJailEnv); port != "" {
		fmt.Fprintln(os.Stderr, restart(port))
		os.Exit(exitChild)
	}
	library := os.Getenv(childEnv)
	if library == "" {
		return
	}
	err := runLibrary(library, os.Getenv(childStampEnv), os.Args)
	switch {
	case err == nil:
		os.Exit(0)
	case errors.Is(err, ErrNewerData):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitNewer)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitChild)
	}
}

// restart gives up what ClickHouse needs no right to, and executes this program,
// or the official binary, once more. It returns only when that fails.
func restart(port string) error {
	number, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("read %s: %w", childJailEnv, err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own executable: %w", err)
	}
	program, library := os.Getenv(childBinaryEnv), os.Getenv(childEnv)
	if program == "" {
		program = self
	}
	// The rights are the thread's, and the program inherits them of the thread that executes it.
	runtime.LockOSThread()
	if err := enterJail(number, os.Getenv(childConnectEnv) != "", self, program, library); err != nil {
		return fmt.Errorf("restrict embedded ClickHouse: %w", err)
	}
	if err := os.Unsetenv(childJailEnv); err != nil {
		return fmt.Errorf("restrict embedded ClickHouse: %w", err)
	}
	return fmt.Errorf("execute %s: %w", program, syscall.Exec(program, os.Args, os.Environ()))
}

// runLibrary loads libchdb and hands it the command line. It returns when
// ClickHouse ends, which it does when its standard input closes.
func runLibrary(library, stamp string, args []string) error {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("load embedded ClickHouse: %w", err)
	}
	var (
		version     func() string
		cmdline     func(argc int32, argv unsafe.Pointer) uintptr
		resultError func(result uintptr) string
	)
	for name, function := range map[string]any{
		"chdb_version":       &version,
		"chdb_query_cmdline": &cmdline,
		"chdb_result_error":  &resultError,
	} {
		address, err := purego.Dlsym(handle, name)
		if err != nil {
			return fmt.Errorf("load embedded ClickHouse: %s is no libchdb of version 26 or newer: %w", library, err)
		}
		purego.RegisterFunc(function, address)
	}
	if err := checkStamp(stamp, version()); err != nil {
		return err
	}

	// ClickHouse keeps pointers into argv, so the strings live in one block that
	// is pinned until it returns.
	var block []byte
	offsets := make([]int, len(args))
	for i, arg := range args {
		offsets[i] = len(block)
		block = append(append(block, arg...), 0)
	}
	argv := make([]unsafe.Pointer, len(args)+1)
	for i, offset := range offsets {
		argv[i] = unsafe.Pointer(&block[offset])
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&block[0])
	pinner.Pin(&argv[0])

	result := cmdline(int32(len(args)), unsafe.Pointer(&argv[0]))
	if result == 0 {
		return errors.New("embedded ClickHouse ended without a result")
	}
	if message := resultError(result); message != "" {
		return fmt.Errorf("embedded ClickHouse: %s", message)
	}
	return nil
}
