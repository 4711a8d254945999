package query

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema/law"
)

var (
	//go:embed shapes.sql
	shapesSQL string
)

const (
	// maxShapeBytes bounds what the server remembers of shapes and their prices. A shape takes about 100 bytes.
	maxShapeBytes = 256 << 20
	// maxShapesWanted is how many shapes one statement asks for.
	maxShapesWanted = 1 << 18
	// maxPricings is how many ways of pricing an account's shapes are remembered: the newest, and those that cursors
	// may point to.
	maxPricings = 3
)

// shapeCache remembers the shapes of accounts, which never change, and how they were priced. It is safe for concurrent
// use.
type shapeCache struct {
	mu       sync.Mutex
	accounts map[string]*shapeStore
	clock    uint64
	// limit is maxShapeBytes but in tests.
	limit int64
}

// of returns the store of an account, a new one when there is none.
func (c *shapeCache) of(account string) *shapeStore {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.accounts == nil {
		c.accounts = map[string]*shapeStore{}
	}
	s := c.accounts[account]
	if s == nil {
		s = &shapeStore{account: account, index: map[uint64]uint32{}, legIndex: map[uint64]uint32{}}
		c.accounts[account] = s
	}
	c.clock++
	s.used = c.clock
	return s
}

// trim forgets the accounts that were asked for the longest ago until the limit holds. Who uses a store goes on with
// it.
func (c *shapeCache) trim() {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := c.limit
	if limit == 0 {
		limit = maxShapeBytes
	}
	var total int64
	stores := make([]*shapeStore, 0, len(c.accounts))
	for _, s := range c.accounts {
		stores, total = append(stores, s), total+s.bytes.Load()
	}
	slices.SortFunc(stores, func(a, b *shapeStore) int { return int(min(max(int64(a.used)-int64(b.used), -1), 1)) })
	for _, s := range stores {
		if total <= limit {
			return
		}
		delete(c.accounts, s.account)
		total -= s.bytes.Load()
	}
}

// shapeStore holds the shapes and legs of one account that some report has met. Everything but account, used and bytes
// is guarded by mu.
type shapeStore struct {
	account string
	used    uint64 // guarded by the cache
	bytes   atomic.Int64

	mu       sync.RWMutex
	index    map[uint64]uint32 // by the shape's id, the place in shapes
	shapes   []storedShape
	refs     []legRef
	legIndex map[uint64]uint32 // by the leg's id, the place in legs
	legs     []money.Leg       // what a tariff may name; the rest is in the shape
	pricings []*pricing
}

// storedShape is a row of table shapes; its legs are refs[first:first+count].
type storedShape struct {
	first       uint32
	count       uint16
	smsSegments uint16
}

// legRef is a leg of a shape: its place in legs, and what came of it.
type legRef struct {
	leg  uint32
	code law.Code
}

// expand makes the shape that pricing wants, in scratch. The caller holds mu.
func (s *shapeStore) expand(shape storedShape, scratch *money.Shape) {
	scratch.SMSSegments = shape.smsSegments
	scratch.Legs = scratch.Legs[:0]
	for _, ref := range s.refs[shape.first : shape.first+uint32(shape.count)] {
		leg := s.legs[ref.leg]
		leg.Take(ref.code)
		scratch.Legs = append(scratch.Legs, leg)
	}
}

// missing returns which of the ids the store does not hold, each once, in order.
func (s *shapeStore) missing(ids []uint64) []uint64 {
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

// loadShapes makes sure that the store holds these shapes.
func (s *Server) loadShapes(ctx context.Context, cache *shapeStore, ids []uint64) error {
	for part := range slices.Chunk(cache.missing(ids), maxShapesWanted) {
		if err := s.loadShapePart(ctx, cache, part); err != nil {
			return fmt.Errorf("load shapes of account %q: %w", cache.account, err)
		}
	}
	return nil
}

func (s *Server) loadShapePart(ctx context.Context, cache *shapeStore, ids []uint64) error {
	var packed string
	wanted, err := store.WithWanted(s.db.Settings(ctx), ids)
	if err != nil {
		return err
	}
	if err := s.db.Conn.QueryRow(wanted, shapesSQL,
		clickhouse.Named("account", cache.account)).Scan(&packed); err != nil {
		return err
	}
	shapes, err := unpackShapes(packed)
	if err != nil {
		return err
	}
	var legs []uint64
	cache.mu.RLock()
	for _, shape := range shapes {
		for _, leg := range shape.legs {
			if _, found := cache.legIndex[leg]; !found {
				legs = append(legs, leg)
			}
		}
	}
	cache.mu.RUnlock()
	slices.Sort(legs)
	legs = slices.Compact(legs)
	rows, err := prices.ReadLegs(ctx, s.db, cache.account, legs)
	if err != nil {
		return err
	}
	for _, id := range legs {
		if _, found := rows[id]; !found {
			return fmt.Errorf("table legs lacks leg %d, which shapes name", id)
		}
	}
	if err := cache.add(shapes, rows); err != nil {
		return err
	}
	if left := cache.missing(ids); len(left) > 0 {
		return fmt.Errorf("table shapes lacks %d shapes that messages are counted by, %d among them", len(left),
			left[0])
	}
	return nil
}

// add takes what was read, but for what somebody else has added meanwhile.
func (s *shapeStore) add(shapes []shapeRow, legs map[uint64]money.Leg) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, leg := range legs {
		if _, found := s.legIndex[id]; !found {
			s.legIndex[id] = uint32(len(s.legs))
			s.legs = append(s.legs, leg)
			s.bytes.Add(300)
		}
	}
	for _, row := range shapes {
		if _, found := s.index[row.id]; found {
			continue
		}
		if len(s.refs)+len(row.legs) > 1<<32-1 {
			return errors.New("there are too many of them")
		}
		shape := storedShape{first: uint32(len(s.refs)), count: uint16(len(row.legs)), smsSegments: row.smsSegments}
		for i, leg := range row.legs {
			s.refs = append(s.refs, legRef{s.legIndex[leg], row.codes[i]})
		}
		s.index[row.id] = uint32(len(s.shapes))
		s.shapes = append(s.shapes, shape)
		s.bytes.Add(int64(48 + 8*len(row.legs)))
	}
	return nil
}

// shapeRow is a row of table shapes.
type shapeRow struct {
	id          uint64
	smsSegments uint16
	legs        []uint64
	codes       []law.Code
}

// unpackShapes reads what shapes.sql packs.
func unpackShapes(packed string) (rows []shapeRow, err error) {
	const head, leg = 12, 12
	for len(packed) > 0 {
		if len(packed) < head {
			return nil, errors.New("a row of table shapes is cut off")
		}
		row := shapeRow{id: answer.LE64(packed), smsSegments: answer.LE16(packed[8:])}
		count := int(answer.LE16(packed[10:]))
		packed = packed[head:]
		if len(packed) < count*leg {
			return nil, errors.New("a row of table shapes is cut off")
		}
		row.legs, row.codes = make([]uint64, count), make([]law.Code, count)
		for i := range count {
			row.legs[i], row.codes[i] = answer.LE64(packed[i*leg:]), law.Code(answer.LE32(packed[i*leg+8:]))
		}
		packed = packed[count*leg:]
		rows = append(rows, row)
	}
	return rows, nil
}
