package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// A try may last for as long as it needs, as the migration of a large table does; what fails for good is said at once,
// and what may come back is tried again.
func TestStack_Retry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &stack{logger: slog.New(slog.DiscardHandler)}
		hours := func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(5 * time.Hour):
				return nil
			}
		}
		if err := st.retry(t.Context(), "migrate", true, hours); err != nil {
			t.Errorf("a try of five hours: %v", err)
		}
		away, tries := errors.New("away"), 0
		again := func(context.Context) error {
			if tries++; tries < 3 {
				return away
			}
			return nil
		}
		if err := st.retry(t.Context(), "migrate", false, again); err != nil || tries != 3 {
			t.Errorf("%v after %d tries, want the third to succeed", err, tries)
		}
		tries = 0
		if err := st.retry(t.Context(), "migrate", true, again); !errors.Is(err, away) || tries != 1 {
			t.Errorf("%v after %d tries, want the first to be the last", err, tries)
		}
	})
}
