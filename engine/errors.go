package engine

import "errors"

// Every error of this package that a person can do something about wraps one of
// these, and its text ends with the fix.
var (
	// ErrNoClickHouse: neither libchdb nor a clickhouse binary was found.
	ErrNoClickHouse = errors.New("embedded ClickHouse not found")
	// ErrLocked: another process uses the data directory.
	ErrLocked = errors.New("data directory is in use")
	// ErrNewerData: the data directory belongs to a newer ClickHouse.
	ErrNewerData = errors.New("data directory belongs to a newer version")
	// ErrDiskFull: the disk of the data directory is nearly full.
	ErrDiskFull = errors.New("disk is nearly full")
	// ErrExited: the engine ended although nobody stopped it.
	ErrExited = errors.New("embedded ClickHouse exited")

	errBrokerExited = errors.New("embedded broker exited")

	errNoRestart = errors.New("embedded ClickHouse is not started again, as configured")
	errCrashLoop = errors.New("embedded ClickHouse is not started again, because it crashed more than 5 times in a " +
		"minute")
)
