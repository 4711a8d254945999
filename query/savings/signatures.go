package savings

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"kaskad/money"
	"kaskad/money/stored"
	"kaskad/schema/law"
)

const (
	// maxSignatureBytes bounds what the server remembers of signatures and their prices. A signature takes about 100
	// bytes.
	maxSignatureBytes = 256 << 20
	// maxSignaturesWanted is how many signatures one statement asks for.
	maxSignaturesWanted = 1 << 18
	// maxPricings is how many ways of pricing an account's signatures are remembered: the newest, and those that
	// cursors may point to.
	maxPricings = 3
)

// signatureCache remembers the signatures of accounts, which never change, and how they were priced. It is safe for
// concurrent use.
type signatureCache struct {
	mu sync.Mutex
	// recent holds what is known of each account.
	recent *simplelru.LRU[string, *accountSignatures]
	// limit bounds what is remembered, in bytes. What an account takes grows while it is used, so the library bounds
	// nothing.
	limit int64
}

func newSignatureCache() *signatureCache {
	recent, _ := simplelru.NewLRU[string, *accountSignatures](math.MaxInt, nil) // An error is a size of 0 alone.
	return &signatureCache{recent: recent, limit: maxSignatureBytes}
}

// of returns the store of an account, a new one when there is none.
func (c *signatureCache) of(account string) *accountSignatures {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, found := c.recent.Get(account)
	if !found {
		s = &accountSignatures{account: account, index: map[uint64]uint32{}, stepIndex: map[uint64]uint32{}}
		c.recent.Add(account, s)
	}
	return s
}

// held returns how many bytes are remembered.
func (c *signatureCache) held() (bytes int64) {
	for _, s := range c.recent.Values() {
		bytes += s.bytes.Load()
	}
	return bytes
}

// trim forgets the accounts that were asked for the longest ago until the limit holds. Who uses a store goes on with
// it.
func (c *signatureCache) trim() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for held := c.held(); held > c.limit; {
		_, s, found := c.recent.RemoveOldest()
		if !found {
			return
		}
		held -= s.bytes.Load()
	}
}

// accountSignatures holds the signatures and steps of one account that some report has met. Everything but account and
// bytes is guarded by mu.
type accountSignatures struct {
	account string
	bytes   atomic.Int64

	mu         sync.RWMutex
	index      map[uint64]uint32 // by the signature's id, the place in signatures
	signatures []storedSignature
	refs       []stepRef
	stepIndex  map[uint64]uint32 // by the step's id, the place in steps
	steps      []money.Step      // what a tariff may name; the rest is in the signature
	pricings   []*pricing
}

// storedSignature is a row of table shapes; its steps are refs[first:first+count].
type storedSignature struct {
	first       uint32
	count       uint16
	smsSegments uint16
}

// stepRef is a step of a signature: its place in steps, and what came of it.
type stepRef struct {
	step uint32
	code law.Code
}

// expand makes the signature that pricing wants, in scratch. The caller holds mu.
func (s *accountSignatures) expand(signature storedSignature, scratch *money.Signature) {
	scratch.SMSSegments = signature.smsSegments
	scratch.Steps = scratch.Steps[:0]
	for _, ref := range s.refs[signature.first : signature.first+uint32(signature.count)] {
		step := s.steps[ref.step]
		step.Take(ref.code)
		scratch.Steps = append(scratch.Steps, step)
	}
}

// missing returns which of the ids the store does not hold, each once, in order.
func (s *accountSignatures) missing(ids []uint64) []uint64 {
	var left []uint64
	s.mu.RLock()
	for _, id := range ids {
		if _, found := s.index[id]; !found {
			left = append(left, id)
		}
	}
	s.mu.RUnlock()
	slices.Sort(left)
	return slices.Compact(left)
}

// loadSignatures makes sure that stores hold these signatures.
func (s *Savings) loadSignatures(ctx context.Context, wanted map[*accountSignatures][]uint64) error {
	part, size := map[*accountSignatures][]uint64{}, 0
	for cache, ids := range wanted {
		for some := range slices.Chunk(cache.missing(ids), maxSignaturesWanted) {
			if size+len(some) > maxSignaturesWanted {
				if err := s.loadSignaturePart(ctx, part); err != nil {
					return err
				}
				part, size = map[*accountSignatures][]uint64{}, 0
			}
			part[cache], size = append(part[cache], some...), size+len(some)
		}
	}
	if size == 0 {
		return nil
	}
	return s.loadSignaturePart(ctx, part)
}

func (s *Savings) loadSignaturePart(ctx context.Context, wanted map[*accountSignatures][]uint64) error {
	ids := stored.IDs{}
	for cache, signatures := range wanted {
		ids[cache.account] = signatures
	}
	signatures, err := stored.ReadSignatures(s.db.Settings(ctx), s.db.Conn, ids)
	if err != nil {
		return fmt.Errorf("load signatures: %w", err)
	}
	ids = stored.IDs{}
	for cache := range wanted {
		ids[cache.account] = cache.missingSteps(signatures[cache.account])
	}
	keys, err := stored.ReadStepKeys(s.db.Settings(ctx), s.db.Conn, ids)
	if err != nil {
		return fmt.Errorf("load steps of signatures: %w", err)
	}
	for cache := range wanted {
		rows := keys[cache.account]
		for _, id := range ids[cache.account] {
			if _, found := rows[id]; !found {
				return fmt.Errorf("table legs lacks step %d of account %q, which table shapes names", id, cache.account)
			}
		}
		if err := cache.add(signatures[cache.account], rows); err != nil {
			return fmt.Errorf("load signatures of account %q: %w", cache.account, err)
		}
		if left := cache.missing(wanted[cache]); len(left) > 0 {
			return fmt.Errorf("table shapes lacks %d signatures that messages of account %q are counted by, %d among "+
				"them", len(left), cache.account, left[0])
		}
	}
	return nil
}

// missingSteps returns the steps of signatures that the store does not hold, each once, in order.
func (s *accountSignatures) missingSteps(signatures []stored.Signature) (steps []uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, signature := range signatures {
		for _, step := range signature.Steps {
			if _, found := s.stepIndex[step]; !found {
				steps = append(steps, step)
			}
		}
	}
	slices.Sort(steps)
	return slices.Compact(steps)
}

// add takes what was read, but for what somebody else has added meanwhile.
func (s *accountSignatures) add(signatures []stored.Signature, steps map[uint64]money.Step) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, step := range steps {
		if _, found := s.stepIndex[id]; !found {
			s.stepIndex[id] = uint32(len(s.steps))
			s.steps = append(s.steps, step)
			s.bytes.Add(300)
		}
	}
	for _, row := range signatures {
		if _, found := s.index[row.ID]; found {
			continue
		}
		if len(s.refs)+len(row.Steps) > 1<<32-1 {
			return errors.New("there are too many of them")
		}
		signature := storedSignature{first: uint32(len(s.refs)), count: uint16(len(row.Steps)),
			smsSegments: row.SMSSegments}
		for i, step := range row.Steps {
			s.refs = append(s.refs, stepRef{s.stepIndex[step], row.Codes[i]})
		}
		s.index[row.ID] = uint32(len(s.signatures))
		s.signatures = append(s.signatures, signature)
		s.bytes.Add(int64(48 + 8*len(row.Steps)))
	}
	return nil
}
