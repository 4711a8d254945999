package store

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
)

// MaxSilence is how long ClickHouse may neither send progress nor answer a ping before who waits for it is told. It is
// trusted for a fifth of that without a sign; then there is time for several pings, each on another connection.
const MaxSilence = 10 * time.Second

// pulse is the last sign of life that a request had of ClickHouse.
type pulse struct{ at atomic.Pointer[time.Time] }

type pulseKey struct{}

func (p *pulse) beat() {
	now := time.Now()
	p.at.Store(&now)
}

func (p *pulse) silence() time.Duration { return time.Since(*p.at.Load()) }

// Watch returns a context for statements that ends once ClickHouse has been silent for too long. A slow statement goes
// on while ClickHouse lives: it has limits of its own. end is to be called when all is read; it tells of the silence
// rather than of the error that followed from it.
func (d *DB) Watch(parent context.Context) (_ context.Context, end func(error) error) {
	life := &pulse{}
	life.beat()
	ctx, cancel := context.WithCancelCause(context.WithValue(parent, pulseKey{}, life))
	trust := d.Silence / 5
	go func() {
		tick := time.NewTicker(trust)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			quiet := life.silence()
			switch {
			case quiet >= d.Silence:
				cancel(answer.NewProblem(http.StatusServiceUnavailable, "engine-unavailable",
					"ClickHouse does not answer; try again").After(5))
				return
			case quiet >= trust/2 && d.ping(ctx, min(d.Silence-quiet, 2*trust)) == nil:
				life.beat()
			}
		}
	}()
	return ctx, func(err error) error {
		if silent := Silent(ctx); silent != nil && err != nil {
			return silent.Because(err)
		}
		cancel(nil)
		return err
	}
}

// Silent returns the answer to a request whose context ended by the silence of ClickHouse, nil for any other.
func Silent(ctx context.Context) *answer.Problem {
	var p *answer.Problem
	if errors.As(context.Cause(ctx), &p) {
		return p
	}
	return nil
}

// ping asks ClickHouse for a sign of life on a connection that no statement uses. However many wait for a sign, one
// asks.
func (d *DB) ping(ctx context.Context, most time.Duration) error {
	reply := d.pings.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
		defer cancel()
		return nil, d.Conn.Ping(ctx)
	})
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case a := <-reply:
		return a.Err
	case <-timer.C:
		return context.DeadlineExceeded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reads takes a turn for statements and watches over ClickHouse until end is called.
func (d *DB) Reads(c *gin.Context, turns *answer.Turns) (end func(), err error) {
	release, err := turns.Take(c.Request.Context())
	if err != nil {
		return nil, err
	}
	before := c.Request
	ctx, over := d.Watch(before.Context())
	c.Request = before.WithContext(ctx)
	return func() {
		release()
		if Silent(ctx) == nil {
			c.Request = before // its context goes on
		}
		_ = over(nil)
	}, nil
}
