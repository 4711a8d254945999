package main

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/segmentio/kafka-go/sasl/plain"

	"kaskad/schema/keys"
)

const (
	// loginsEvery is how often the broker is told which keys are good: a revocation holds after five seconds.
	loginsEvery = 2 * time.Second
	// loginsOutage is how long keys stay good that cannot be read again, as for POST /v1/events.
	loginsOutage = 5 * time.Minute
)

// logIn makes Kaskad's own clients log in at the embedded broker.
func (st *stack) logIn(secret string) {
	st.brokerSecret = secret
	st.dialer.SASLMechanism = plain.Mechanism{Username: "kaskad", Password: secret}
}

// watchLogins tells the embedded broker who may log in, until ctx ends: Kaskad's own roles, and admin keys of all
// accounts. Keys of an account may not, for nobody looks at the account inside of a record there.
func (p *process) watchLogins(ctx context.Context) {
	always := [][sha256.Size]byte{keys.HashOf(p.brokerSecret)}
	if p.listen.AdminKey != "" {
		always = append(always, keys.HashOf(p.listen.AdminKey))
	}
	told := make(map[[sha256.Size]byte]bool)
	read := time.Now()
	for tick := time.NewTicker(loginsEvery); ; {
		if allowed, err := p.adminHashes(ctx); err == nil || time.Since(read) > loginsOutage {
			if err == nil {
				read = time.Now()
			}
			allowed = append(allowed, always...)
			now := make(map[[sha256.Size]byte]bool, len(allowed))
			same := len(allowed) == len(told)
			for _, hash := range allowed {
				same = same && told[hash]
				now[hash] = true
			}
			if !same && p.broker.Allow(allowed) == nil {
				told = now
			}
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

// adminHashes are those of all live admin keys of all accounts.
func (p *process) adminHashes(ctx context.Context) (hashes [][sha256.Size]byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, loginsEvery)
	defer cancel()
	live, err := keys.Live(ctx, p.conn, time.Now().UnixMilli())
	for i := range live {
		if live[i].AdminOfAll() {
			hashes = append(hashes, live[i].Hash)
		}
	}
	return hashes, err
}
