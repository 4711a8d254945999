package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"github.com/cenkalti/backoff/v5"
)

// Errors that callers tell apart.
var (
	// ErrUnavailable: Kafka did not acknowledge in time. What was sent may arrive all the same; sending it again does
	// no harm.
	ErrUnavailable = errors.New("kafka is unavailable")

	// ErrTooLarge: the broker does not take a record of this size. Split it, or raise max.message.bytes of the topic.
	ErrTooLarge = errors.New("record is too large for the topic")
)

const (
	dialTimeout = 10 * time.Second
	retryMin    = 50 * time.Millisecond
	retryMax    = 3 * time.Second

	// complainEvery is how often an ongoing retry is logged.
	complainEvery = 30 * time.Second
)

// memoryLimitExceeded is ClickHouse's code for a block that needs more memory than there is: half of it may fit.
const memoryLimitExceeded = 241

// dataError reports whether ClickHouse refused a block because of a value in it, so that sending it again cannot help.
// The list is short on purpose: every other error, and every error that is not ClickHouse's, is retried until it goes
// away.
func dataError(err error) bool {
	switch exceptionCode(err) {
	case 6, // CANNOT_PARSE_TEXT
		38,  // CANNOT_PARSE_DATE
		41,  // CANNOT_PARSE_DATETIME
		72,  // CANNOT_PARSE_NUMBER
		69,  // ARGUMENT_OUT_OF_BOUND
		117, // INCORRECT_DATA
		128, // TOO_LARGE_ARRAY_SIZE
		131, // TOO_LARGE_STRING_SIZE
		321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
		395, // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: an operator's own check in a view
		407, // DECIMAL_OVERFLOW
		469, // VIOLATED_CONSTRAINT
		691: // UNKNOWN_ELEMENT_OF_ENUM
		return true
	}
	return false
}

// exceptionCode returns the code of ClickHouse's exception inside err, or 0.
func exceptionCode(err error) int32 {
	var exception *proto.Exception
	if !errors.As(err, &exception) {
		return 0
	}
	return exception.Code
}

// abandon runs f and returns its error, or that of ctx as soon as ctx ends. clickhouse-go then interrupts a query, but
// not a dial to a server that accepts and stays silent, and a generation of the consumer group must not wait for that.
// After such a return, do not use what f works on.
func abandon(ctx context.Context, f func(ctx context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sleep waits for d. When ctx ends first, it returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// retry calls try until it succeeds or ctx ends, and returns the last error of try. failed, which may be nil, hears of
// every failure that is tried again.
func retry(ctx context.Context, try func() error, failed func(error)) error {
	var err error
	options := []backoff.RetryOption{backoff.WithBackOff(newBackOff()), backoff.WithMaxElapsedTime(0)}
	if failed != nil {
		options = append(options, backoff.WithNotify(func(err error, _ time.Duration) { failed(err) }))
	}
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		err = try()
		return struct{}{}, err
	}, options...)
	return err
}

// newBackOff returns waits that double, each up to a quarter longer or shorter, so that workers do not retry in step.
func newBackOff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: retryMin, MaxInterval: retryMax, Multiplier: 2,
		RandomizationFactor: 0.25}
}
