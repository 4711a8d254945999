package numbers

import (
	"slices"
	"time"
)

const (
	hourMS = int64(time.Hour / time.Millisecond)
	dayMS  = 24 * hourMS
)

func oneOf(s string, names ...string) bool { return slices.Contains(names, s) }

func instantOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
