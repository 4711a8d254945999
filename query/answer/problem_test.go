package answer

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Whoever finds no room, the broker or ClickHouse, at whatever step: the caller learns that the disk is full.
func TestAsProblem_DiskFull(t *testing.T) {
	for name, err := range map[string]error{
		"broker": fmt.Errorf("produce: %w", ErrDiskFull),
		"clickhouse": fmt.Errorf("send 1 rows: %w",
			&clickhouse.Exception{Code: 243, Message: "Cannot reserve 1.00 MiB, not enough space"}),
	} {
		p := AsProblem(err)
		if p.Status != http.StatusInsufficientStorage || p.Type != "urn:kaskad:problem:disk-full" ||
			p.retryAfter == 0 || !errors.Is(p, err) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
