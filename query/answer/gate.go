package answer

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
)

// Timeouts of a connection: reading covers a slow upload of a whole body, writing a query and a slow download.
const (
	ReadTimeout  = 60 * time.Second
	WriteTimeout = 120 * time.Second
)

// Gate bounds what requests take: how many of a kind run at a time, and the memory that their bodies take together. It
// is safe for concurrent use.
type Gate struct {
	// Queries read ClickHouse for a page; Overrides wait for the aggregator, and would keep reports waiting with them;
	// an export lasts for as long as its reader likes; Workbooks take room on disk; Looks ask for the state of the
	// service when it is busy.
	Queries, Overrides, Exports, Workbooks, Looks Turns
	// Uploads decode bodies of events; Unpacking reads bodies that take several times their size: lists and Arrow
	// streams.
	Uploads, Unpacking Turns
	// Bodies is what is left of the memory that bodies take together.
	Bodies atomic.Int64
	// Stopping is closed when the server is to end: nobody waits for something new any more.
	Stopping chan struct{}
	// By is who changes something, for the audit: with --auth off nobody says who he is.
	By string
	// Note writes a line about a request to the audit, and returns when it is stored.
	Note func(c *gin.Context, about string) error
}

// Author names who changes something, for the audit.
func (g *Gate) Author(c *gin.Context) string {
	if by := CallerOf(c.Request.Context()).By; by != "" {
		return by
	}
	return g.By
}

// Turns bounds how many requests of a kind run at a time.
type Turns struct {
	taken chan struct{}
	wait  time.Duration
}

// NewTurns makes turns for so many at a time; a request waits that long for its turn before it is told to come again.
func NewTurns(most int, wait time.Duration) Turns { return Turns{make(chan struct{}, most), wait} }

// Take waits for a turn. It returns a Problem when none came, and ctx's error when nobody waits any more.
func (t *Turns) Take(ctx context.Context) (release func(), err error) {
	timer := time.NewTimer(t.wait)
	defer timer.Stop()
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, NewProblem(http.StatusServiceUnavailable, "busy",
			fmt.Sprintf("%d requests of this kind are running already; try again", cap(t.taken))).After(1)
	}
}

// Several reports whether more than one request has its turn.
func (t *Turns) Several() bool { return len(t.taken) > 1 }
