package numbers

import (
	"fmt"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const maxAge = 400 * dayMS

// uuidAt is a UUID of version 7 and of a time.
func uuidAt(t time.Time) string {
	return fmt.Sprintf("%08x-%04x-702a-8000-00000000002a", t.UnixMilli()>>16, t.UnixMilli()&0xffff)
}

func instantText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
